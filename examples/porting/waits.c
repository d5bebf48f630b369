/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Copyright (c) 2026 The nbclone developers */
/* Waits for children by their exit signal. */
#include <sched.h>
#include <signal.h>
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
# define OTHERS __WCLONE
#else
# define OTHERS WALTSIG
#endif

int
main(void)
{
	int status;
	pid_t pid = clone(child, stack + STACK, 0, NULL);

	/* A plain wait fails with ECHILD at once: there is no child for it. */
	if (pid == -1 || waitpid(pid, &status, 0) != -1)
		return 1;
	return waitpid(pid, &status, OTHERS) != pid || WEXITSTATUS(status) != 7;
}
