/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Copyright (c) 2026 The nbclone developers */
/* refused: says so where clone refuses a flag that NetBSD doesn't implement. */
#include <errno.h>
#include <sched.h>
#include <signal.h>
#include <stddef.h>
#include <stdio.h>
#include <sys/wait.h>

static int
child(void *arg)
{
	(void)arg;
	return 0;
}

int
main(void)
{
	static _Alignas(16) char stack[64 * 1024];
	int pid = clone(child, stack + sizeof(stack), CLONE_SYSVSEM | SIGCHLD,
	    NULL);

	if (pid == -1) {
		puts(errno == EINVAL ? "refused: EINVAL" : "refused");
		return 0;
	}
	waitpid(pid, NULL, 0);
	puts("done");
	return 0;
}
