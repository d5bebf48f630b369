/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Copyright (c) 2026 The nbclone developers */
/* A helper decides that a process is to start; the main process waits for it. */
#include <sched.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

enum { STACK = 64 * 1024 };

static char stack[STACK] __attribute__((aligned(16)));
static char second[STACK] __attribute__((aligned(16)));

static int
work(void *arg)
{
	(void)arg;
	return 7;
}

static int ends[2];

#ifdef LINUX_ONLY
/* The child becomes the helper's sibling. */
static int
help(void *arg)
{
	pid_t pid = clone(work, second + STACK, CLONE_PARENT | SIGCHLD, arg);

	return write(ends[1], &pid, sizeof pid) == sizeof pid ? 0 : 1;
}

static pid_t
start(void)
{
	pid_t pid;

	return read(ends[0], &pid, sizeof pid) == sizeof pid ? pid : -1;
}
#else
/* The helper asks for it. */
static int
help(void *arg)
{
	(void)arg;
	return write(ends[1], "start", 1) == 1 ? 0 : 1;
}

/* The main process does it, and is the parent. */
static pid_t
start(void)
{
	char request;

	if (read(ends[0], &request, 1) != 1)
		return -1;
	return clone(work, second + STACK, SIGCHLD, NULL);
}
#endif

int
main(void)
{
	int status;
	pid_t helper, pid;

	if (pipe(ends) == -1)
		return 1;
	helper = clone(help, stack + STACK, SIGCHLD, NULL);
	if (helper == -1 || (pid = start()) == -1)
		return 1;
	if (waitpid(helper, &status, 0) != helper || status != 0)
		return 1;
	return waitpid(pid, &status, 0) != pid || WEXITSTATUS(status) != 7;
}
