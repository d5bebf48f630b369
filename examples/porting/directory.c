/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Copyright (c) 2026 The nbclone developers */
/* Runs a program in a directory of its own. */
#include <sched.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

enum { STACK = 64 * 1024 };

static char stack[STACK] __attribute__((aligned(16)));
static char shell[] = "/bin/sh", option[] = "-c";

#ifdef LINUX_ONLY
# define FLAGS (CLONE_VM | CLONE_FS | SIGCHLD)
static char script[] = "cd /; exit 7";
#else
# define FLAGS (CLONE_VM | SIGCHLD)
static char script[] = "exit 7";
#endif

static int
execute(void *arg)
{
	char *argv[] = { shell, option, script, NULL };

	(void)arg;
#ifndef LINUX_ONLY
	if (chdir("/") == -1)
		return 1;
#endif
	execv(argv[0], argv);
	return 127;
}

int
main(void)
{
	char here[4096];
	int status;
	pid_t pid = clone(execute, stack + STACK, FLAGS, NULL);

	if (pid == -1 || waitpid(pid, &status, 0) != pid)
		return 1;
#ifdef LINUX_ONLY
	if (getcwd(here, sizeof here) == NULL || here[1] != '\0')
		return 1;	/* the program's cd was the parent's too */
#else
	if (chdir("/") == -1 || getcwd(here, sizeof here) == NULL)
		return 1;
#endif
	return WEXITSTATUS(status) != 7;
}
