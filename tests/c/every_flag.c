/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Copyright (c) 2026 The nbclone developers */
/* One call for each bit that NetBSD doesn't implement, and one with exit signal
 * 64, for the report to say what NetBSD does with it. */
#define _GNU_SOURCE
#include <sched.h>
#include <signal.h>
#include <sys/wait.h>

static char stack[65536] __attribute__((aligned(64)));

static int child(void *arg)
{
	(void)arg;
	return 0;
}

static void make(int flags)
{
	pid_t pid = clone(child, stack + sizeof stack, flags, NULL, NULL, NULL, NULL);

	if (pid != -1)
		waitpid(pid, NULL, __WALL);
}

int main(void)
{
	unsigned bit;

	for (bit = 0x1000; bit != 0; bit <<= 1)
		if (bit != CLONE_VFORK)
			make((int)(bit | SIGCHLD));
	make(64);
	return 0;
}
