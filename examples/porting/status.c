/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Copyright (c) 2026 The nbclone developers */
/* A child that tells of an error by what its function returns. */
#include <sched.h>
#include <signal.h>
#include <sys/wait.h>

enum { STACK = 64 * 1024 };

static char stack[STACK] __attribute__((aligned(16)));

#ifdef LINUX_ONLY
static int
child(void *arg)
{
	(void)arg;
	return -1;
}

static int
failed(int status)
{
	return status == 0xff00;
}
#else
static int
child(void *arg)
{
	(void)arg;
	return 255;
}

static int
failed(int status)
{
	return WIFEXITED(status) && WEXITSTATUS(status) == 255;
}
#endif

int
main(void)
{
	int status;
	pid_t pid = clone(child, stack + STACK, SIGCHLD, NULL);

	return pid == -1 || waitpid(pid, &status, 0) != pid || !failed(status);
}
