/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Copyright (c) 2026 The nbclone developers */
/*
 * A worker that shares descriptors and nothing else (CLONE_FILES): what it
 * opens, its parent can read, without passing anything over a socket; what it
 * does to memory, directory or handlers stays its own.
 */
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

static int number = -1;
static int channel[2] = { -1, -1 };

static int
worker(void *arg)
{
	const char *message = arg;

	if (pipe(channel) == -1 || chdir("/") == -1)
		return 255;
	if (write(channel[1], message, strlen(message)) == -1)
		return 255;
	close(channel[1]);
	number = channel[0];	/* seen by nobody else */
	return channel[0];	/* the parent learns it this way */
}

int
main(void)
{
	static const char message[] = "written by the worker";
	size_t size = 64 * 1024;
	char *stack = malloc(size), text[64] = "";
	int status = 0;
	pid_t pid;

	if (stack == NULL)
		return 1;
	/* NetBSD/i386 reads up to 8 bytes above a stack's end. */
	pid = clone(worker, stack + size - 16, CLONE_FILES | SIGCHLD,
	    (void *)(unsigned long)message);
	if (pid == -1) {
		perror("clone");
		return 1;
	}
	if (waitpid(pid, &status, 0) != pid || !WIFEXITED(status)) {
		perror("waitpid");
		return 1;
	}
	free(stack);
	if (read(WEXITSTATUS(status), text, sizeof text - 1) == -1)
		perror("read");
	printf("descriptors: from descriptor %d: %s\n", WEXITSTATUS(status),
	    text);
	return number == -1 && strcmp(text, message) == 0 ? 0 : 1;
}
