/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Copyright (c) 2026 The nbclone developers */
/* A child makes its parent handle a signal that the parent ignored. */
#include <sched.h>
#include <signal.h>
#include <stddef.h>
#include <sys/wait.h>

enum { STACK = 64 * 1024 };

static char stack[STACK] __attribute__((aligned(16)));
static volatile sig_atomic_t handled;

static void
handler(int number)
{
	(void)number;
	handled = 1;
}

#ifdef LINUX_ONLY
static int
child(void *arg)
{
	(void)arg;
	signal(SIGUSR2, handler);
	return 0;
}

static void
before_the_child(void)
{
	signal(SIGUSR2, SIG_IGN);
}
#else
static volatile sig_atomic_t wanted;

static int
child(void *arg)
{
	(void)arg;
	wanted = 1;		/* the handler asks, and does nothing before */
	return 0;
}

static void
guarded(int number)
{
	if (wanted)
		handler(number);
}

/* The parent has the handler from the beginning. */
static void
before_the_child(void)
{
	signal(SIGUSR2, guarded);
}
#endif

int
main(void)
{
	int status;
	pid_t pid;

	before_the_child();
	pid = clone(child, stack + STACK, CLONE_VM | CLONE_SIGHAND | SIGCHLD, NULL);
	if (pid == -1 || waitpid(pid, &status, 0) != pid)
		return 1;
	raise(SIGUSR2);
	return !handled;
}
