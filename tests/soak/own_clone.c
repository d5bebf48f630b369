/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Copyright (c) 2026 The nbclone developers */
/*
 * A program with a function `clone` of its own, which does something else: its
 * own calls reach its own, and what libc makes works.
 */
#include <pthread.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

static char stack[1];

int clone(int what);

int
clone(int what)
{
	return what + 1;
}

static void *
returns(void *arg)
{
	return arg;
}

int
main(void)
{
	pthread_t thread;
	void *result = NULL;
	pid_t pid = fork();

	if (pid == 0)
		_exit(0);
	if (pid == -1 || waitpid(pid, NULL, 0) != pid || system("exit 0") != 0)
		return 1;
	if (pthread_create(&thread, NULL, returns, stack) || pthread_join(thread, &result))
		return 2;
	return result == stack && clone(41) == 42 ? 0 : 3;
}
