/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Copyright (c) 2026 The nbclone developers */
/*
 * What valgrind carries out: it makes its own system call for each clone, and
 * knows the children of fork, of vfork, and of old threads libraries; other
 * flag words end the program, whoever's clone it calls.
 */
#define _GNU_SOURCE
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

static int
func(void *arg)
{
	return *(int *)arg;
}

int
main(void)
{
	static const int flags[] = { 0, CLONE_VFORK, CLONE_VM | CLONE_VFORK,
		CLONE_VM | CLONE_FS | CLONE_FILES };
	char *stack = malloc(65536);
	int seven = 7, status, i;

	for (i = 0; i < 20; i++) {
		pid_t pid = clone(func, stack + 65536, flags[i % 4] | SIGCHLD, &seven);

		if (pid == -1 || waitpid(pid, &status, 0) != pid || status != 7 << 8)
			return 1;
	}
	free(stack);
	return 0;
}
