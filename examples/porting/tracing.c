/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Copyright (c) 2026 The nbclone developers */
/* A child that is traced by its parent. */
#include <sched.h>
#include <signal.h>
#include <stddef.h>
#include <sys/types.h>
#include <sys/ptrace.h>
#include <sys/wait.h>

enum { STACK = 64 * 1024 };

static char stack[STACK] __attribute__((aligned(16)));

#ifdef LINUX_ONLY
/* Traced if the caller is. */
static int
traced(void *arg)
{
	(void)arg;
	return 7;
}

static int
run(void)
{
	int status;
	pid_t pid = clone(traced, stack + STACK, CLONE_PTRACE | SIGCHLD, NULL);

	return pid != -1 && waitpid(pid, &status, 0) == pid ? WEXITSTATUS(status) : -1;
}
#else
static int
traced(void *arg)
{
	(void)arg;
	if (ptrace(PT_TRACE_ME, 0, NULL, 0) == -1 || raise(SIGSTOP) != 0)
		return 1;
	return 7;
}

static int
run(void)
{
	int status;
	pid_t pid = clone(traced, stack + STACK, SIGCHLD, NULL);

	if (pid == -1 || waitpid(pid, &status, 0) != pid || !WIFSTOPPED(status))
		return -1;
	/* NetBSD: 1 is where the child stopped. Linux ignores it. */
	if (ptrace(PT_CONTINUE, pid, (void *)1, 0) == -1)
		return -1;
	return waitpid(pid, &status, 0) == pid ? WEXITSTATUS(status) : -1;
}
#endif

int
main(void)
{
	return run() != 7;
}
