/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Copyright (c) 2026 The nbclone developers */
/*
 * What goes wrong around a clone: a kernel that refuses, a stack that isn't
 * one, and (endings.c) a func that doesn't return. Errno exact, nothing
 * written, nothing leaked, and the caller alive. The same program runs with
 * any clone.
 *
 *	faults [CASE]
 *
 * -DHOST: with the host's own clone. -DMUSL: with ours on musl.
 */
#define _GNU_SOURCE
#include "endings.h"
#include "refuse.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/utsname.h>
#include <sys/wait.h>
#include <unistd.h>

#define COPYVM		0x100
#define COPYFD		0x200
#define NOBODY		65534
#define PID_MAX		"/proc/sys/kernel/pid_max"
#define FEW_PIDS	301		/* the fewest that the kernel allows */

static int
seven(void *arg)
{
	(void)arg;
	return 7;
}

/* A call that has to fail, with this errno and nothing else. */
static void
expect_refusal(int flags, int error)
{
	char *stack = new_stack();

	errno = 0;
	expect("clone", clone(seven, stack, flags, NULL), -1);
	expect("errno", errno, error);
#ifndef HOST			/* musl's own callers expect -errno */
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
	/* The limit is 1, and the caller is that process. */
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
	if (linux1_clone != NULL)
		expect_linux1_refusal(COPYVM | SIGCHLD, EAGAIN);
	if (put(tops[i], "cgroup.procs", "0") == -1 || rmdir(group) == -1)
		fail("can't leave %s", group);
}

static long
highest_pid(void)
{
	char text[32] = "";
	int fd = open(PID_MAX, O_RDONLY | O_CLOEXEC);
	ssize_t got = fd == -1 ? -1 : read(fd, text, sizeof(text) - 1);

	close(fd);
	return got > 0 ? atol(text) : -1;
}

/* The first process of a namespace that has room for no other. */
static void
fill_the_namespace(void)
{
	char few[16];
	pid_t pid;

	snprintf(few, sizeof(few), "%d", FEW_PIDS);
	if (put("/proc/sys/kernel", "pid_max", few) == -1)
		skip_case("a namespace's highest process id can't be set");
	if (highest_pid() != FEW_PIDS)
		fail("the namespace's highest process id is %ld", highest_pid());
	while ((pid = fork()) > 0)
		continue;
	if (pid == 0)
		for (;;)
			pause();
	expect("fork's errno", errno, EAGAIN);
	expect_refusal(SHARED, EAGAIN);
	expect_refusal(COPIED, EAGAIN);
	if (linux1_clone != NULL)
		expect_linux1_refusal(COPYVM | SIGCHLD, EAGAIN);
	_exit(0);		/* the namespace's other processes end with it */
}

/* A PID namespace with no process id left. */
static void
limit_of_a_namespace(void)
{
	struct utsname host;
	int major = 0, minor = 0, status;
	long before = highest_pid();
	pid_t pid;

	/* In older kernels the file is everyone's. */
	if (uname(&host) == -1 || sscanf(host.release, "%d.%d", &major, &minor) != 2 ||
	    major * 100 + minor < 614)
		skip_case("namespaces with a highest process id are new in Linux 6.14");
	if (unshare(CLONE_NEWPID) == -1)
		skip_case("no PID namespace can be made");
	if ((pid = fork()) == 0)
		fill_the_namespace();
	status = wait_for(pid);
	expect("the host's highest process id", highest_pid(), before);
	if (WIFEXITED(status) && WEXITSTATUS(status) != 0)
		_exit(WEXITSTATUS(status));		/* the child has written why */
	expect("status of the namespace's init", status, 0);
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

/* The child dies of its stack; the caller lives. */
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
	CASE(limit_of_a_namespace), CASE(namespace_without_init),
	CASE(no_func_no_stack), CASE(stack_unmapped),
	CASE(stack_read_only), CASE(stack_in_the_first_page), CASE(stack_too_small),
	CASE(stack_of_64_bytes), CASE(stack_of_any_alignment), CASE(stack_is_a_base),
	CASE(stack_unmapped_too_early), LINUX1_CASE(linux1_refuses),
	LINUX1_CASE(linux1_stack_unmapped), CASE(a_thousand_refusals),
};

int
main(int argc, char **argv)
{
	int failed = run_cases(cases, sizeof(cases) / sizeof(cases[0]), argc, argv);

	return run_cases(endings, endings_count, argc, argv) || failed;
}
