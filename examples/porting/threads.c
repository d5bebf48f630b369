/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Copyright (c) 2026 The nbclone developers */
/* A thread that adds to a number, and a caller that waits for it. */
#include <pthread.h>
#include <sched.h>
#include <stddef.h>
#include <unistd.h>

#ifdef LINUX_ONLY
enum { STACK = 64 * 1024 };

static char stack[STACK] __attribute__((aligned(16)));
static int sum, done;

static int
add(void *number)
{
	sum += *(int *)number;
	__atomic_store_n(&done, 1, __ATOMIC_RELEASE);
	return 0;
}

static int
run(int number)
{
	if (clone(add, stack + STACK, CLONE_VM | CLONE_FS | CLONE_FILES |
	    CLONE_SIGHAND | CLONE_THREAD, &number) == -1)
		return -1;
	while (!__atomic_load_n(&done, __ATOMIC_ACQUIRE))
		usleep(1000);
	return sum;
}
#else
static int sum;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;

static void *
add(void *number)
{
	pthread_mutex_lock(&lock);
	sum += *(int *)number;
	pthread_mutex_unlock(&lock);
	return NULL;
}

static int
run(int number)
{
	pthread_t thread;

	if (pthread_create(&thread, NULL, add, &number) != 0)
		return -1;
	pthread_join(thread, NULL);
	return sum;
}
#endif

int
main(void)
{
	return run(42) != 42;
}
