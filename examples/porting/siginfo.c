/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Copyright (c) 2026 The nbclone developers */
/* Takes the status of a child whose exit signal is SIGUSR1. */
#include <errno.h>
#include <sched.h>
#include <signal.h>
#include <stddef.h>
#include <sys/wait.h>

enum { STACK = 64 * 1024 };

static char stack[STACK] __attribute__((aligned(16)));
static volatile sig_atomic_t given = -1;

static int
child(void *arg)
{
	(void)arg;
	return 7;
}

#ifdef LINUX_ONLY
# define FLAGS SA_SIGINFO

static void
handler(int number, siginfo_t *info, void *context)
{
	(void)number;
	(void)context;
	if (info->si_code == CLD_EXITED)
		given = info->si_status;
}
# define INSTALL(action) ((action).sa_sigaction = handler)
#else
# define FLAGS 0

/* WALTSIG: the children whose exit signal isn't SIGCHLD, and no others. */
static void
handler(int number)
{
	int status, before = errno;

	(void)number;
	while (waitpid(-1, &status, WNOHANG | WALTSIG) > 0)
		given = WEXITSTATUS(status);
	errno = before;
}
# define INSTALL(action) ((action).sa_handler = handler)
#endif

int
main(void)
{
	struct sigaction action = { 0 };
	sigset_t usr1, before;

	INSTALL(action);
	action.sa_flags = FLAGS;
	sigemptyset(&action.sa_mask);
	sigemptyset(&usr1);
	sigaddset(&usr1, SIGUSR1);
	if (sigaction(SIGUSR1, &action, NULL) == -1 ||
	    sigprocmask(SIG_BLOCK, &usr1, &before) == -1 ||
	    clone(child, stack + STACK, SIGUSR1, NULL) == -1)
		return 1;
	while (given == -1)
		sigsuspend(&before);
	return given != 7;
}
