/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Copyright (c) 2026 The nbclone developers */
/* works optimised: child 4 */
#include <errno.h>
#include <stdlib.h>
#include <stdio.h>
#include <asm/unistd.h>
_syscall2(int, clone, void *, sp, unsigned long, flags);
static char stack[8192];
int run_on(int (*fn)(), void *child_stack, unsigned long flags)
{
	int pid;
	if (!child_stack) {
		errno = EINVAL;
		return -1;
	}
	pid = clone(child_stack, flags);
	if (pid != 0)
		return pid;
	_exit(fn());
}
static int four() { return 4; }
int main()
{
	int status, pid = run_on(four, stack + sizeof stack, 17);
	waitpid(pid, &status, 0);
	printf("child %d\n", status >> 8);
	return 0;
}
