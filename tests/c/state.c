/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Copyright (c) 2026 The nbclone developers */
/* What a program can see of itself around calls of clone: it has to be the
 * same whether the calls are traced or not, and wherever the trace goes.
 * Prints it to standard output. */
#define _GNU_SOURCE
#include <dirent.h>
#include <errno.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#define STACK_SIZE 65536
#define CALLS 8

static volatile sig_atomic_t caught[65];

static void count(int signal)
{
	caught[signal]++;
}

static int child(void *arg)
{
	(void)arg;
	return 7;
}

static void show_descriptors(void)
{
	struct dirent *entry;
	DIR *directory = opendir("/proc/self/fd");

	printf("descriptors:");
	while (directory != NULL && (entry = readdir(directory)) != NULL)
		if (entry->d_name[0] != '.')
			printf(" %s", entry->d_name);
	printf("\n");
	if (directory != NULL)
		closedir(directory);
}

static void show(const char *when)
{
	sigset_t mask, pending;
	int signal, lowest = dup(0);

	close(lowest);
	sigprocmask(SIG_BLOCK, NULL, &mask);
	sigpending(&pending);
	printf("%s: lowest free descriptor %d\n", when, lowest);
	show_descriptors();
	for (signal = 1; signal < 65; signal++)
		if (sigismember(&mask, signal) == 1 || sigismember(&pending, signal) == 1
		    || caught[signal] != 0)
			printf("signal %d: blocked %d, pending %d, caught %d\n", signal,
			    sigismember(&mask, signal), sigismember(&pending, signal),
			    (int)caught[signal]);
}

int main(int argc, char **argv)
{
	static const int flags[] = {
		SIGCHLD, CLONE_VM | CLONE_VFORK | SIGCHLD, CLONE_VM | SIGCHLD,
		CLONE_SIGHAND | SIGCHLD,	/* EINVAL */
	};
	char *stack = malloc(STACK_SIZE);
	size_t i;

	/* "count": SIGPIPE and SIGXFSZ are caught.  "pend": blocked, and one
	 * of each is pending already.  Else their default is death. */
	if (argc > 1 && strcmp(argv[1], "count") == 0) {
		signal(SIGPIPE, count);
		signal(SIGXFSZ, count);
	}
	if (argc > 1 && strcmp(argv[1], "pend") == 0) {
		sigset_t set;

		sigemptyset(&set);
		sigaddset(&set, SIGPIPE);
		sigaddset(&set, SIGXFSZ);
		sigprocmask(SIG_BLOCK, &set, NULL);
		raise(SIGPIPE);
		raise(SIGXFSZ);
	}
	if (argc > 2) {
		struct rlimit limit = { (rlim_t)atol(argv[2]), (rlim_t)atol(argv[2]) };

		if (setrlimit(RLIMIT_NOFILE, &limit) != 0)
			return 3;
	}
	show("before");
	for (i = 0; i < CALLS * sizeof flags / sizeof flags[0]; i++) {
		int error, status = -1;
		pid_t pid;

		errno = 77;
		pid = clone(child, stack + STACK_SIZE, flags[i / CALLS], NULL);
		error = errno;
		if (pid > 0)
			waitpid(pid, &status, 0);
		printf("call %d: %s, errno %d, status %#x\n", (int)i,
		    pid > 0 ? "a child" : "none", error, (unsigned)status);
	}
	show("after");
	free(stack);
	return 0;
}
