/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Copyright (c) 2026 The nbclone developers */
/* A handler that counts the children that have ended. */
#include <errno.h>
#include <sched.h>
#include <signal.h>
#include <stddef.h>
#include <sys/wait.h>

enum { STACK = 64 * 1024 };

static char stack[STACK] __attribute__((aligned(16)));
static volatile sig_atomic_t ended;

#ifdef LINUX_ONLY
# define FLAGS SA_NOCLDWAIT

static void
count(int number)
{
	(void)number;
	ended++;
}
#else
# define FLAGS 0

static void
count(int number)
{
	int before = errno;

	(void)number;
	while (waitpid(-1, NULL, WNOHANG) > 0)
		ended++;
	errno = before;
}
#endif

static int
child(void *arg)
{
	(void)arg;
	return 0;
}

int
main(void)
{
	struct sigaction action = { 0 };
	sigset_t chld, before;

	action.sa_handler = count;
	action.sa_flags = FLAGS;
	sigemptyset(&action.sa_mask);
	sigemptyset(&chld);
	sigaddset(&chld, SIGCHLD);
	if (sigaction(SIGCHLD, &action, NULL) == -1 ||
	    sigprocmask(SIG_BLOCK, &chld, &before) == -1 ||
	    clone(child, stack + STACK, SIGCHLD, NULL) == -1)
		return 1;
	while (ended == 0)
		sigsuspend(&before);
	return ended != 1;
}
