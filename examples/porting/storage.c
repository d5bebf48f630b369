/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Copyright (c) 2026 The nbclone developers */
/* Data of a child's own, in memory that it shares with its parent. */
#include <sched.h>
#include <signal.h>
#include <sys/wait.h>

enum { STACK = 64 * 1024, STORAGE = 8 * 1024 };

#ifdef LINUX_ONLY
static char stack[STACK] __attribute__((aligned(16)));
static char storage[STORAGE] __attribute__((aligned(64)));
static int result;

static int
work(void *arg)
{
	result = *(int *)arg + 1;
	return 0;
}

static int
run(int number)
{
	int status;
	pid_t pid = clone(work, stack + STACK, CLONE_VM | CLONE_SETTLS | SIGCHLD,
	    &number, NULL, storage + STORAGE / 2, NULL);

	return pid != -1 && waitpid(pid, &status, 0) == pid && status == 0 ? result : -1;
}
#else
/* What each child has for itself: the stack, and what was thread-local. */
struct worker {
	char stack[STACK] __attribute__((aligned(16)));
	int number, result;
};

static int
work(void *arg)
{
	struct worker *self = arg;

	self->result = self->number + 1;
	return 0;
}

static int
run(int number)
{
	static struct worker worker;
	int status;
	pid_t pid;

	worker.number = number;
	pid = clone(work, worker.stack + STACK, CLONE_VM | SIGCHLD, &worker);
	return pid != -1 && waitpid(pid, &status, 0) == pid ? worker.result : -1;
}
#endif

int
main(void)
{
	return run(41) != 42;
}
