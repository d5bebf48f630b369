/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Copyright (c) 2026 The nbclone developers */
/* Children that nobody waits for, and no zombies. */
#include <errno.h>
#include <sched.h>
#include <signal.h>
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
/* The child has another exit signal, so that Linux leaves it to the parent. */
static int
run(void)
{
	int status;
	pid_t pid;

	signal(SIGCHLD, SIG_IGN);
	pid = clone(child, stack + STACK, SIGWINCH, NULL);
	return pid != -1 && waitpid(pid, &status, __WALL) == pid ? WEXITSTATUS(status) : -1;
}
#else
static volatile sig_atomic_t given = -1;

/* One signal may stand for several children. */
static void
reap(int number)
{
	int status, before = errno;

	(void)number;
	while (waitpid(-1, &status, WNOHANG) > 0)
		given = WEXITSTATUS(status);
	errno = before;
}

static int
run(void)
{
	struct sigaction action = { 0 };
	sigset_t chld, before;

	action.sa_handler = reap;
	action.sa_flags = SA_RESTART | SA_NOCLDSTOP;
	sigemptyset(&action.sa_mask);
	sigemptyset(&chld);
	sigaddset(&chld, SIGCHLD);
	if (sigaction(SIGCHLD, &action, NULL) == -1 ||
	    sigprocmask(SIG_BLOCK, &chld, &before) == -1 ||
	    clone(child, stack + STACK, SIGCHLD, NULL) == -1)
		return -1;
	while (given == -1)
		sigsuspend(&before);
	return given;
}
#endif

int
main(void)
{
	return run() != 7;
}
