/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Copyright (c) 2026 The nbclone developers */
/* works: child 7 */
#include <linux/sched.h>
#include <linux/unistd.h>
#include <stdio.h>
#include <sys/wait.h>
#include <unistd.h>
static inline _syscall2(int, clone, void *, sp, unsigned long, flags)
static char stack[16384];
int main()
{
	int status;
	if (clone(stack + sizeof stack, SIGCLD) == 0)
		_exit(7);
	wait(&status);
	printf("child %d\n", status >> 8);
	return 0;
}
