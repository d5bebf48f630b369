/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Copyright (c) 2026 The nbclone developers */
/* COPYFD: leases and locks are the parent's, and stay. */
#include "linux1.h"

#include <sys/file.h>

static int subject;

static int lease(int flags, int type)
{
	int fd = temporary_file("lease", flags, 20);

	if (fcntl(fd, F_SETLEASE, type) != 0)
		skip("no leases on this file system: %s", strerror(errno));
	return fd;
}

static volatile sig_atomic_t broken;

static void note_break(int signal)
{
	(void)signal;
	broken = 1;
}

static void leases(long mode)
{
	signal(SIGIO, note_break);
	subject = lease(O_RDONLY, F_RDLCK);
	expect_fate((enum mode)mode, subject, STAYS_SHARED);
	check(fcntl(subject, F_GETLEASE) == F_RDLCK && !broken, "the read lease was broken");
	subject = lease(O_RDWR, F_WRLCK);
	expect_fate((enum mode)mode, subject, STAYS_SHARED);
	check(fcntl(subject, F_GETLEASE) == F_WRLCK && !broken, "the write lease was broken");
	/* A path to it isn't open on it. */
	expect_fate((enum mode)mode, open(text("/proc/self/fd/%d", subject), O_PATH), STAYS_SHARED);
	check(fcntl(subject, F_GETLEASE) == F_WRLCK && !broken, "broken through an O_PATH");
}

/* Another process' lease: it has none that an open in this mode would break. */
static void others_lease(long mode)
{
	static const struct {
		int flags, type, is_granted;
	} cases[] = {{O_RDONLY, F_RDLCK, 1}, {O_RDONLY, F_WRLCK, 0}, {O_RDWR, F_RDLCK, 0}};
	size_t i;

	for (i = 0; i < LENGTH(cases); i++) {
		int ready[2], granted = 0, fd = temporary_file("others", cases[i].flags, 20);
		pid_t other;

		if (pipe(ready) != 0)
			give_up("pipe");
		other = fork();
		if (other == 0) {
			int own = open(text("/proc/self/fd/%d", fd), O_RDONLY);

			signal(SIGIO, SIG_DFL); /* ends it, if the lease is broken */
			close(fd);
			granted = fcntl(own, F_SETLEASE, cases[i].type) == 0;
			if (write(ready[1], &granted, sizeof granted) != sizeof granted)
				_exit(1);
			for (;;)
				pause();
		}
		if (read(ready[0], &granted, sizeof granted) != sizeof granted)
			give_up("the other process");
		if (i == 0 && !granted)
			skip("no leases on this file system");
		check(granted == cases[i].is_granted, "set-up: lease %d is granted: %d", (int)i, granted);
		expect_fate((enum mode)mode, fd, IS_COPIED);
		check(waitpid(other, NULL, WNOHANG) == 0, "the other's lease was broken");
		kill(other, SIGKILL);
		waitpid(other, NULL, 0);
	}
}

/* The child's copy is another description: its parent's lock is in its way. */
static void try_flock(void)
{
	check(flock(subject, LOCK_EX | LOCK_NB) == -1 && errno == EWOULDBLOCK,
	      "the child has its parent's flock");
}

static int is_flocked(void)
{
	int status, fd;
	pid_t pid;
	const char *path = text("/proc/self/fd/%d", subject);

	pid = fork();
	if (pid == 0) {
		fd = open(path, O_RDWR);
		_exit(fd != -1 && flock(fd, LOCK_EX | LOCK_NB) == -1 && errno == EWOULDBLOCK);
	}
	waitpid(pid, &status, 0);
	return WEXITSTATUS(status);
}

static void flocks(long mode)
{
	subject = temporary_file("flock", O_RDWR, 20);
	if (flock(subject, LOCK_EX) != 0)
		skip("no flock: %s", strerror(errno));
	expect_exit(in_child((enum mode)mode, COPYFD, try_flock), 0);
	check(is_flocked(), "the parent lost its flock");
	flock(subject, LOCK_UN);
	check(!is_flocked(), "set-up: unlocked and still locked");
}

/* A record lock is seen from a process that doesn't hold it. */
static int is_locked(int get)
{
	struct flock lock = {.l_type = F_WRLCK, .l_whence = SEEK_SET};
	int status;
	pid_t pid = fork();

	if (pid == 0) {
		int fd = open(text("/proc/self/fd/%d", subject), O_RDWR);

		_exit(fd != -1 && fcntl(fd, get, &lock) == 0 && lock.l_type != F_UNLCK);
	}
	waitpid(pid, &status, 0);
	return WEXITSTATUS(status);
}

static int set_command;

static void try_lock(void)
{
	struct flock lock = {.l_type = F_WRLCK, .l_whence = SEEK_SET};

	check(fcntl(subject, set_command, &lock) == -1 && (errno == EAGAIN || errno == EACCES),
	      "the child has its parent's lock");
}

static void record_locks(long mode, int set, int get)
{
	struct flock lock = {.l_type = F_WRLCK, .l_whence = SEEK_SET};

	set_command = set;
	subject = temporary_file("lock", O_RDWR, 20);
	if (fcntl(subject, set, &lock) != 0)
		skip("no record locks: %s", strerror(errno));
	expect_exit(in_child((enum mode)mode, COPYFD, try_lock), 0);
	check(is_locked(get), "the parent lost its lock");
	lock.l_type = F_UNLCK;
	fcntl(subject, set, &lock);
	check(!is_locked(get), "set-up: unlocked and still locked");
}

static void posix_locks(long mode)
{
	record_locks(mode, F_SETLK, F_GETLK);
}

static void description_locks(long mode)
{
	record_locks(mode, F_OFD_SETLK, F_OFD_GETLK);
}

/* A lock that the child takes on its copy is its own, and goes with it. */
static void take_flock(void)
{
	check(flock(subject, LOCK_EX | LOCK_NB) == 0, "the child's flock");
	check(is_flocked(), "set-up: the child's flock isn't seen");
}

static void childs_lock(long mode)
{
	subject = temporary_file("own", O_RDWR, 20);
	expect_exit(in_child((enum mode)mode, COPYFD, take_flock), 0);
	check(!is_flocked(), "the child's lock is left on the parent's description");
}

void lock_cases(void)
{
	add_modes(leases, "COPYFD: leases");
	add_modes(others_lease, "COPYFD: another's leases: copied");
	add_modes(flocks, "COPYFD: flock locks");
	add_modes(posix_locks, "COPYFD: POSIX locks");
	add_modes(description_locks, "COPYFD: OFD locks");
	add_modes(childs_lock, "COPYFD: a lock of the child's own");
}
