/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Copyright (c) 2026 The nbclone developers */
/* Waits for a child's exit signal by sigwait(3). */
#include <sched.h>
#include <signal.h>
#include <stddef.h>
#include <sys/wait.h>

enum { STACK = 64 * 1024 };

static char stack[STACK] __attribute__((aligned(16)));

static int
child(void *arg)
{
	(void)arg;
	return 7;
}

#ifdef LINUX_ONLY
static void
keep(int number)
{
	(void)number;
}
#else
static void
nothing(int number)
{
	(void)number;
}

/* With a handler the signal isn't ignored, so that it stays pending. */
static void
keep(int number)
{
	struct sigaction action = { 0 };

	action.sa_handler = nothing;
	sigemptyset(&action.sa_mask);
	sigaction(number, &action, NULL);
}
#endif

int
main(void)
{
	sigset_t chld;
	int status, number;
	pid_t pid;

	keep(SIGCHLD);
	sigemptyset(&chld);
	sigaddset(&chld, SIGCHLD);
	sigprocmask(SIG_BLOCK, &chld, NULL);
	pid = clone(child, stack + STACK, SIGCHLD, NULL);
	if (pid == -1 || sigwait(&chld, &number) != 0 || number != SIGCHLD)
		return 1;
	return waitpid(pid, &status, 0) != pid || WEXITSTATUS(status) != 7;
}
