/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Copyright (c) 2026 The nbclone developers */
/*
 * Clones before and after main: in a constructor, in a destructor, in an atexit
 * function; -DLIBRARY: in those of a library that is loaded and unloaded.
 *
 * -DTHREAD_SANITIZER: its own `clone`, in front of any other, is for children
 * with memory of their own: it keeps func and arg on its caller's stack, and
 * tells its runtime in parent and child that they have parted. So children
 * that share memory are made by __clone there.
 */
#define _GNU_SOURCE
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

extern int __clone(int (*)(void *), void *, int, void *, ...);

static char stack[16384] __attribute__((aligned(16)));

static int
func(void *arg)
{
	return *(int *)arg;
}

static void
clone_here(const char *where)
{
	static const int flags[] = { SIGCHLD, CLONE_VM | SIGCHLD, CLONE_VM | CLONE_VFORK | SIGCHLD,
		CLONE_FS | CLONE_FILES | SIGCHLD };
	int seven = 7, status;
	size_t i;

	for (i = 0; i < sizeof(flags) / sizeof(flags[0]); i++) {
		pid_t pid;

#ifdef THREAD_SANITIZER
		if (flags[i] & CLONE_VM)
			pid = __clone(func, stack + sizeof(stack), flags[i], &seven);
		else
#endif
		pid = clone(func, stack + sizeof(stack), flags[i], &seven);

		if (pid == -1 || waitpid(pid, &status, 0) != pid || status != 7 << 8) {
			fprintf(stderr, "%s: clone %#x\n", where, (unsigned)flags[i]);
			_exit(1);
		}
	}
}

__attribute__((constructor)) static void
before(void)
{
	clone_here("constructor");
}

__attribute__((destructor)) static void
after(void)
{
	clone_here("destructor");
}

#ifndef LIBRARY
static void
at_exit(void)
{
	clone_here("atexit");
}

int
main(void)
{
	atexit(at_exit);
	clone_here("main");
	return 0;
}
#endif
