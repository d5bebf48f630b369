/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Copyright (c) 2026 The nbclone developers */
/*
 * start_thread.c -- a function that starts a thread and comes back.
 *
 * What the thread is to do lies on its own stack, as one would put it there
 * for assembler. Adds up a table in slices, one thread each.
 *
 * cc -Iinclude/linux1 start_thread.c -lnbclone	(clang wants -O)
 */

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>
#include <signal.h>
#include <sys/wait.h>

#include <asm/unistd.h>

static inline _syscall2(int, clone, void *, sp, unsigned long, flags)

#define STACKSIZE	16384
#define SLICES		5
#define SLICE		2000

static int table[SLICES * SLICE];
static long sums[SLICES];

/* The pid of a new thread that runs fn(data), or -1. */
int start_thread(void (*fn)(void *), void *data)
{
	void **newstack;
	int pid;

	newstack = (void **)malloc(STACKSIZE);
	if (!newstack)
		return -1;
	newstack = (void **)(STACKSIZE + (char *)newstack);
	*--newstack = data;
	*--newstack = (void *)fn;

	pid = clone(newstack, SIGCLD);
	if (pid == 0) {
		(*fn)(data);
		_exit(0);
	}
	return pid;
}

static void add(void *data)
{
	long *sum = data;
	int *slice = table + (sum - sums) * SLICE;
	int i;

	for (i = 0; i < SLICE; i++)
		*sum += slice[i];
}

int main()
{
	int i, status, threads = 0;
	long total = 0;

	for (i = 0; i < SLICES * SLICE; i++)
		table[i] = i;
	for (i = 0; i < SLICES; i++)
		if (start_thread(add, &sums[i]) < 0) {
			perror("start_thread");
			return 1;
		}
	while (wait(&status) > 0)
		threads += status == 0;
	for (i = 0; i < SLICES; i++)
		total += sums[i];
	printf("%d threads came to %ld\n", threads, total);
	return total != 49995000L;
}
