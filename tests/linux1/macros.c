/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Copyright (c) 2026 The nbclone developers */
/*
 * The macros by which programs declared their system calls, in a file of its
 * own: <unistd.h> declares the same names.
 */
#include <linux/sched.h>
#include <linux/unistd.h>

#include <errno.h>
#include <stddef.h>

const char *macros_failure(void);
int macros_call(void *sp, void (*work)(void), void (*leave)(int));

/* As it was written, and once more as a function that others can link to. */
_syscall2(int, clone, void *, sp, unsigned long, flags)
static __inline__ _syscall0(int, getppid)
static __inline__ _syscall1(int, umask, int, mask)
static __inline__ _syscall3(long, read, int, fd, char *, at, unsigned long, size)
static __inline__ _syscall4(int, wait4, int, pid, int *, status, int, options, void *, usage)
static __inline__ _syscall5(int, prctl, int, option, long, a, long, b, long, c, long, d)

const char *macros_failure(void)
{
	int (*volatile function)(void *, unsigned long) = clone;
	int status;

	errno = 0;
	if (function(NULL, SIGCLD | COPYVM) != -1 || errno != ENOSYS)
		return "clone through a pointer: not ENOSYS";
	if (getppid() <= 0)
		return "_syscall0";
	if (umask(027) != 022 || umask(022) != 027)
		return "_syscall1";
	errno = 0;
	if (read(-1, NULL, 0) != -1 || errno != EBADF)
		return "_syscall3";
	errno = 0;
	if (wait4(-1, &status, 0, NULL) != -1 || errno != ECHILD)
		return "_syscall4";
	if (prctl(3 /* PR_GET_DUMPABLE */, 0, 0, 0, 0) != 1)
		return "_syscall5";
	return NULL;
}

/* And the name, called, is the macro. */
int macros_call(void *sp, void (*work)(void), void (*leave)(int))
{
	if (clone(sp, SIGCLD) == 0) {
		work();
		leave(5);
	}
	return wait4(-1, NULL, 0, NULL);
}
