/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Copyright (c) 2026 The nbclone developers */
/*
 * COPYFD where another open has another result by now, since attributes, mounts,
 * privileges or namespaces have changed; and devices that an open changes.
 */
#include "linux1.h"

#include <sys/inotify.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>

#include <linux/fs.h>

/* musl's request is an int. */
static int control(int fd, unsigned long request, void *argument)
{
	return ioctl(fd, (int)request, argument);
}

static int marked, before;

static void unmark(void)
{
	control(marked, FS_IOC_SETFLAGS, &before);
}

/* A file with one of chattr(1)'s attributes since it was opened. */
static int attributed(int flags, int attribute)
{
	int fd = temporary_file("attributed", flags, 20);

	marked = open(text("/proc/self/fd/%d", fd), O_RDONLY);
	if (control(marked, FS_IOC_GETFLAGS, &before) != 0)
		skip("attributes of a file: %s", strerror(errno));
	attribute |= before;
	if (control(marked, FS_IOC_SETFLAGS, &attribute) != 0)
		skip("attributes of a file: %s", strerror(errno));
	atexit(unmark);
	return fd;
}

static int immutable_read(void)
{
	return attributed(O_RDONLY, FS_IMMUTABLE_FL);
}

static int immutable_written(void)
{
	return attributed(O_RDWR, FS_IMMUTABLE_FL);
}

static int append_only(void)
{
	return attributed(O_WRONLY | O_APPEND, FS_APPEND_FL);
}

static int append_only_since(void)
{
	return attributed(O_RDWR, FS_APPEND_FL);
}

static void new_mounts(void)
{
	if (unshare(CLONE_NEWNS) != 0)
		skip("a mount namespace: %s", strerror(errno));
	if (mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) != 0)
		skip("a private mount: %s", strerror(errno));
}

static const char *new_mount(const char *type, const char *options)
{
	const char *place = temporary("mount");

	new_mounts();
	mkdir(place, 0755);
	if (mount("none", place, type, 0, options) != 0)
		skip("%s: %s", type, strerror(errno));
	return place;
}

static int of_other_mounts(void)
{
	int fd = temporary_file("mounts", O_RDWR, 20);

	lseek(fd, 7, SEEK_SET);
	new_mounts();
	return fd;
}

static int unmounted(void)
{
	const char *place = new_mount("tmpfs", NULL);
	int fd = open(text("%s/file", place), O_RDWR | O_CREAT, 0600);

	if (fd == -1 || write(fd, "0123456789", 10) != 10)
		give_up("a file on a mount of its own");
	umount2(place, MNT_DETACH);
	rmdir(place);
	return fd;
}

static int covered(void)
{
	const char *place = new_mount("tmpfs", NULL);
	int fd = open(place, O_RDONLY);

	if (mount("none", place, "tmpfs", 0, NULL) != 0)
		give_up("a second mount");
	return fd;
}

static int device_gone_bad(void)
{
	const char *place = new_mount("tmpfs", NULL), *node = text("%s/null", place);
	int fd;

	if (mknod(node, S_IFCHR | 0600, makedev(1, 3)) != 0)
		skip("mknod: %s", strerror(errno));
	fd = open(node, O_RDWR);
	if (mount(NULL, place, NULL, MS_REMOUNT | MS_NODEV, NULL) != 0)
		give_up("remount");
	return fd;
}

static int hidden_process(void)
{
	int fd = temporary_file("hidden", O_RDWR, 20);

	fchmod(fd, 0666);
	new_mounts();
	if (mount("proc", "/proc", "proc", 0, "hidepid=2") != 0)
		skip("proc with hidepid: %s", strerror(errno));
	if (become_user() != 0)
		give_up("setuid");
	return fd;
}

/* /proc/self/fd is root's then. */
static int undumpable(void)
{
	int fd = temporary_file("undumpable", O_RDWR, 20);

	fchmod(fd, 0666);
	if (become_user() != 0)
		give_up("setuid");
	prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
	return fd;
}

static int of_a_swapped_root(void)
{
	int fd = temporary_file("chroot", O_RDWR, 20);
	const char *place = temporary("root");

	mkdir(place, 0755);
	if (chroot(place) != 0)
		skip("chroot: %s", strerror(errno));
	return fd;
}

static int message_queue(void)
{
	int fd = (int)syscall(SYS_mq_open, "nbclone-linux1", O_RDWR | O_CREAT, 0600, NULL);

	if (fd == -1)
		skip("the kernel has no CONFIG_POSIX_MQUEUE: %s", strerror(errno));
	syscall(SYS_mq_unlink, "nbclone-linux1");
	return fd;
}

static int device(unsigned major, unsigned minor, int flags)
{
	const char *path = temporary("device2");
	int fd;

	if (mknod(path, S_IFCHR | 0600, makedev(major, minor)) != 0)
		skip("mknod: %s", strerror(errno));
	fd = open(path, flags | O_NONBLOCK | O_NOCTTY);
	unlink(path);
	if (fd == -1)
		skip("device %u,%u: %s", major, minor, strerror(errno));
	return fd;
}

static int loop_control(void)
{
	return device(10, 237, O_RDWR);
}

static int virtual_machines(void)
{
	return device(10, 232, O_RDWR);
}

static int input(void)
{
	return device(10, 223, O_RDWR);
}

static int tape(void)
{
	return device(9, 0, O_RDONLY);
}

static int serial_line(void)
{
	return device(4, 64, O_RDWR);
}

static int virtual_console(void)
{
	return device(4, 1, O_RDWR);
}

static const struct kind kinds[] = {
    {"an immutable file, read-only", immutable_read, IS_COPIED},
    {"an immutable file, read-write", immutable_written, STAYS_SHARED},
    {"an append-only file, O_APPEND", append_only, IS_COPIED},
    {"an append-only file, not O_APPEND", append_only_since, STAYS_SHARED},
    {"a file of another mount namespace", of_other_mounts, IS_COPIED},
    {"a file of a mount that is gone", unmounted, IS_COPIED},
    {"a directory under a mount", covered, IS_COPIED},
    {"a device, nodev since", device_gone_bad, STAYS_SHARED},
    {"a file, hidepid", hidden_process, IS_COPIED},
    {"a file, not dumpable", undumpable, IS_COPIED},
    {"a file, after chroot", of_a_swapped_root, STAYS_SHARED},
    {"a message queue", message_queue, IS_COPIED},
    {"/dev/loop-control", loop_control, STAYS_SHARED},
    {"/dev/kvm", virtual_machines, STAYS_SHARED},
    {"/dev/uinput", input, STAYS_SHARED},
    {"/dev/st0", tape, STAYS_SHARED},
    {"a serial line", serial_line, STAYS_SHARED},
    {"a virtual console", virtual_console, IS_COPIED},
};

/* The console is one or the other. */
static void console(long mode)
{
	int fd = device(5, 1, O_WRONLY);
	unsigned number = 0, major, minor;

	if (control(fd, TIOCGDEV, &number) != 0)
		skip("TIOCGDEV: %s", strerror(errno));
	major = number >> 8 & 0xfff;
	minor = (number & 0xff) | (number >> 12 & 0xfff00);
	expect_fate((enum mode)mode, fd, major == 4 && minor < 64 ? IS_COPIED : STAYS_SHARED);
}

/* What is watched can be copied; the watch tells of it. */
static void watched(long mode)
{
	int fd = temporary_file("watched", O_RDWR, 20), watch = inotify_init1(IN_NONBLOCK);

	if (watch == -1)
		skip("the kernel has no CONFIG_INOTIFY_USER");
	if (inotify_add_watch(watch, text("/proc/self/fd/%d", fd), IN_OPEN) == -1)
		give_up("inotify_add_watch");
	expect_fate((enum mode)mode, fd, IS_COPIED);
}

void circumstance_cases(void)
{
	add_kinds(kinds, LENGTH(kinds));
	add_modes(console, "COPYFD: /dev/console: as the terminal that it is");
	add_modes(watched, "COPYFD: a file that inotify watches: copied");
}
