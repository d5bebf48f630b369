/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Copyright (c) 2026 The nbclone developers */
/*
 * One call each of clone, __clone and linux1_clone, for a debugger to step
 * through (steps.py): stepping SHAPE.
 */
#define _GNU_SOURCE
#include <sched.h>
#include <signal.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

extern int __clone(int (*)(void *), void *, int, void *, ...);
extern pid_t linux1_clone(void *, unsigned long) __attribute__((weak));
static char stack[65536] __attribute__((aligned(64)));

int
child_func(void *arg)
{
	return *(int *)arg;
}

int __attribute__((noinline))
parent_function(const char *shape)
{
	int seven = 7, status;
	volatile pid_t pid = -1;

	if (strcmp(shape, "clone") == 0)
		pid = clone(child_func, stack + sizeof(stack), SIGCHLD, &seven);
	else if (strcmp(shape, "clone-vm") == 0)
		pid = clone(child_func, stack + sizeof(stack),
		    CLONE_VM | CLONE_VFORK | SIGCHLD, &seven);
	else if (strcmp(shape, "__clone") == 0)
		pid = __clone(child_func, stack + sizeof(stack), SIGCHLD, &seven);
	else if (strcmp(shape, "linux1") == 0)
		pid = linux1_clone(NULL, 0x100 | SIGCHLD);
	if (pid == 0)
		_exit(seven);
	return waitpid(pid, &status, 0) == pid && status == 7 << 8;
}

int
main(int argc, char **argv)
{
	return argc == 2 && parent_function(argv[1]) ? 0 : 1;
}
