/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Copyright (c) 2026 The nbclone developers */
/* Many processes with many threads, all of them cloning at once, each call
 * with an argument of its own: 1 to PROCESSES * THREADS * CALLS.  A thread
 * waits for each of its children.  With a fourth argument they send no exit
 * signal, which would interrupt the other threads' calls. */
#define _GNU_SOURCE
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#define STACK_SIZE 16384

static int processes, threads, calls, process, quiet;

static int child(void *arg)
{
	(void)arg;
	return 0;
}

static void *work(void *number)
{
	static const int flags[] = {
		SIGCHLD, CLONE_VM | SIGCHLD, CLONE_VM | CLONE_VFORK | SIGCHLD,
		CLONE_VM | CLONE_FILES | CLONE_FS | SIGCHLD, CLONE_FS | SIGUSR1,
	};
	char *stack = malloc(STACK_SIZE);
	uintptr_t base = ((uintptr_t)process * (uintptr_t)threads + (uintptr_t)number)
	    * (uintptr_t)calls;
	int i;

	for (i = 0; i < calls; i++) {
		void *arg = (void *)(base + (uintptr_t)i + 1);
		pid_t pid = clone(child, stack + STACK_SIZE,
		    flags[i % (int)(sizeof flags / sizeof flags[0])]
		    & (quiet ? ~0xff : ~0), arg);

		if (pid < 0 || waitpid(pid, NULL, __WALL) != pid) {
			perror("many");
			exit(1);
		}
	}
	free(stack);
	return NULL;
}

int main(int argc, char **argv)
{
	int i, failed = 0, status;

	if (argc < 4)
		return 2;
	quiet = argc > 4;
	processes = atoi(argv[1]);
	threads = atoi(argv[2]);
	calls = atoi(argv[3]);
	signal(SIGUSR1, SIG_IGN);
	for (process = 0; process < processes; process++) {
		if (fork() == 0) {
			pthread_t *all = calloc((size_t)threads, sizeof *all);

			for (i = 0; i < threads; i++)
				if (pthread_create(&all[i], NULL, work,
				    (void *)(uintptr_t)i) != 0)
					return 1;
			for (i = 0; i < threads; i++)
				pthread_join(all[i], NULL);
			return 0;
		}
	}
	for (i = 0; i < processes; i++)
		if (wait(&status) < 0 || status != 0)
			failed = 1;
	return failed;
}
