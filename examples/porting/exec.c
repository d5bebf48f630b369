/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Copyright (c) 2026 The nbclone developers */
/* Runs a program without a copy of the caller's memory. */
#include <sched.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <sys/wait.h>
#include <unistd.h>

#ifdef LINUX_ONLY
enum { STACK = 64 * 1024 };

static char stack[STACK] __attribute__((aligned(16)));

static int
execute(void *arg)
{
	char **argv = arg;

	execv(argv[0], argv);
	return 127;
}

/* Linux makes SIGCHLD of the exit signal 0 when the child executes. */
static int
run(char **argv)
{
	int status;
	pid_t pid = clone(execute, stack + STACK, CLONE_VM | CLONE_VFORK, argv);

	return pid != -1 && waitpid(pid, &status, 0) == pid ? WEXITSTATUS(status) : -1;
}
#else
extern char **environ;

/* The child's signals as the program expects them: none blocked. */
static int
run(char **argv)
{
	posix_spawnattr_t attributes;
	sigset_t none;
	int status, error;
	pid_t pid;

	sigemptyset(&none);
	if (posix_spawnattr_init(&attributes) != 0)
		return -1;
	posix_spawnattr_setsigmask(&attributes, &none);
	posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGMASK);
	error = posix_spawn(&pid, argv[0], NULL, &attributes, argv, environ);
	posix_spawnattr_destroy(&attributes);
	return error == 0 && waitpid(pid, &status, 0) == pid ? WEXITSTATUS(status) : -1;
}
#endif

int
main(void)
{
	char shell[] = "/bin/sh", option[] = "-c", script[] = "exit 7";
	char *argv[] = { shell, option, script, NULL };

	return run(argv) != 7;
}
