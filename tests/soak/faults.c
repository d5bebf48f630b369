/*
 * What goes wrong around a clone: a kernel that refuses, a stack that isn't
 * one, a func that doesn't return. Errno exact, nothing written, nothing
 * leaked, and the caller alive. The same program runs with any clone.
 *
 *	faults [CASE]
 *
 * -DHOST: with the host's own clone. -DMUSL: with ours on musl.
 */
#define _GNU_SOURCE
#include "campaign.h"
#include "refuse.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <setjmp.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#define COPYVM		0x100
#define COPYFD		0x200
#define SHARED		(CLONE_VM | CLONE_VFORK | SIGCHLD)
#define COPIED		SIGCHLD
#define NOBODY		65534

static int
seven(void *arg)
{
	(void)arg;
	return 7;
}

static void
expect_exit(int status, int value)
{
	if (!WIFEXITED(status) || WEXITSTATUS(status) != value)
		fail("the child's status is %#x, not exit(%d)", status, value);
}

static void
expect_death(int status, int sig)
{
	if (!WIFSIGNALED(status) || WTERMSIG(status) != sig)
		fail("the child's status is %#x, not signal %d", status, sig);
}

/* A call that has to fail, with this errno and nothing else. */
static void
expect_refusal(int flags, int error)
{
	char *stack = new_stack();

	errno = 0;
	expect("clone", clone(seven, stack, flags, NULL), -1);
	expect("errno", errno, error);
#ifndef HOST			/* musl's returns -errno, to itself */
	errno = 0;
	expect("__clone", __clone(seven, stack, flags, NULL), -1);
	expect("errno of __clone", errno, error);
#endif
	expect_untouched(stack);
	free_stack(stack);
}

static void
expect_linux1_refusal(unsigned long flags, int error)
{
	char *stack = new_stack();

	errno = 0;
	expect("linux1_clone", linux1_clone(stack, flags), -1);
	expect("errno", errno, error);
	errno = 0;
	expect("linux1_clone", linux1_clone(NULL, flags), -1);
	expect("errno", errno, error);
	expect_untouched(stack);
	free_stack(stack);
}

static void
refused(int error)
{
	if (refuse_flags(0, 0, error) == -1)
		skip_case("no seccomp");
	expect_refusal(SHARED, error);
	expect_refusal(COPIED, error);
	expect_refusal(CLONE_VM | CLONE_FS | CLONE_FILES | CLONE_SIGHAND | SIGCHLD, error);
	if (linux1_clone != NULL) {
		expect_linux1_refusal(SIGCHLD, error);
		expect_linux1_refusal(COPYVM | SIGCHLD, error);
		expect_linux1_refusal(COPYVM | COPYFD | SIGCHLD, error);
	}
}

static void refused_eagain(void) { refused(EAGAIN); }
static void refused_enomem(void) { refused(ENOMEM); }
static void refused_eperm(void) { refused(EPERM); }
static void refused_enosys(void) { refused(ENOSYS); }
static void refused_einval(void) { refused(EINVAL); }
static void refused_unknown(void) { refused(3999); }
static void refused_highest(void) { refused(4095); }

static void
limit_of_processes(void)
{
	struct rlimit one = { 1, 1 };

	if (geteuid() != 0)
		skip_case("wants root");
	setrlimit(RLIMIT_NPROC, &one);
	/* The caller is the one; another user's processes don't count. */
	if (setresgid(NOBODY, NOBODY, NOBODY) || setresuid(NOBODY, NOBODY, NOBODY))
		skip_case("can't become another user");
	expect_refusal(SHARED, EAGAIN);
	expect_refusal(COPIED, EAGAIN);
	if (linux1_clone != NULL)
		expect_linux1_refusal(COPYVM | SIGCHLD, EAGAIN);
}

static int
put(const char *directory, const char *file, const char *text)
{
	char path[200];
	int fd, wrote;

	snprintf(path, sizeof(path), "%s/%s", directory, file);
	if ((fd = open(path, O_WRONLY)) == -1)
		return -1;
	wrote = write(fd, text, strlen(text)) > 0 ? 0 : -1;
	close(fd);
	return wrote;
}

static void
limit_of_a_cgroup(void)
{
	static const char *const tops[] = { "/sys/fs/cgroup/pids", "/sys/fs/cgroup" };
	char group[200];
	size_t i;

	for (i = 0; i < 2; i++) {
		snprintf(group, sizeof(group), "%s/nbclone-%d", tops[i], (int)getpid());
		if (mkdir(group, 0755) == -1)
			continue;
		if (put(group, "pids.max", "1") == 0 && put(group, "cgroup.procs", "0") == 0)
			break;
		rmdir(group);
	}
	if (i == 2)
		skip_case("no cgroup with a limit of processes can be made");
	expect_refusal(SHARED, EAGAIN);
	expect_refusal(COPIED, EAGAIN);
	if (put(tops[i], "cgroup.procs", "0") == -1 || rmdir(group) == -1)
		fail("can't leave %s", group);
}

/* A PID namespace whose init has gone takes no more processes. */
static void
namespace_without_init(void)
{
	pid_t pid;

	if (unshare(CLONE_NEWPID) == -1)
		skip_case("no PID namespace can be made");
	if ((pid = fork()) == 0)
		_exit(0);
	wait_for(pid);
	expect_refusal(SHARED, ENOMEM);
	expect_refusal(COPIED, ENOMEM);
}

static void
no_func_no_stack(void)
{
	char *stack = new_stack();
	int flags[] = { SHARED, COPIED }, i;

	for (i = 0; i < 2; i++) {
		errno = 0;
		expect("clone(NULL)", clone(NULL, stack, flags[i], NULL), -1);
		expect("errno", errno, EINVAL);
		errno = 0;
		expect("clone(f, NULL)", clone(seven, NULL, flags[i], NULL), -1);
		expect("errno", errno, EINVAL);
	}
	expect_untouched(stack);
	free_stack(stack);
}

/* The child's fault, never the caller's. */
static void
expect_fault(char *stack)
{
	int flags[] = { SHARED, COPIED }, i;

	for (i = 0; i < 2; i++) {
		pid_t pid = clone(seven, stack, flags[i], NULL);

		if (pid == -1)
			fail("errno %d", errno);
		expect_death(wait_for(pid), SIGSEGV);
	}
}

static void
stack_unmapped(void)
{
	char *stack = new_stack();

	free_stack(stack);
	expect_fault(stack);
}

static void
stack_read_only(void)
{
	char *stack = new_stack();

	mprotect(stack - STACK_SIZE, STACK_SIZE, PROT_READ);
	expect_fault(stack);
	free_stack(stack);
}

static void
stack_in_the_first_page(void)
{
	static const uintptr_t addresses[] = { 1, 8, 16, 64, 4095 };
	size_t i;

	for (i = 0; i < sizeof(addresses) / sizeof(addresses[0]); i++)
		expect_fault((char *)addresses[i]);
}

static int
recurse(void *arg)
{
	volatile char room[512];

	room[0] = 0;
	return arg == NULL ? 0 : recurse((void *)((uintptr_t)arg - 1)) + room[0];
}

static void
stack_too_small(void)
{
	char *stack = new_stack();
	pid_t pid = clone(recurse, stack, SHARED, (void *)(uintptr_t)100000);

	expect_death(wait_for(pid), SIGSEGV);
	free_stack(stack);
}

/* 64 bytes above a page that isn't there, and all else below it. */
static void
stack_of_64_bytes(void)
{
	char *stack = new_stack(), *low = stack - STACK_SIZE + 64;
	pid_t pid = clone(seven, low, SHARED, NULL);

	if (pid == -1)
		fail("errno %d", errno);
	expect_exit(wait_for(pid), 7);
	free_stack(stack);
}

static int
is_aligned(void *arg)
{
	int __attribute__((aligned(16))) local = 7;
	int *volatile place = &local;

	(void)arg;
	return (uintptr_t)place % 16 == 0 ? *place : 1;
}

static void
stack_of_any_alignment(void)
{
	char *stack = new_stack();
	int below;

	for (below = 0; below < 64; below++) {
		pid_t pid = clone(is_aligned, stack - below, below % 2 ? SHARED : COPIED, NULL);

		expect_exit(wait_for(pid), 7);
	}
	free_stack(stack);
}

/* The base of a block, which callers that expect a failure pass. */
static void
stack_is_a_base(void)
{
	char *stack = new_stack();

	if (refuse_flags(0, 0, EAGAIN) == -1)
		skip_case("no seccomp");
	expect("clone", clone(seven, stack - STACK_SIZE, COPIED, NULL), -1);
	expect("errno", errno, EAGAIN);
	expect("clone", clone(seven, stack - STACK_SIZE, SHARED, NULL), -1);
	expect_untouched(stack);
	free_stack(stack);
}

static int
wait_then_use_the_stack(void *arg)
{
	volatile int *go = arg;

	while (!__atomic_load_n(go, __ATOMIC_ACQUIRE))
		sched_yield();
	return 7;
}

static void
stack_unmapped_too_early(void)
{
	int *go = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	char *stack = new_stack();
	pid_t pid = clone(wait_then_use_the_stack, stack, CLONE_VM | SIGCHLD, go);

	free_stack(stack);
	__atomic_store_n(go, 1, __ATOMIC_RELEASE);
	expect_death(wait_for(pid), SIGSEGV);
	munmap(go, 4096);
}

static int
do_as_told(void *arg)
{
	static char *const command[] = { (char *)"true", NULL };
	static volatile int *volatile nowhere = (int *)16;
	const char *what = arg;
	jmp_buf here;

	switch (*what) {
	case 's':
		return *nowhere;
	case 'a':
		abort();
	case 'i':
		__builtin_trap();
	case 'k':
		for (;;)
			pause();
	case 'S':
		raise(SIGSTOP);
		return 7;
	case 'x':
		execv("/bin/true", command);
		return 1;
	case 'X':
		execv("/nowhere/true", command);
		return errno == ENOENT ? 7 : 1;
	case 'e':
		exit(7);
	case 'E':
		_Exit(7);
	case 'j':
		if (setjmp(here) == 0)
			longjmp(here, 1);
		return 7;
	default:
		return 1;
	}
}

static pid_t
tell(const char *what, int flags, char *stack)
{
	pid_t pid = clone(do_as_told, stack, flags, (void *)what);

	if (pid == -1)
		fail("errno %d", errno);
	return pid;
}

static void
func_does(const char *what, int value, int sig, int first, int last)
{
	static const int flags[] = { COPIED, SHARED, CLONE_VM | SIGCHLD };
	char *stack = new_stack();
	int i;

	for (i = first; i <= last; i++) {
		int status = wait_for(tell(what, flags[i], stack));

		if (sig)
			expect_death(status, sig);
		else
			expect_exit(status, value);
	}
	free_stack(stack);
}

/* With memory of its own, and with ours. */
static void func_segfaults(void) { func_does("s", 0, SIGSEGV, 0, 2); }
static void func_traps(void) { func_does("i", 0, SIGILL, 0, 2); }
static void func_execs(void) { func_does("x", 0, 0, 0, 2); }
static void func_fails_to_exec(void) { func_does("X", 7, 0, 0, 2); }
static void func_calls__Exit(void) { func_does("E", 7, 0, 0, 2); }
static void func_longjmps(void) { func_does("j", 7, 0, 0, 2); }
static void func_aborts(void) { func_does("a", 0, SIGABRT, 0, 0); }
#ifndef MUSL	/* whose raise signals the thread that its memory names: the parent */
static void func_aborts_sharing_memory(void) { func_does("a", 0, SIGABRT, 1, 2); }
#endif

static int *counted;

static void
count_exit(void)
{
	++*counted;
}

/* exit(3) in a child with memory of its own: its atexit functions run, once. */
static void
func_calls_exit(void)
{
	char *stack = new_stack();

	counted = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	atexit(count_exit);
	expect_exit(wait_for(tell("e", COPIED, stack)), 7);
	expect("atexit functions that exit ran", *counted, 1);
	expect_exit(wait_for(tell("j", COPIED, stack)), 7);
	expect("atexit functions that a return ran", *counted, 1);
	munmap(counted, 4096);
	free_stack(stack);
}

static void
func_is_killed(void)
{
	char *stack = new_stack();
	int flags[] = { COPIED, CLONE_VM | SIGCHLD }, i;

	for (i = 0; i < 2; i++) {
		pid_t pid = tell("k", flags[i], stack);

		kill(pid, SIGKILL);
		expect_death(wait_for(pid), SIGKILL);
	}
	free_stack(stack);
}

static void
func_stops(void)
{
	char *stack = new_stack();
	int status;
	pid_t pid = tell("S", COPIED, stack);

	expect("waitpid", waitpid(pid, &status, WUNTRACED), pid);
	if (!WIFSTOPPED(status) || WSTOPSIG(status) != SIGSTOP)
		fail("status %#x, not stopped", status);
	kill(pid, SIGCONT);
	expect_exit(wait_for(pid), 7);
	free_stack(stack);
}

static int
give(void *arg)
{
	return (int)(intptr_t)arg;
}

static void
func_returns_anything(void)
{
	static const int values[] = { 0, 1, 127, 128, 255, 256, 263, -1, -256, 0x7fffffff };
	char *stack = new_stack();
	size_t i;

	for (i = 0; i < sizeof(values) / sizeof(values[0]); i++) {
		void *arg = (void *)(intptr_t)values[i];

		expect_exit(wait_for(clone(give, stack, SHARED, arg)), values[i] & 255);
		expect_exit(wait_for(clone(give, stack, COPIED, arg)), values[i] & 255);
	}
	free_stack(stack);
}

static int
spoil_errno(void *arg)
{
	(void)arg;
	return raise(0) == 0 && getpid() > 0 ? 7 : 1;
}

static void
errno_is_kept(void)
{
	static const int flags[] = { SHARED, COPIED, CLONE_VM | SIGCHLD,
		CLONE_FS | CLONE_FILES | SIGCHLD };
	char *stack = new_stack();
	size_t i;

	for (i = 0; i < sizeof(flags) / sizeof(flags[0]); i++) {
		pid_t pid;

		errno = 77;
		pid = clone(spoil_errno, stack, flags[i], NULL);
		expect("errno after a good call", errno, 77);
		expect_exit(wait_for(pid), 7);
	}
	free_stack(stack);
}

static void *
sleeps(void *arg)
{
	for (;;)
		pause();
	return arg;
}

static int
leave_a_thread(void *arg)
{
	pthread_t thread;

	(void)arg;
	return pthread_create(&thread, NULL, sleeps, NULL) == 0 ? 7 : 1;
}

/* The whole process ends with func, whatever else is in it. */
static void
func_leaves_a_thread(void)
{
	char *stack = new_stack();

	expect_exit(wait_for(clone(leave_a_thread, stack, COPIED, NULL)), 7);
	free_stack(stack);
}

/* raise(3) in the child reaches the child, not its parent. */
static int
raise_in_child(void *arg)
{
	(void)arg;
	signal(SIGUSR1, SIG_DFL);
	raise(SIGUSR1);
	return 1;
}

static void
func_raises(void)
{
	char *stack = new_stack();

	signal(SIGUSR1, SIG_IGN);
	expect_death(wait_for(clone(raise_in_child, stack, COPIED, NULL)), SIGUSR1);
	signal(SIGUSR1, SIG_DFL);
	free_stack(stack);
}

static void
linux1_refuses(void)
{
	expect_linux1_refusal(0x400 | SIGCHLD, EINVAL);
	expect_linux1_refusal(65, EINVAL);
	expect_linux1_refusal(~0UL, EINVAL);
}

static void
linux1_stack_unmapped(void)
{
	char *stack = new_stack();
	pid_t pid;

	free_stack(stack);
	if ((pid = linux1_clone(stack, COPYVM | COPYFD | SIGCHLD)) == 0)
		_exit(1);
	expect_death(wait_for(pid), SIGSEGV);
}

static void
a_thousand_refusals(void)
{
	int i;

	if (refuse_exit_signal(SIGUSR2, EAGAIN) == -1)
		skip_case("no seccomp");
	for (i = 0; i < 1000; i++)
		expect_refusal(i % 2 ? CLONE_VM | SIGUSR2 : SIGUSR2, EAGAIN);
}

#define CASE(name)		{ #name, name, 0 }
#define LINUX1_CASE(name)	{ #name, name, 1 }

static const struct test cases[] = {
	CASE(refused_eagain), CASE(refused_enomem), CASE(refused_eperm),
	CASE(refused_enosys), CASE(refused_einval), CASE(refused_unknown),
	CASE(refused_highest), CASE(limit_of_processes), CASE(limit_of_a_cgroup),
	CASE(namespace_without_init), CASE(no_func_no_stack), CASE(stack_unmapped),
	CASE(stack_read_only), CASE(stack_in_the_first_page), CASE(stack_too_small),
	CASE(stack_of_64_bytes), CASE(stack_of_any_alignment), CASE(stack_is_a_base),
	CASE(stack_unmapped_too_early), CASE(func_segfaults), CASE(func_aborts),
#ifndef MUSL
	CASE(func_aborts_sharing_memory),
#endif
	CASE(func_traps), CASE(func_is_killed), CASE(func_stops), CASE(func_execs),
	CASE(func_fails_to_exec), CASE(func_calls_exit), CASE(func_calls__Exit),
	CASE(func_longjmps), CASE(func_raises), CASE(func_returns_anything),
	CASE(func_leaves_a_thread),
	CASE(errno_is_kept), LINUX1_CASE(linux1_refuses),
	LINUX1_CASE(linux1_stack_unmapped), CASE(a_thousand_refusals),
};

int
main(int argc, char **argv)
{
	return run_cases(cases, sizeof(cases) / sizeof(cases[0]), argc, argv);
}
