/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Copyright (c) 2026 The nbclone developers */
/* works: memory 1, offset 0 */
#include <stdio.h>
#include <unistd.h>
#include <sys/wait.h>
#include <linux/sched.h>
/* The header's CLONE_VM means "share" in either order. */
static char stack[16384];
static volatile int memory;
int main()
{
	if (clone(stack + sizeof stack, CLONE_VM | SIGCLD) == 0) {
		memory = 1;
		_exit(0);
	}
	wait((int *)0);
	printf("memory %d, offset 0\n", memory);
	return 0;
}
