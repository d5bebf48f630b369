/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Copyright (c) 2026 The nbclone developers */
/*
 * Threads of one's own, the way LinuxThreads and SDL 1.2 made them: processes
 * that share memory, directory, descriptors and signal handlers.
 *
 * Such a child shares its parent's thread pointer too, and with it errno and
 * everything that libc keeps for a thread. It keeps to code of its own and to
 * atomic operations: no stdio, no malloc.
 */
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>

/* NetBSD/i386 reads up to 8 bytes above a stack's end. */
enum { WORKERS = 4, NUMBERS = 100000, STACK = 64 * 1024, ABOVE = 16 };

static long sum;

static int
add(void *arg)
{
	long first = *(long *)arg, i;

	for (i = first; i < NUMBERS; i += WORKERS)
		__atomic_fetch_add(&sum, i, __ATOMIC_RELAXED);
	return (int)first;
}

int
main(void)
{
	char *stacks = malloc((size_t)WORKERS * STACK);
	pid_t pids[WORKERS];
	long first[WORKERS], expected = (long)NUMBERS * (NUMBERS - 1) / 2;
	int i, status;

	if (stacks == NULL)
		return 1;
	for (i = 0; i < WORKERS; i++) {
		first[i] = i;
		pids[i] = clone(add, stacks + (size_t)(i + 1) * STACK - ABOVE,
		    CLONE_VM | CLONE_FS | CLONE_FILES | CLONE_SIGHAND | SIGCHLD,
		    &first[i]);
		if (pids[i] == -1) {
			perror("clone");
			return 1;
		}
	}
	for (i = 0; i < WORKERS; i++) {
		if (waitpid(pids[i], &status, 0) != pids[i] ||
		    !WIFEXITED(status) || WEXITSTATUS(status) != i) {
			fprintf(stderr, "worker %d: status %#x\n", i, status);
			return 1;
		}
	}
	free(stacks);
	printf("threads: %d workers added up to %ld\n", WORKERS,
	    sum);
	return sum == expected ? 0 : 1;
}
