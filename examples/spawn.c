/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Copyright (c) 2026 The nbclone developers */
/*
 * Spawn a program the way ksh93 and OpenJDK do: a child that borrows its
 * parent's memory until it execs (CLONE_VM | CLONE_VFORK), so that nothing is
 * copied however large the parent is.
 *
 *	spawn PROGRAM [ARGUMENT ...]
 */
#include <errno.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

struct program {
	char **argv;
	volatile int error;	/* shared memory: the parent reads it */
};

static int
execute(void *arg)
{
	struct program *program = arg;

	execvp(program->argv[0], program->argv);
	program->error = errno;
	return 127;
}

int
main(int argc, char **argv)
{
	static char *ls[] = { "echo", "hello from a spawned program", NULL };
	struct program program = { ls, 0 };
	size_t size = 64 * 1024;
	char *stack = malloc(size);
	int status;
	pid_t pid;

	if (argc > 1)
		program.argv = argv + 1;
	if (stack == NULL)
		return 1;

	/* NetBSD/i386 reads up to 8 bytes above a stack's end. */
	pid = clone(execute, stack + size - 16, CLONE_VM | CLONE_VFORK | SIGCHLD,
	    &program);
	if (pid == -1) {
		perror("clone");
		return 1;
	}
	/* The child has exec'd or exited: its stack is free again. */
	free(stack);

	if (waitpid(pid, &status, 0) != pid) {
		perror("waitpid");
		return 1;
	}
	if (program.error != 0) {
		fprintf(stderr, "%s: %s\n", program.argv[0],
		    strerror(program.error));
		return 127;
	}
	printf("spawn: %s ended with status %d\n", program.argv[0],
	    WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status));
	return 0;
}
