/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Copyright (c) 2026 The nbclone developers */
/* A stack that begins where the ABI wants it, whatever its size is. */
#include <sched.h>
#include <signal.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/wait.h>

enum { STACK = 64 * 1024 + 4 };

static int
child(void *arg)
{
	(void)arg;
	return 7;
}

#ifdef LINUX_ONLY
static void *
end_of(char *base, size_t size)
{
	return base + size;
}
#else
/* The end of the memory, and no higher: rounded down to 16 bytes. */
static void *
end_of(char *base, size_t size)
{
	return base + size - ((uintptr_t)base + size) % 16;
}
#endif

int
main(void)
{
	char *base = malloc(STACK);
	int status;
	pid_t pid;

	if (base == NULL)
		return 1;
	pid = clone(child, end_of(base, STACK), SIGCHLD, NULL);
	if (pid == -1 || waitpid(pid, &status, 0) != pid)
		return 1;
	free(base);
	return WEXITSTATUS(status) != 7;
}
