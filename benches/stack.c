/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Copyright (c) 2026 The nbclone developers */
/*
 * How many bytes of the child's stack clone itself writes: the stack is filled
 * with a pattern, func touches none of it.
 *
 *	stack	prints: shape, who, bytes below the top
 *
 * NBCLONE_LIB names the shared library. The stack is shared memory, so that it
 * can be read whatever the child shares.
 */
#include "bench.h"

#include <sys/mman.h>

#define SIZE	65536

static int
func(void *arg)
{
	(void)arg;
	return 0;
}

static size_t
written(clone_function *function, int flags, unsigned char *stack)
{
	size_t low = 0;
	pid_t pid;

	memset(stack, 0xa5, SIZE);
	pid = function(func, stack + SIZE, flags, NULL);
	if (pid <= 0 || waitpid(pid, NULL, 0) != pid)
		die("clone");
	while (low < SIZE && stack[low] == 0xa5)
		low++;
	return SIZE - low;
}

int
main(void)
{
	static const struct {
		const char *name;
		int flags;
	} shapes[] = {
		{ "SIGCHLD", SIGCHLD },
		{ "VM", CLONE_VM | SIGCHLD },
		{ "VM|VFORK", CLONE_VM | CLONE_VFORK | SIGCHLD },
	};
	unsigned char *stack = mmap(NULL, SIZE, PROT_READ | PROT_WRITE,
	    MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	clone_function *nbclone;
	size_t i;

	*(void **)&nbclone = library_function("clone");
	if (stack == MAP_FAILED || nbclone == NULL)
		die("stack");
	for (i = 0; i < sizeof shapes / sizeof *shapes; i++) {
		printf("%s\tlibc\t%zu\n", shapes[i].name,
		    written((clone_function *)clone, shapes[i].flags, stack));
		printf("%s\tnbclone\t%zu\n", shapes[i].name,
		    written(nbclone, shapes[i].flags, stack));
	}
	return 0;
}
