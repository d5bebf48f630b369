/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Copyright (c) 2026 The nbclone developers */
/* COPYFD without /proc, or with something else in its place. */
#include "linux1.h"

#include <sys/mount.h>

static void other_proc(void)
{
	if (unshare(CLONE_NEWNS) != 0)
		skip("a mount namespace: %s", strerror(errno));
	if (mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) != 0)
		skip("a private mount: %s", strerror(errno));
	if (mount("none", "/proc", "tmpfs", 0, NULL) != 0 &&
	    mount("none", "/proc", "ramfs", 0, NULL) != 0)
		skip("a file system over /proc: %s", strerror(errno));
}

static void not_mounted(long mode)
{
	int fd = temporary_file("p", O_RDWR, 20);

	lseek(fd, 7, SEEK_SET);
	other_proc();
	expect_fate((enum mode)mode, fd, STAYS_SHARED);
}

/* A /proc/self/fd whose entries are other files: no descriptor becomes one. */
static void false_table(long mode)
{
	int fd = temporary_file("p", O_RDWR, 20), other;

	lseek(fd, 7, SEEK_SET);
	other_proc();
	mkdir("/proc/self", 0755);
	mkdir("/proc/self/fd", 0755);
	other = open(text("/proc/self/fd/%d", fd), O_RDWR | O_CREAT, 0600);
	if (other == -1 || write(other, "another file", 12) != 12)
		give_up("a false table");
	expect_fate((enum mode)mode, fd, STAYS_SHARED);
	expect_fate((enum mode)mode, other, STAYS_SHARED);
}

void proc_cases(void)
{
	add_modes(not_mounted, "COPYFD: without /proc: shared");
	add_modes(false_table, "COPYFD: another /proc: shared");
}
