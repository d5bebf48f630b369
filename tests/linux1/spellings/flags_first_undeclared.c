/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Copyright (c) 2026 The nbclone developers */
/* works: -1 and EINVAL, twice */
#include <stdio.h>
#include <errno.h>
#include <unistd.h>
#include <linux/sched.h>
/* Nothing here says that the flags come first; no child dies of it unseen. */
static char stack[16384];
int main()
{
	int first, second;
	first = clone(SIGCLD | 0x600, 0);
	if (first == 0)
		_exit(0);
	first = first == -1 && errno == EINVAL;
	second = clone(SIGCLD | 0x100, stack + sizeof stack);
	if (second == 0)
		_exit(0);
	second = second == -1 && errno == EINVAL;
	printf("%s\n", first && second ? "-1 and EINVAL, twice" : "a child");
	return 0;
}
