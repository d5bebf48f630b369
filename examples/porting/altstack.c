/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Copyright (c) 2026 The nbclone developers */
/* A child that shares memory and handles a signal on a stack of its own. */
#include <sched.h>
#include <signal.h>
#include <stddef.h>
#include <sys/wait.h>

enum { STACK = 64 * 1024 };

static char stack[STACK] __attribute__((aligned(16)));
static char parents[STACK];
static volatile sig_atomic_t handled;

static void
handler(int number)
{
	(void)number;
	handled = 1;
}

static void
alternate(char *memory)
{
	stack_t alternate = { 0 };

	alternate.ss_sp = memory;
	alternate.ss_size = STACK;
	sigaltstack(&alternate, NULL);
}

#ifdef LINUX_ONLY
static int
child(void *arg)
{
	(void)arg;
	raise(SIGUSR2);
	return handled ? 7 : 1;
}
#else
static char childs[STACK];

/* The first that the child does: until then NetBSD's has its parent's. */
static int
child(void *arg)
{
	(void)arg;
	alternate(childs);
	raise(SIGUSR2);
	return handled ? 7 : 1;
}
#endif

int
main(void)
{
	struct sigaction action = { 0 };
	int status;
	pid_t pid;

	action.sa_handler = handler;
	action.sa_flags = SA_ONSTACK;
	sigemptyset(&action.sa_mask);
	if (sigaction(SIGUSR2, &action, NULL) == -1)
		return 1;
	alternate(parents);
	pid = clone(child, stack + STACK, CLONE_VM | SIGCHLD, NULL);
	if (pid == -1 || waitpid(pid, &status, 0) != pid)
		return 1;
	return WEXITSTATUS(status) != 7;
}
