/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Copyright (c) 2026 The nbclone developers */
/* A child takes a lock that its parent gives back. */
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/wait.h>
#include <unistd.h>

enum { STACK = 64 * 1024 };

static char stack[STACK] __attribute__((aligned(16)));
static int file;

#ifdef LINUX_ONLY
static int
record(int type)
{
	struct flock lock;

	memset(&lock, 0, sizeof lock);
	lock.l_type = (short)type;
	lock.l_whence = SEEK_SET;
	return fcntl(file, F_SETLK, &lock);
}

static int
lock(void *arg)
{
	(void)arg;
	return record(F_WRLCK) == 0 ? 0 : 1;
}

static int
unlock(void)
{
	return record(F_UNLCK);
}
#else
/* The lock is the open file's, whoever has a descriptor of it. */
static int
lock(void *arg)
{
	(void)arg;
	return flock(file, LOCK_EX | LOCK_NB) == 0 ? 0 : 1;
}

static int
unlock(void)
{
	return flock(file, LOCK_UN);
}
#endif

int
main(void)
{
	FILE *temporary = tmpfile();
	int status;
	pid_t pid;

	if (temporary == NULL)
		return 1;
	file = fileno(temporary);
	pid = clone(lock, stack + STACK, CLONE_VM | CLONE_FILES | SIGCHLD, NULL);
	if (pid == -1 || waitpid(pid, &status, 0) != pid || status != 0)
		return 1;
	return unlock() != 0;
}
