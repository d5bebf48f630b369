/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Copyright (c) 2026 The nbclone developers */
/* Programs of Linux that NetBSD has no flags for: under policy host they work
 * as without the library.  Its argument names the case; prints what happened. */
#define _GNU_SOURCE
#include <errno.h>
#include <linux/futex.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/utsname.h>
#include <sys/wait.h>
#include <unistd.h>

#define STACK_SIZE 65536
#define SKIPPED 77

#ifndef CLONE_PIDFD
# define CLONE_PIDFD 0x1000
#endif

static char stack[STACK_SIZE] __attribute__((aligned(64)));
#define TOP (stack + STACK_SIZE)

static volatile int thread_id, parent_tid, child_tid, done;

/* Process 1 of a PID namespace, with a host name of its own. */
static int in_namespaces(void *arg)
{
	struct utsname name;
	(void)arg;

	if (sethostname("nbclone-test", 12) != 0 || uname(&name) != 0)
		return 1;
	return getpid() == 1 && strcmp(name.nodename, "nbclone-test") == 0 ? 0 : 2;
}

static int namespaces(void)
{
	struct utsname before, after;
	int status;
	pid_t pid;

	uname(&before);
	pid = clone(in_namespaces, TOP, CLONE_NEWPID | CLONE_NEWUTS | CLONE_NEWNS
	    | CLONE_NEWIPC | CLONE_NEWNET | SIGCHLD, NULL);
	if (pid < 0 && errno == EPERM)
		return SKIPPED;
	if (pid < 0 || waitpid(pid, &status, 0) != pid)
		return 1;
	uname(&after);
	return status != 0 || strcmp(before.nodename, after.nodename) != 0;
}

/* A bare thread: no libc but system calls, and its own stack. */
static int in_thread(void *arg)
{
	thread_id = (int)syscall(SYS_gettid);
	done = *(int *)arg;
	return 5;
}

static int thread(void)
{
	static int value = 3;
	static char storage[4096] __attribute__((aligned(64)));
	int flags = CLONE_VM | CLONE_FS | CLONE_FILES | CLONE_SIGHAND | CLONE_THREAD
	    | CLONE_SYSVSEM | CLONE_SETTLS | CLONE_PARENT_SETTID | CLONE_CHILD_CLEARTID;
	void **tls = (void **)(storage + 2048);
	int tid, held;

	tls[0] = tls;			/* what x86 wants at a thread pointer */
	child_tid = -1;
	tid = clone(in_thread, TOP, flags, &value, &parent_tid, tls, &child_tid);
	if (tid < 0)
		return 1;
	/* The kernel clears child_tid and wakes us when the thread has ended. */
	while ((held = child_tid) != 0)
		syscall(SYS_futex, &child_tid, FUTEX_WAIT, held, NULL, NULL, 0);
	/* The thread's end wasn't the process': we are here. */
	return !(done == 3 && parent_tid == tid && thread_id == tid);
}

static int exits(void *arg)
{
	(void)arg;
	return 9;
}

static int pidfd(void)
{
	int descriptor = -1, status;
	pid_t pid = clone(exits, TOP, CLONE_PIDFD | SIGCHLD, NULL, &descriptor);
	struct pollfd event;

	if (pid < 0 || descriptor < 0)
		return 1;
	event.fd = descriptor;
	event.events = POLLIN;
	if (poll(&event, 1, 10000) != 1)
		return 2;
	return waitpid(pid, &status, 0) != pid || WEXITSTATUS(status) != 9;
}

/* The child's child is our own child too. */
static int makes_sibling(void *arg)
{
	(void)arg;
	return clone(exits, TOP, CLONE_PARENT | SIGCHLD, NULL) > 0 ? 4 : 5;
}

static int parent(void)
{
	static char other[STACK_SIZE] __attribute__((aligned(64)));
	int ends[2] = { 0, 0 }, i, status;

	if (clone(makes_sibling, other + STACK_SIZE, SIGCHLD, NULL) < 0)
		return 1;
	for (i = 0; i < 2; i++)
		if (wait(&status) > 0 && WIFEXITED(status))
			ends[i] = WEXITSTATUS(status);
	return !(ends[0] + ends[1] == 13);
}

int main(int argc, char **argv)
{
	static const struct {
		const char *name;
		int (*run)(void);
	} cases[] = {
		{ "namespaces", namespaces }, { "thread", thread },
		{ "pidfd", pidfd }, { "parent", parent },
	};
	size_t i;

	alarm(30);
	for (i = 0; argc == 2 && i < sizeof cases / sizeof cases[0]; i++)
		if (strcmp(argv[1], cases[i].name) == 0)
			return cases[i].run();
	return 2;
}
