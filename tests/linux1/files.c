/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Copyright (c) 2026 The nbclone developers */
/* COPYFD: regular files and directories. */
#include "linux1.h"

#include <sys/syscall.h>

static int at(int fd, long long offset)
{
	if (lseek(fd, offset, SEEK_SET) != offset)
		give_up("lseek");
	return fd;
}

static int opened(const char *name, int flags)
{
	return at(temporary_file(name, flags, 20), 7);
}

static int read_only(void)
{
	return opened("r", O_RDONLY);
}

static int write_only(void)
{
	return opened("w", O_WRONLY);
}

static int read_write(void)
{
	return opened("rw", O_RDWR);
}

static int append(void)
{
	return opened("a", O_WRONLY | O_APPEND);
}

static int append_later(void)
{
	int fd = opened("al", O_RDWR);

	fcntl(fd, F_SETFL, O_APPEND | O_NONBLOCK);
	return fd;
}

static int nonblocking(void)
{
	return opened("n", O_RDONLY | O_NONBLOCK);
}

static int synchronous(void)
{
	return opened("s", O_RDWR | O_SYNC);
}

static int data_synchronous(void)
{
	return opened("ds", O_WRONLY | O_DSYNC);
}

static int no_atime(void)
{
	return opened("na", O_RDONLY | O_NOATIME);
}

static int direct(void)
{
	const char *path = temporary("d");
	int fd = open(path, O_RDWR | O_CREAT | O_DIRECT, 0600);

	unlink(path);
	if (fd == -1)
		skip("no O_DIRECT on this file system");
	return fd;
}

static int async_flag(void)
{
	int fd = opened("as", O_RDONLY);

	fcntl(fd, F_SETFL, O_ASYNC);
	return fd;
}

static int close_on_exec(void)
{
	return opened("ce", O_RDONLY | O_CLOEXEC);
}

static int not_followed(void)
{
	return opened("nf", O_RDONLY | O_NOFOLLOW);
}

static int at_start(void)
{
	return temporary_file("z", O_RDONLY, 5);
}

static int past_end(void)
{
	return at(opened("pe", O_RDWR), 1000);
}

/* Their lseek takes 64 bits, which the library's calls of words can't pass on. */
#if (defined(__x86_64__) && defined(__ILP32__)) || (defined(__mips__) && _MIPS_SIM == _ABIN32)
#define FAR_AWAY STAYS_SHARED
#else
#define FAR_AWAY IS_COPIED
#endif

static int far_away(void)
{
	return at(opened("fa", O_RDWR | O_LARGEFILE), 5000000000);
}

static int on_same_file(void)
{
	int first = read_write();

	return dup(first);
}

/* Opened as O_CREAT, O_EXCL and O_TRUNC, which mustn't happen again. */
static int created(void)
{
	const char *path = temporary("c");
	int fd;

	unlink(path);
	fd = open(path, O_RDWR | O_CREAT | O_EXCL | O_TRUNC, 0600);
	if (fd == -1 || write(fd, "content", 7) != 7)
		give_up("creating");
	return at(fd, 4);
}

static int renamed(void)
{
	const char *path = temporary("old"), *other = temporary("new");
	int fd = open(path, O_RDWR | O_CREAT, 0600);

	if (fd == -1 || rename(path, other) != 0)
		give_up("renaming");
	unlink(other);
	close(open(path, O_RDWR | O_CREAT, 0600)); /* another one of the old name */
	return fd;
}

static int without_a_name(void)
{
	const char *path = temporary("");
	int fd = open(path, O_TMPFILE | O_RDWR, 0600);

	if (fd == -1)
		skip("no O_TMPFILE on this file system");
	if (write(fd, "0123456789", 10) != 10)
		give_up("writing");
	return at(fd, 3);
}

static int memory_file(void)
{
	int fd = (int)syscall(SYS_memfd_create, "linux1", 2u /* MFD_ALLOW_SEALING */);

	if (fd == -1)
		skip("the kernel has no CONFIG_MEMFD_CREATE");
	if (write(fd, "0123456789", 10) != 10)
		give_up("writing");
	return at(fd, 3);
}

static int sealed(void)
{
	int fd = memory_file();

	if (fcntl(fd, F_ADD_SEALS, F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE) != 0)
		give_up("seals");
	return fd;
}

static int own_program(void)
{
	int fd = open(self_path, O_RDONLY);

	return fd == -1 ? (give_up("the running program"), -1) : at(fd, 9);
}

static int without_permission(void)
{
	int fd;

	if (geteuid() != 0)
		skip("only root can give permissions up here");
	fd = at(temporary_file("np", O_RDWR, 20), 7);
	fchmod(fd, 0);
	if (become_user() != 0)
		give_up("setuid");
	return fd;
}

static int write_permission_gone(void)
{
	int fd;

	if (geteuid() != 0)
		skip("only root can give permissions up here");
	fd = at(temporary_file("wp", O_RDWR, 20), 7);
	fchmod(fd, 0444);
	if (become_user() != 0)
		give_up("setuid");
	return fd;
}

static int path_only(void)
{
	return temporary_file("po", O_PATH, 1);
}

static int path_of_directory(void)
{
	return open("/", O_PATH);
}

static int path_of_fifo(void)
{
	const char *path = temporary("pf");
	int fd;

	if (mkfifo(path, 0600) != 0)
		give_up("mkfifo");
	fd = open(path, O_PATH);
	unlink(path);
	return fd;
}

static int directory(void)
{
	int fd = open("/", O_RDONLY | O_DIRECTORY);

	if (fd == -1)
		give_up("open /");
	return fd;
}

static long next_entry(int fd)
{
	char entries[64];

	/* As few as the kernel can give, and at least one. */
	return syscall(SYS_getdents64, fd, entries, sizeof entries);
}

static int directory_within(void)
{
	int fd = open("/proc/self", O_RDONLY);

	if (fd == -1)
		give_up("open /proc/self");
	if (next_entry(fd) <= 0)
		give_up("getdents64");
	return fd;
}

static int proc_file(void)
{
	char first[5];
	int fd = open("/proc/meminfo", O_RDONLY);

	if (fd == -1 || read(fd, first, sizeof first) != (ssize_t)sizeof first)
		skip("no /proc/meminfo here");
	return fd;
}

static const struct kind files[] = {
    {"a file, read-only", read_only, IS_COPIED},
    {"a file, write-only", write_only, IS_COPIED},
    {"a file, read-write", read_write, IS_COPIED},
    {"a file, O_APPEND", append, IS_COPIED},
    {"a file, O_APPEND since", append_later, IS_COPIED},
    {"a file, O_NONBLOCK", nonblocking, IS_COPIED},
    {"a file, O_SYNC", synchronous, IS_COPIED},
    {"a file, O_DSYNC", data_synchronous, IS_COPIED},
    {"a file, O_NOATIME", no_atime, IS_COPIED},
    {"a file, O_DIRECT", direct, IS_COPIED},
    {"a file, O_ASYNC", async_flag, IS_COPIED},
    {"a file, close-on-exec", close_on_exec, IS_COPIED},
    {"a file, O_NOFOLLOW", not_followed, IS_COPIED},
    {"a file at its start", at_start, IS_COPIED},
    {"a file past its end", past_end, IS_COPIED},
    {"a file past 4 GiB", far_away, FAR_AWAY},
    {"one of two on a file", on_same_file, IS_COPIED},
    {"a file just created", created, IS_COPIED},
    {"a file with another name", renamed, IS_COPIED},
    {"O_TMPFILE", without_a_name, IS_COPIED},
    {"memfd", memory_file, IS_COPIED},
    {"memfd, sealed", sealed, IS_COPIED},
    {"the running program", own_program, IS_COPIED},
    {"a file without permission", without_permission, STAYS_SHARED},
    {"a file without write permission", write_permission_gone, STAYS_SHARED},
    {"O_PATH", path_only, STAYS_SHARED},
    {"O_PATH, a directory", path_of_directory, STAYS_SHARED},
    {"O_PATH, a FIFO", path_of_fifo, STAYS_SHARED},
    {"a directory", directory, IS_COPIED},
    {"a directory, partly read", directory_within, IS_COPIED},
    {"a file of /proc, partly read", proc_file, IS_COPIED},
};

/* What a child does to its copy, the parent's doesn't show; and the reverse. */
static int subject;

static void read_and_write(void)
{
	check(read(subject, answers->bytes, 3) == 3, "the child's read");
	check(write(subject, "xyz", 3) == 3, "the child's write");
	answers->position = lseek(subject, 0, SEEK_CUR);
}

static void own_offset(long mode)
{
	char now[24] = "";

	answers_make();
	subject = read_write();
	expect_exit(in_child((enum mode)mode, COPYFD, read_and_write), 0);
	check(memcmp(answers->bytes, "789", 3) == 0, "the child read %.3s", answers->bytes);
	check(answers->position == 13, "the child's offset is %lld", answers->position);
	check(lseek(subject, 0, SEEK_CUR) == 7, "the parent's offset moved");
	check(pread(subject, now, 20, 0) == 20 && strcmp(now, "0123456789xyz3456789") == 0,
	      "the file: %s", now);
}

static void without_copyfd(long mode)
{
	answers_make();
	subject = read_write();
	expect_exit(in_child((enum mode)mode, 0, read_and_write), 0);
	check(lseek(subject, 0, SEEK_CUR) == 13, "the parent's offset didn't move");
}

static void not_made_again(long mode)
{
	struct stat status;

	subject = created();
	expect_fate((enum mode)mode, subject, IS_COPIED);
	check(fstat(subject, &status) == 0 && status.st_size == 7, "the file was truncated");
	unlink(temporary("c"));
	if (fstat(subject, &status) != 0 || status.st_nlink != 0)
		check(0, "the name is another file's");
}

/* The child goes on reading where its parent was. */
static char next[64];

static void read_next(void)
{
	answers->number = syscall(SYS_getdents64, subject, answers->bytes, sizeof answers->bytes);
}

static void directory_goes_on(long mode)
{
	long length;

	answers_make();
	subject = directory_within();
	expect_exit(in_child((enum mode)mode, COPYFD, read_next), 0);
	length = syscall(SYS_getdents64, subject, next, sizeof next);
	check(length > 0 && length == answers->number && memcmp(next + 18, answers->bytes + 18, 8) == 0,
	      "the child read another entry");
}

void file_cases(void)
{
	add_kinds(files, LENGTH(files));
	add_modes(own_offset, "COPYFD: an offset of its own");
	add_modes(without_copyfd, "no COPYFD: the offset is shared");
	add_modes(not_made_again, "COPYFD: no O_CREAT, O_EXCL, O_TRUNC again");
	add_modes(directory_goes_on, "COPYFD: a directory read on");
}
