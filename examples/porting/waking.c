/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Copyright (c) 2026 The nbclone developers */
/* Gives a child's stack back when the child doesn't run on it any more. */
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>
#ifdef LINUX_ONLY
# include <linux/futex.h>
# include <sys/syscall.h>
#endif

enum { STACK = 64 * 1024 };

static int
child(void *arg)
{
	*(int *)arg = 42;
	return 0;
}

#ifdef LINUX_ONLY
static int id = 1;

static int
run(void)
{
	char *stack = malloc(STACK);
	int value = 0, seen;
	pid_t pid;

	if (stack == NULL)
		return -1;
	pid = clone(child, stack + STACK, CLONE_VM | CLONE_CHILD_CLEARTID, &value,
	    NULL, NULL, &id);
	if (pid == -1)
		return -1;
	while ((seen = __atomic_load_n(&id, __ATOMIC_ACQUIRE)) != 0)
		syscall(SYS_futex, &id, FUTEX_WAIT, seen, NULL, NULL, 0);
	free(stack);
	waitpid(pid, NULL, __WALL);
	return value;
}
#else
/* The child has no exit signal: only WALLSIG and WALTSIG find it. */
static int
run(void)
{
	char *stack = malloc(STACK);
	int value = 0;
	pid_t pid;

	if (stack == NULL)
		return -1;
	pid = clone(child, stack + STACK, CLONE_VM, &value);
	if (pid != -1)
		waitpid(pid, NULL, WALLSIG);
	free(stack);
	return value;
}
#endif

int
main(void)
{
	return run() != 42;
}
