/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Copyright (c) 2026 The nbclone developers */
/* Which process group a child was in that has ended. */
#include <sched.h>
#include <signal.h>
#include <sys/types.h>
#include <sys/wait.h>
#include <unistd.h>

enum { STACK = 64 * 1024 };

static char stack[STACK] __attribute__((aligned(16)));

static int
child(void *arg)
{
	(void)arg;
	return 7;
}

#ifdef LINUX_ONLY
/* The zombie still has its group. */
static pid_t
group_of(pid_t pid)
{
	siginfo_t info;

	waitid(P_PID, (id_t)pid, &info, WEXITED | WNOWAIT);
	return getpgid(pid);
}
#else
/* Known before the child can end: it is its parent's, until setpgid(2). */
static pid_t
group_of(pid_t pid)
{
	(void)pid;
	return getpgrp();
}
#endif

int
main(void)
{
	int status;
	pid_t group, pid = clone(child, stack + STACK, SIGCHLD, NULL);

	if (pid == -1)
		return 1;
	group = group_of(pid);
	return waitpid(pid, &status, 0) != pid || group != getpgrp();
}
