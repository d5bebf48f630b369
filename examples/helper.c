/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Copyright (c) 2026 The nbclone developers */
/*
 * A helper without an exit signal, the way User Mode Linux makes one: nobody
 * is told when it ends, and only a wait with WALTSIG (Linux's __WCLONE) finds
 * it. Its stack is what was left of a page. On NetBSD a stack's end has to be
 * aligned as the ABI asks for a call; on Linux the library aligns it.
 */
#include <errno.h>
#include <sched.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

/* nbclone.h has the name for a program that doesn't know NetBSD's. */
#ifndef WALTSIG
# define WALTSIG __WCLONE
#endif

static int
helper(void *arg)
{
	double aligned = 0.5;	/* crashes here if the frame isn't aligned */

	*(volatile double *)arg = aligned + 41.5;
	return (uintptr_t)&aligned % sizeof aligned == 0 ? 3 : 4;
}

int
main(void)
{
	static char page[16384] __attribute__((aligned(16)));
	static double result;
	int status = 0;
	pid_t pid = clone(helper, page + sizeof page - 16, CLONE_VM, &result);

	if (pid == -1) {
		perror("clone");
		return 1;
	}
	/* A plain wait has no child to wait for. */
	if (waitpid(pid, &status, 0) != -1 || errno != ECHILD) {
		fprintf(stderr, "helper: a plain wait found it\n");
		return 1;
	}
	if (waitpid(pid, &status, (int)WALTSIG) != pid) {
		perror("waitpid");
		return 1;
	}
	printf("helper: result %g, status %d\n", result, WEXITSTATUS(status));
	return result == 42 && WEXITSTATUS(status) == 3 ? 0 : 1;
}
