/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Copyright (c) 2026 The nbclone developers */
/* COPYFD: terminals and other devices. */
#include "linux1.h"

#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/sysmacros.h>
#include <termios.h>

static int master = -1;
static char slave_name[64];

static int pty_master(void)
{
	master = posix_openpt(O_RDWR | O_NOCTTY);
	if (master == -1)
		skip("no /dev/ptmx: %s", strerror(errno));
	if (unlockpt(master) != 0 || ptsname_r(master, slave_name, sizeof slave_name) != 0)
		give_up("unlockpt");
	return master;
}

static int slave_with(int flags)
{
	int fd;

	pty_master();
	fd = open(slave_name, O_RDWR | O_NOCTTY | flags);
	if (fd == -1)
		skip("no devpts: %s", strerror(errno));
	return fd;
}

static int pty_slave(void)
{
	return slave_with(0);
}

static int pty_slave_nonblocking(void)
{
	return slave_with(O_NONBLOCK);
}

static int pty_slave_async(void)
{
	int fd = slave_with(0);

	fcntl(fd, F_SETFL, O_ASYNC);
	return fd;
}

static int pty_slave_without_master(void)
{
	int fd = slave_with(0);

	signal(SIGHUP, SIG_IGN);
	close(master);
	return fd;
}

static int pty_slave_locked(void)
{
	int fd = slave_with(0), one = 1;

	ioctl(master, TIOCSPTLCK, &one);
	return fd;
}

/* A case leads a process group, and only another group's member can lead a session. */
static void leave_group(void)
{
	pid_t helper = fork();

	if (helper == 0) {
		for (;;)
			pause();
	}
	if (setpgid(helper, helper) != 0 || setpgid(0, helper) != 0)
		give_up("setpgid");
	kill(helper, SIGKILL);
	waitpid(helper, NULL, 0);
}

/* A session of this case's own, on a terminal of its own. */
static int controlling(void)
{
	int fd, tries;

	pty_master();
	/* The harness may make the case a leader once more, behind our back. */
	for (tries = 0; setsid() == -1; tries++) {
		if (tries == 3)
			give_up("setsid");
		leave_group();
	}
	fd = open(slave_name, O_RDWR);
	if (fd == -1)
		skip("no devpts: %s", strerror(errno));
	ioctl(fd, TIOCSCTTY, 0);
	return fd;
}

/* A node of our own: a test kernel may have no /dev but the console. */
static int device(int kind, unsigned major, unsigned minor, int flags)
{
	const char *path = temporary("device");
	int fd;

	if (mknod(path, (mode_t)kind | 0600, makedev(major, minor)) != 0)
		skip("mknod: %s", strerror(errno));
	fd = open(path, flags);
	unlink(path);
	if (fd == -1)
		skip("device %u,%u: %s", major, minor, strerror(errno));
	return fd;
}

static int dev_tty(void)
{
	int fd;

	controlling();
	fd = open("/dev/tty", O_RDWR);
	return fd == -1 ? device(S_IFCHR, 5, 0, O_RDWR) : fd;
}

/* /dev/tty, open on what was the controlling terminal before. */
static int dev_tty_of_before(void)
{
	int fd = dev_tty();

	signal(SIGHUP, SIG_IGN);
	signal(SIGCONT, SIG_IGN);
	ioctl(fd, TIOCNOTTY);
	pty_master();
	ioctl(open(slave_name, O_RDWR), TIOCSCTTY, 0);
	return fd;
}

static int null(void)
{
	return device(S_IFCHR, 1, 3, O_RDWR);
}

static int zero(void)
{
	return device(S_IFCHR, 1, 5, O_RDONLY);
}

static int full(void)
{
	return device(S_IFCHR, 1, 7, O_RDWR);
}

static int urandom(void)
{
	return device(S_IFCHR, 1, 9, O_RDONLY);
}

static int random_numbers(void)
{
	return device(S_IFCHR, 1, 8, O_RDONLY);
}

static int memory(void)
{
	return device(S_IFCHR, 1, 1, O_RDONLY);
}

static int ports(void)
{
	return device(S_IFCHR, 1, 4, O_RDONLY);
}

static int kernel_log(void)
{
	return device(S_IFCHR, 1, 11, O_RDONLY | O_NONBLOCK);
}

static int tun(void)
{
	return device(S_IFCHR, 10, 200, O_RDWR);
}

static int ram_disk(void)
{
	return device(S_IFBLK, 1, 0, O_RDONLY);
}

static int loop_device(void)
{
	return device(S_IFBLK, 7, 0, O_RDONLY);
}

static int hardware_random(void)
{
	return device(S_IFCHR, 10, 183, O_RDONLY);
}

static const struct kind devices[] = {
    {"a pty's slave", pty_slave, IS_COPIED},
    {"a pty's slave, O_NONBLOCK", pty_slave_nonblocking, IS_COPIED},
    {"a pty's slave, O_ASYNC", pty_slave_async, STAYS_SHARED},
    {"a pty's slave, locked", pty_slave_locked, STAYS_SHARED},
    {"a pty's slave without master", pty_slave_without_master, STAYS_SHARED},
    {"a pty's master", pty_master, STAYS_SHARED},
    {"the controlling terminal", controlling, IS_COPIED},
    {"/dev/tty", dev_tty, IS_COPIED},
    {"/dev/tty of a terminal before", dev_tty_of_before, STAYS_SHARED},
    {"/dev/null", null, IS_COPIED},
    {"/dev/zero", zero, IS_COPIED},
    {"/dev/full", full, IS_COPIED},
    {"/dev/urandom", urandom, IS_COPIED},
    {"/dev/random", random_numbers, IS_COPIED},
    {"/dev/mem", memory, IS_COPIED},
    {"/dev/port", ports, IS_COPIED},
    {"/dev/kmsg", kernel_log, STAYS_SHARED},
    {"/dev/net/tun", tun, STAYS_SHARED},
    {"/dev/hwrng", hardware_random, STAYS_SHARED},
    {"/dev/ram0", ram_disk, IS_COPIED},
    {"/dev/loop0", loop_device, IS_COPIED},
};

/* The child's terminal is its parent's, and no new one was made. */
static int subject;

static void write_there(void)
{
	check(write(subject, "hello", 5) == 5, "the child's write");
}

static void same_terminal(long mode)
{
	char bytes[8] = "";

	subject = pty_slave();
	expect_exit(in_child((enum mode)mode, COPYFD, write_there), 0);
	check(read(master, bytes, sizeof bytes) == 5 && memcmp(bytes, "hello", 5) == 0,
	      "the master read %.5s", bytes);
}

static void same_master(long mode)
{
	int slave = pty_slave();
	char bytes[8] = "";

	subject = master;
	expect_exit(in_child((enum mode)mode, COPYFD, write_there), 0);
	fcntl(slave, F_SETFL, O_NONBLOCK);
	ioctl(slave, FIONREAD, &subject);
	check(write(master, "\n", 1) == 1 && read(slave, bytes, sizeof bytes) == 6,
	      "the slave read %.5s", bytes);
}

/* A terminal that was hung up stays so. Needs CAP_SYS_ADMIN's vhangup(2). */
static void hung_up(long mode)
{
	int fd, helper, status;

	signal(SIGHUP, SIG_IGN);
	fd = controlling();
	helper = fork();
	if (helper == 0)
		_exit(vhangup() == 0 ? 0 : 1);
	waitpid(helper, &status, 0);
	if (status != 0)
		skip("vhangup: not permitted");
	errno = 0;
	if (!check(write(fd, "x", 1) == -1 && errno == EIO, "set-up: not hung up"))
		return;
	expect_fate((enum mode)mode, fd, STAYS_SHARED);
}

void terminal_cases(void)
{
	/* A first process may find no pseudo-terminals. */
	if (getpid() == 1 && access("/dev/ptmx", F_OK) != 0) {
		mkdir("/dev/pts", 0755);
		mount("devpts", "/dev/pts", "devpts", 0, "ptmxmode=0666");
		if (symlink("pts/ptmx", "/dev/ptmx") != 0)
			perror("/dev/ptmx");
	}
	add_kinds(devices, LENGTH(devices));
	add_modes(same_terminal, "COPYFD: the same terminal");
	add_modes(same_master, "COPYFD: the same pseudo-terminal");
	add_modes(hung_up, "COPYFD: a terminal that hung up");
}
