/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Copyright (c) 2026 The nbclone developers */
/* A shared object that clones, for calls.c to load and unload. */
#define _GNU_SOURCE
#include <sched.h>
#include <signal.h>
#include <sys/types.h>

pid_t call_in_module(void);

static int child(void *arg)
{
	(void)arg;
	return 0;
}

pid_t call_in_module(void)
{
	static char stack[65536] __attribute__((aligned(64)));
	volatile pid_t pid = clone(child, stack + sizeof stack, CLONE_VM | SIGCHLD, (void *)0x99);

	return pid;
}
