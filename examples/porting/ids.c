/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Copyright (c) 2026 The nbclone developers */
/* Parent and child both know the child's id, and a thread its own. */
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>
#if defined(__NetBSD__)
# include <lwp.h>
#else
# include <sys/syscall.h>
#endif

enum { STACK = 64 * 1024 };

static char stack[STACK] __attribute__((aligned(16)));
static pid_t in_parent, in_child;

#ifdef LINUX_ONLY
static int
child(void *arg)
{
	(void)arg;
	return in_child == getpid() ? 0 : 1;
}

static pid_t
start(void)
{
	return clone(child, stack + STACK,
	    CLONE_PARENT_SETTID | CLONE_CHILD_SETTID | SIGCHLD, NULL,
	    &in_parent, NULL, &in_child);
}
#else
static int
child(void *arg)
{
	(void)arg;
	in_child = getpid();
	return in_child > 0 ? 0 : 1;
}

static pid_t
start(void)
{
	return in_parent = clone(child, stack + STACK, SIGCHLD, NULL);
}

/* The kernel's id of the calling thread, as debuggers and logs show it. */
static long
thread_id(void)
{
# if defined(__NetBSD__)
	return _lwp_self();
# else
	return syscall(SYS_gettid);
# endif
}
#endif

int
main(void)
{
	int status;
	pid_t pid = start();

#ifndef LINUX_ONLY
	if (thread_id() <= 0)
		return 1;
#endif
	return pid == -1 || in_parent != pid || waitpid(pid, &status, 0) != pid ||
	    status != 0;
}
