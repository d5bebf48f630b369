/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Copyright (c) 2026 The nbclone developers */
/*
 * flags_first.c -- the clone of Linux 1.3: flags first, and they mean "share".
 *
 * A helper in our memory, with our descriptors and our working directory, opens
 * a file for us; then a plain copy of ourselves, which can't.
 *
 * cc -Iinclude/linux1 flags_first.c -lnbclone
 */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/wait.h>

#include <linux/sched.h>
#include <linux/unistd.h>

/* In case <linux/sched.h> is older than they are. */
#define CLONE_VM	0x00000100
#define CLONE_FS	0x00000200
#define CLONE_FILES	0x00000400
#define CLONE_SIGHAND	0x00000800

static inline _syscall2(int, clone, int, flags, int, sp)

static char stack[16384];
static volatile int opened = -1;

static void helper()
{
	if (chdir("/proc") == 0)
		opened = open("version", O_RDONLY);
}

int main()
{
	char here[64], first[8];
	int status, ok;

	chdir("/");
	switch (clone(CLONE_VM|CLONE_FS|CLONE_FILES|CLONE_SIGHAND|SIGCLD,
	    stack + sizeof stack)) {
	case -1:
		perror("clone");
		exit(1);
	case 0:
		helper();
		_exit(0);
	}
	wait(&status);
	if (getcwd(here, sizeof here) == NULL)
		strcpy(here, "?");
	ok = opened >= 0 && read(opened, first, 1) == 1;
	printf("the helper took us to %s and opened a file: %s\n", here,
	    ok ? "we read it" : "we can't read it");
	ok &= strcmp(here, "/proc") == 0;
	close(opened);

	if (clone(SIGCLD, 0) == 0) {
		chdir("/");
		opened = -2;
		_exit(0);
	}
	wait(&status);
	if (getcwd(here, sizeof here) == NULL)
		strcpy(here, "?");
	printf("a copy went elsewhere; we are in %s\n", here);
	return !ok || strcmp(here, "/proc") != 0 || opened == -2;
}
