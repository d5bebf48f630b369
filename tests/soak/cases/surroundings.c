/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Copyright (c) 2026 The nbclone developers */
/*
 * Callers that lack something: processes, descriptors, memory, /proc, an
 * environment, signals, privileges. In each shape the child is made all the same,
 * and knows its own id.
 */
#define _GNU_SOURCE
#include "beside.h"

#include <sys/prctl.h>
#include <sys/random.h>
#include <sys/resource.h>
#include <sys/stat.h>

#define NOBODY		65534

#ifndef FORK
static int
gives_seven(void *arg)
{
	(void)arg;
	return 7;
}
#endif

static int
knows_itself(void *arg)
{
	(void)arg;
	return getpid() == (pid_t)syscall(SYS_getpid) && raise(0) == 0 ? 7 : 1;
}

/* Each shape that the judged call has. */
static void
call(void)
{
#ifndef FORK
	expect_exit(wait_for(start(SHARED, gives_seven, NULL)), 7);
	expect_exit(wait_for(start(CLONE_VM | SIGCHLD, gives_seven, NULL)), 7);
	expect_exit(wait_for(start(CLONE_VM | CLONE_FS | CLONE_FILES | CLONE_SIGHAND | SIGCHLD,
	    gives_seven, NULL)), 7);
	expect_exit(wait_for(start(CLONE_FS | CLONE_FILES | SIGCHLD, knows_itself, NULL)), 7);
#endif
	expect_exit(wait_for(start(SIGCHLD, knows_itself, NULL)), 7);
}

static void
limit(int resource, rlim_t value)
{
	struct rlimit both = { value, value };

	expect("setrlimit", setrlimit((unsigned)resource, &both), 0);
	call();
}

static void limit_descriptors(void) { limit(RLIMIT_NOFILE, 0); }
static void limit_files(void) { limit(RLIMIT_FSIZE, 0); }
static void limit_signals(void) { limit(RLIMIT_SIGPENDING, 0); }
static void limit_stack(void) { limit(RLIMIT_STACK, 0); }
static void limit_memory(void) { limit(RLIMIT_AS, 0); }
static void limit_data(void) { limit(RLIMIT_DATA, 0); }
static void no_descriptors_left(void) { in_process(limit_descriptors); }
static void no_file_may_grow(void) { in_process(limit_files); }
static void no_signal_may_wait(void) { in_process(limit_signals); }
static void no_stack_may_grow(void) { in_process(limit_stack); }
static void no_memory_left(void) { in_process(limit_memory); }
static void no_data_left(void) { in_process(limit_data); }

static void
become_nobody(void)
{
	if (geteuid() == 0 && (setresgid(NOBODY, NOBODY, NOBODY) == -1 ||
	    setresuid(NOBODY, NOBODY, NOBODY) == -1))
		skip_case("can't become another user");
}

static void
call_as_nobody(void)
{
	become_nobody();
	call();
}

static void another_user(void) { in_process(call_as_nobody); }

/* No process at all, for a user who isn't root: EAGAIN, and nothing else. */
static void
limit_processes(void)
{
	struct rlimit none = { 0, 0 };

	become_nobody();
	setrlimit(RLIMIT_NPROC, &none);
	errno = 0;
#ifdef FORK
	expect("fork", fork(), -1);
	expect("errno", errno, EAGAIN);
#else
	expect("clone", clone(gives_seven, next_stack(), COPIED, NULL), -1);
	expect("errno", errno, EAGAIN);
	errno = 0;
	expect("clone", clone(gives_seven, next_stack(), SHARED, NULL), -1);
	expect("errno", errno, EAGAIN);
#endif
}

static void no_process_left(void) { in_process(limit_processes); }

static char empty[] = "/tmp/nbclone-root-XXXXXX";

static void
enter_empty_root(void)
{
	if (geteuid() != 0)
		skip_case("wants root");
	if (chroot(empty) == -1 || chdir("/") == -1)
		fail("no root directory of its own: errno %d", errno);
	call();
}

static void
no_proc(void)
{
	expect("mkdtemp", mkdtemp(empty) != NULL, 1);
	in_process(enter_empty_root);
	expect("rmdir", rmdir(empty), 0);
}

static void
close_all(void)
{
	int fd;

	for (fd = 0; fd < 3; fd++)
		close(fd);
	call();
}

static void no_standard_descriptors(void) { in_process(close_all); }

extern char **environ;

static void
lose_environment(void)
{
	environ = NULL;
	call();
}

static void no_environment(void) { in_process(lose_environment); }

static void
block_signals(void)
{
	sigset_t all;

	sigfillset(&all);
	sigprocmask(SIG_SETMASK, &all, NULL);
	raise(SIGUSR1);			/* stays pending, and is no child's */
	call();
}

static void signals_blocked(void) { in_process(block_signals); }

static volatile int handled;

static void
count(int sig)
{
	(void)sig;
	handled++;
}

static int
unblocks(void *arg)
{
	sigset_t none;

	(void)arg;
	handled = 0;
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	return handled == 0 ? 7 : 1;
}

static void
block_and_unblock(void)
{
	sigset_t all;

	signal(SIGUSR1, count);
	sigfillset(&all);
	sigprocmask(SIG_SETMASK, &all, NULL);
	raise(SIGUSR1);
	expect_exit(wait_for(start(SIGCHLD, unblocks, NULL)), 7);
	expect("signals handled", handled, 0);
	unblocks(NULL);
	expect("signals handled", handled, 1);
}

static void pending_signal_stays_the_parents(void) { in_process(block_and_unblock); }

static void
forbid_dumps(void)
{
	prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
	call();
}

static void not_dumpable(void) { in_process(forbid_dumps); }

static void
lock_memory(void)
{
	if (mlockall(MCL_CURRENT | MCL_FUTURE) == -1)
		skip_case("no mlockall");
	call();
}

static void memory_locked(void) { in_process(lock_memory); }

#ifndef PR_SET_MDWE
# define PR_SET_MDWE	65
#endif
static void
refuse_executable_memory(void)
{
	if (prctl(PR_SET_MDWE, 1, 0, 0, 0) == -1)
		skip_case("no PR_SET_MDWE");
	call();
}

static void no_new_executable_memory(void) { in_process(refuse_executable_memory); }

static void
enter_user_namespace(void)
{
	if (unshare(CLONE_NEWUSER) == -1)
		skip_case("no user namespaces");
	call();
}

static void in_a_user_namespace(void) { in_process(enter_user_namespace); }

/* What a child that shares memory shares of its thread: a processor's number
 * in the thread pointer's memory, a state of random numbers. */
static int
asks_for_its_processor(void *arg)
{
	(void)arg;
	return sched_getcpu() >= 0 ? 7 : 1;
}

static void
processor_number(void)
{
	expect_exit(wait_for(start(SIGCHLD, asks_for_its_processor, NULL)), 7);
#ifndef FORK
	expect_exit(wait_for(start(CLONE_VM | SIGCHLD, asks_for_its_processor, NULL)), 7);
#endif
	expect("the parent's", sched_getcpu() >= 0, 1);
}

static struct drawn {
	unsigned char childs[32];
} *drawn;

static int
draws(void *arg)
{
	(void)arg;
	return getrandom(drawn->childs, sizeof(drawn->childs), 0) == sizeof(drawn->childs) ? 7 : 1;
}

static void
random_numbers_differ(void)
{
	unsigned char own[32];

	expect("getrandom", getrandom(own, sizeof(own), 0), sizeof(own));
	expect_exit(wait_for(start(SIGCHLD, draws, NULL)), 7);
	expect("getrandom", getrandom(own, sizeof(own), 0), sizeof(own));
	if (memcmp(own, drawn->childs, sizeof(own)) == 0)
		fail("parent and child draw the same");
#ifndef FORK
	expect_exit(wait_for(start(SHARED, draws, NULL)), 7);
	expect("getrandom", getrandom(own, sizeof(own), 0), sizeof(own));
	if (memcmp(own, drawn->childs, sizeof(own)) == 0)
		fail("parent and child draw the same");
#endif
}

static const struct test cases[] = {
	CASE(no_descriptors_left), CASE(no_file_may_grow), CASE(no_signal_may_wait),
	CASE(no_stack_may_grow), CASE(no_memory_left), CASE(no_data_left), CASE(another_user),
	CASE(no_process_left), CASE(no_proc), CASE(no_standard_descriptors),
	CASE(no_environment), CASE(signals_blocked), CASE(pending_signal_stays_the_parents),
	CASE(not_dumpable), CASE(memory_locked), CASE(no_new_executable_memory),
	CASE(in_a_user_namespace), CASE(processor_number), CASE(random_numbers_differ),
};

int
main(int argc, char **argv)
{
	drawn = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (drawn == MAP_FAILED)
		return 2;
	return RUN(cases);
}
