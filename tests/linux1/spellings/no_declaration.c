/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Copyright (c) 2026 The nbclone developers */
/* works: child 7 */
#include <linux/sched.h>
#include <stdio.h>
#include <sys/wait.h>
#include <unistd.h>
main()
{
	int status;
	if (clone(0, SIGCLD | COPYVM) == 0)
		_exit(7);
	wait(&status);
	printf("child %d\n", status >> 8);
	return 0;
}
