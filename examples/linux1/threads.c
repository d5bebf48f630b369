/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Copyright (c) 2026 The nbclone developers */
/*
 * threads.c -- Linux threads, sort of.
 *
 * Counts the primes below a limit twice: by "threads", which write what they
 * find into our own memory, and by a copy of ourselves, which reads a file of
 * ours without moving us in it.
 *
 * cc -Iinclude/linux1 threads.c -lnbclone
 */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/types.h>
#include <sys/wait.h>

#include <linux/sched.h>
#include <linux/unistd.h>

static inline _syscall2(int, clone, void *, sp, unsigned long, flags)

#ifndef CLONE_ACTUALLY_WORKS_OK
#error "Get a newer kernel."
#endif

#define NTHREADS	4
#define STACKSIZE	16384
#define LIMIT		20000

struct job {
	int from, to;
	int primes;		/* the thread's answer */
	volatile int running;
};

static struct job jobs[NTHREADS];

static int is_prime(n)
	int n;
{
	int i;

	if (n < 2)
		return 0;
	for (i = 2; i * i <= n; i++)
		if (n % i == 0)
			return 0;
	return 1;
}

static void count(job)
	struct job *job;
{
	int n;

	job->running = 1;
	for (n = job->from; n < job->to; n++)
		job->primes += is_prime(n);
}

/* The thread finds its job in our frame, so don't leave before it has it. */
static void start(job)
	struct job *job;
{
	char *stack = malloc(STACKSIZE);

	if (stack == NULL) {
		perror("malloc");
		exit(1);
	}
	switch (clone(stack + STACKSIZE, SIGCLD)) {
	case 0:
		count(job);
		_exit(0);
	case -1:
		perror("clone");
		exit(1);
	}
	while (!job->running)
		;
}

int main()
{
	int i, fd, status, sum = 0, bad = 0;
	char name[32], buf[16];

	for (i = 0; i < NTHREADS; i++) {
		jobs[i].from = LIMIT / NTHREADS * i;
		jobs[i].to = LIMIT / NTHREADS * (i + 1);
		start(&jobs[i]);
	}
	for (i = 0; i < NTHREADS; i++)
		if (wait(&status) < 0 || status != 0)
			bad = 1;
	for (i = 0; i < NTHREADS; i++)
		sum += jobs[i].primes;
	printf("%d threads found %d primes below %d\n", NTHREADS, sum, LIMIT);
	bad |= sum != 2262;

	/* A copy: its memory and its place in the file are its own. */
	strcpy(name, "/tmp/threadsXXXXXX");
	fd = mkstemp(name);
	if (fd < 0 || write(fd, "hello, world\n", 13) != 13) {
		perror(name);
		exit(1);
	}
	unlink(name);
	lseek(fd, 7L, 0);
	if (clone(0, SIGCLD|COPYVM|COPYFD) == 0) {
		sum = read(fd, buf, sizeof buf);
		_exit(memcmp(buf, "world\n", 6) == 0 ? sum : 0);
	}
	if (wait(&status) < 0 || status >> 8 != 6)
		bad = 1;
	printf("a copy read %d bytes; we still have %d primes, at byte %ld\n",
	    status >> 8, sum, (long)lseek(fd, 0L, 1));
	bad |= sum != 2262 || lseek(fd, 0L, 1) != 7;
	return bad;
}
