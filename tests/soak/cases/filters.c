/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Copyright (c) 2026 The nbclone developers */
/*
 * Seccomp filters that kill: for one system call that a library may make behind
 * its caller's back, for all but what libc's own clone or fork needs, and for
 * all that isn't in systemd's @system-service. And the same filters that return
 * an error instead.
 */
#define _GNU_SOURCE
#include "beside.h"

#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sys/prctl.h>

#ifndef SECCOMP_RET_KILL_PROCESS
# define SECCOMP_RET_KILL_PROCESS	0x80000000U
#endif
#define MOST_CALLS	512
#define KILL		SECCOMP_RET_KILL_PROCESS
#define DENY		(SECCOMP_RET_ERRNO | EPERM)

static struct sock_filter code[2 * MOST_CALLS + 4];
static unsigned short length;

static void
add(unsigned short kind, unsigned value)
{
	struct sock_filter statement = BPF_STMT(0, value);

	statement.code = kind;
	code[length++] = statement;
}

static void
add_call(unsigned number, unsigned action)
{
	struct sock_filter jump = BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, number, 0, 1);

	code[length++] = jump;
	add(BPF_RET | BPF_K, action);
}

static void
begin(void)
{
	length = 0;
	add(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr));
}

static void
install(unsigned otherwise)
{
	struct sock_fprog program = { 0, code };

	add(BPF_RET | BPF_K, otherwise);
	program.len = length;
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == -1 ||
	    prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) == -1)
		skip_case("no seccomp");
}

static int
gives_seven(void *arg)
{
	(void)arg;
	return 7;
}

static int flags;

/* Uses no libc function whose system calls a program's filter may lack. */
static void
call(void)
{
	int status = 0;
	pid_t pid = start(flags, gives_seven, NULL);

	if (syscall(SYS_wait4, pid, &status, __WALL, NULL) != pid)
		fail("no child to wait for");
	if (WIFSIGNALED(status))
		fail("the child dies of signal %d", WTERMSIG(status));
	expect_exit(status, 7);
}

static unsigned one, action;

static void
filter_one(void)
{
	begin();
	add_call(one, action);
	install(SECCOMP_RET_ALLOW);
	call();
}

static void
kill_one(unsigned number, int shape)
{
	flags = shape;
	one = number;
	action = KILL;
	in_process(filter_one);
	action = SECCOMP_RET_ERRNO | ENOSYS;
	in_process(filter_one);
}

#define FOR(name) \
	static void name##_copied(void) { kill_one(SYS_##name, COPIED); } \
	static void name##_shared(void) { kill_one(SYS_##name, CLONE_VM | SIGCHLD); } \
	static void name##_vfork(void) { kill_one(SYS_##name, SHARED); }
FOR(get_robust_list) FOR(prctl) FOR(mincore) FOR(gettid) FOR(getpid) FOR(rt_sigprocmask)
FOR(sigaltstack) FOR(mprotect) FOR(munmap) FOR(madvise) FOR(brk) FOR(futex) FOR(openat)
FOR(readlinkat) FOR(read) FOR(close) FOR(fcntl) FOR(getrandom) FOR(process_vm_readv)
FOR(membarrier) FOR(clone3) FOR(set_tid_address) FOR(set_robust_list) FOR(rt_sigaction)
FOR(prlimit64) FOR(sched_yield) FOR(write)

static const unsigned *list;
static size_t list_count;

static void
filter_rest(void)
{
	size_t i;

	begin();
	for (i = 0; i < list_count; i++)
		add_call(list[i], SECCOMP_RET_ALLOW);
	install(action);
	call();
}

static void
allow(const unsigned *calls, size_t count, int shape)
{
	list = calls;
	list_count = count;
	flags = shape;
	action = KILL;
	in_process(filter_rest);
	action = DENY;
	in_process(filter_rest);
}

#define ALLOW(calls, shape)	allow(calls, sizeof(calls) / sizeof(calls[0]), shape)

/* What the program itself does besides: wait, end, and say what is wrong. */
#define THE_PROGRAMS	SYS_wait4, SYS_exit_group, SYS_write

/* strace(1) of glibc's clone and of musl's: their child ends by exit(2). */
static const unsigned for_clone[] = { THE_PROGRAMS, SYS_clone, SYS_exit };

/* strace(1) of glibc's fork and of musl's. */
static const unsigned for_fork[] = { THE_PROGRAMS, SYS_clone,
#ifdef __GLIBC__
	SYS_set_robust_list,
#else
	SYS_rt_sigprocmask, SYS_gettid, SYS_set_tid_address,
# ifdef SYS_fork
	SYS_fork,
# endif
#endif
};

/* systemd 252's @system-service, in names: tests/soak/cases/system-service. */
static const unsigned system_service[] = {
#include "system_service.h"
};

static void least_of_clone_shared(void) { ALLOW(for_clone, CLONE_VM | SIGCHLD); }
static void least_of_clone_vfork(void) { ALLOW(for_clone, SHARED); }
static void least_of_clone_copied(void) { ALLOW(for_clone, COPIED); }
static void least_of_fork_copied(void) { ALLOW(for_fork, COPIED); }
static void system_service_shared(void) { ALLOW(system_service, CLONE_VM | SIGCHLD); }
static void system_service_vfork(void) { ALLOW(system_service, SHARED); }
static void system_service_copied(void) { ALLOW(system_service, COPIED); }

/* The end of a thread wants more than its clone. */
static void filter_rest_and_end(void) { filter_rest(); _exit(0); }
static void thread_filter_rest(void) { on_thread(filter_rest_and_end); }

static void
threads_least_of_fork_copied(void)
{
	list = for_fork;
	list_count = sizeof(for_fork) / sizeof(for_fork[0]);
	flags = COPIED;
	action = KILL;
	in_process(thread_filter_rest);
}

#define EACH(name)	CASE(name##_copied), CASE(name##_shared), CASE(name##_vfork)

static const struct test cases[] = {
	EACH(get_robust_list), EACH(prctl), EACH(mincore), EACH(gettid), EACH(getpid),
	EACH(rt_sigprocmask), EACH(sigaltstack), EACH(mprotect), EACH(munmap),
	EACH(madvise), EACH(brk), EACH(futex), EACH(openat), EACH(readlinkat), EACH(read),
	EACH(close), EACH(fcntl), EACH(getrandom), EACH(process_vm_readv), EACH(membarrier),
	EACH(clone3), EACH(set_tid_address), EACH(set_robust_list), EACH(rt_sigaction),
	EACH(prlimit64), EACH(sched_yield), EACH(write),
	EACH(least_of_clone), CASE(least_of_fork_copied), EACH(system_service),
	CASE(threads_least_of_fork_copied),
};

int
main(int argc, char **argv)
{
	return RUN(cases);
}
