/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Copyright (c) 2026 The nbclone developers */
/*
 * A child that sees a directory instead of the machine's files, and has no
 * privilege. Run as root.
 */
#include <grp.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

enum { STACK = 64 * 1024, NOBODY = 32767 };

static char stack[STACK] __attribute__((aligned(16)));

static int
work(void *arg)
{
	(void)arg;
	return access("/etc/passwd", F_OK) == -1 && geteuid() != 0 ? 7 : 1;
}

#ifdef LINUX_ONLY
# define FLAGS (CLONE_NEWNS | CLONE_NEWPID | SIGCHLD)

static int
confined(void *directory)
{
	if (chroot(directory) == -1 || chdir("/") == -1 || setuid(NOBODY) == -1)
		return 1;
	return work(NULL);
}
#else
# define FLAGS SIGCHLD

/* Root directory first: it wants root. Then the groups, and the user last. */
static int
confined(void *directory)
{
	if (chroot(directory) == -1 || chdir("/") == -1 ||
	    setgroups(0, NULL) == -1 || setgid(NOBODY) == -1 ||
	    setuid(NOBODY) == -1)
		return 1;
	return work(NULL);
}
#endif

int
main(void)
{
	char directory[] = "/tmp/porting.XXXXXX";
	int status;
	pid_t pid;

	if (geteuid() != 0) {
		fputs("wants root\n", stderr);
		return 77;
	}
	if (mkdtemp(directory) == NULL)
		return 1;
	pid = clone(confined, stack + STACK, FLAGS, directory);
	if (pid == -1 || waitpid(pid, &status, 0) != pid)
		return 1;
	rmdir(directory);
	return !(WIFEXITED(status) && WEXITSTATUS(status) == 7);
}
