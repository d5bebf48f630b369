/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Copyright (c) 2026 The nbclone developers */
/*
 * COPYFD under filters, which stand for kernels that lack a call: what each
 * part needs, and what it does without.
 */
#include "linux1.h"

#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sys/prctl.h>
#include <sys/syscall.h>

#ifdef SYS_newfstatat
#define FSTATAT SYS_newfstatat
#else
#define FSTATAT SYS_fstatat64
#endif

static void refuse(long number, int error)
{
	struct sock_filter code[] = {
	    BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
	    BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, (unsigned)number, 0, 1),
	    BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | (unsigned)error),
	    BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
	};
	struct sock_fprog program = {LENGTH(code), code};

	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0 ||
	    prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) != 0)
		skip("the kernel has no CONFIG_SECCOMP_FILTER");
}

static int file(void)
{
	int fd = temporary_file("filtered", O_RDWR, 20);

	lseek(fd, 7, SEEK_SET);
	return fd;
}

static int ends[2];

static void make_pipe(void)
{
	if (pipe(ends) != 0)
		give_up("pipe");
}

static int hung_up_fifo(void)
{
	const char *path = temporary("filtered-fifo");
	int fd;

	if (mkfifo(path, 0600) != 0)
		give_up("mkfifo");
	fd = open(path, O_RDONLY | O_NONBLOCK);
	close(open(path, O_WRONLY));
	unlink(path);
	return fd;
}

/* Every kind as with statx(2). */
static void without_statx(enum mode mode, int error)
{
#ifdef __loongarch__
	(void)mode;
	(void)error;
	skip("LoongArch has always had statx");
#else
	int plain = file(), event = -1, null = open("/dev/null", O_RDWR), slash = open("/", O_RDONLY);

	event = (int)syscall(SYS_eventfd2, 3, 0);
	make_pipe();
	refuse(SYS_statx, error);
	expect_fate(mode, plain, IS_COPIED);
	expect_fate(mode, slash, IS_COPIED);
	expect_fate(mode, ends[0], IS_COPIED);
	expect_fate(mode, null, IS_COPIED);
	expect_fate(mode, hung_up_fifo(), STAYS_SHARED);
	expect_fate(mode, event, STAYS_SHARED);
#endif
}

static void no_statx(long mode)
{
	without_statx((enum mode)mode, ENOSYS);
}

static void statx_forbidden(long mode)
{
	without_statx((enum mode)mode, EPERM);
}

static int subject;

static void move(void)
{
	lseek(subject, 9, SEEK_SET);
}

static void no_stat_at_all(long mode)
{
	subject = file();
	refuse(SYS_statx, ENOSYS);
#ifndef __loongarch__
	refuse(FSTATAT, ENOSYS);
#endif
	expect_exit(in_child((enum mode)mode, COPYFD, move), 0);
	check(lseek(subject, 0, SEEK_CUR) == 9, "the child has an offset of its own");
}

static void no_prlimit(long mode)
{
	int fd = file();

	refuse(SYS_prlimit64, ENOSYS);
	expect_fate((enum mode)mode, fd, IS_COPIED);
}

static void shared_without(long mode, long number)
{
	int fd = file();

	make_pipe();
	refuse(number, ENOSYS);
	expect_fate((enum mode)mode, fd, STAYS_SHARED);
	expect_fate((enum mode)mode, ends[0], STAYS_SHARED);
}

static void no_dup3(long mode)
{
	shared_without(mode, SYS_dup3);
}

static void no_openat(long mode)
{
	int fd = file();

	refuse(SYS_openat, EPERM);
	expect_fate((enum mode)mode, fd, STAYS_SHARED);
}

static void no_getdents(long mode)
{
	shared_without(mode, SYS_getdents64);
}

/* Whether the other side hung up can't be told. */
static void no_ppoll(long mode)
{
	int fd = file(), fifo = hung_up_fifo();

	make_pipe();
#ifdef SYS_ppoll
	refuse(SYS_ppoll, ENOSYS);
	expect_fate((enum mode)mode, fifo, STAYS_SHARED);
	expect_fate((enum mode)mode, ends[0], STAYS_SHARED);
	expect_fate((enum mode)mode, ends[1], IS_COPIED);
	expect_fate((enum mode)mode, fd, IS_COPIED);
#else
	(void)fd;
	(void)fifo;
	(void)mode;
#endif
}

/* A flag that the copy doesn't get. */
static void no_setfl(long mode)
{
	struct sock_filter code[] = {
	    BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
#ifdef SYS_fcntl64
	    BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_fcntl64, 0, 3),
#else
	    BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_fcntl, 0, 3),
#endif
	    BPF_STMT(BPF_LD | BPF_W | BPF_ABS,
	             offsetof(struct seccomp_data, args[1]) + 4 * (__BYTE_ORDER == __BIG_ENDIAN)),
	    BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, F_SETFL, 0, 1),
	    BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EPERM),
	    BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
	};
	struct sock_fprog program = {LENGTH(code), code};
	int fd = file();

	make_pipe();
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0 ||
	    prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) != 0)
		skip("the kernel has no CONFIG_SECCOMP_FILTER");
	expect_fate((enum mode)mode, fd, IS_COPIED);
	expect_fate((enum mode)mode, ends[1], STAYS_SHARED);
}

static void no_readlinkat(long mode)
{
	int fd = file();

	if (syscall(SYS_eventfd2, 3, 0) == -1)
		skip("the kernel has no CONFIG_EVENTFD");
	refuse(SYS_readlinkat, ENOSYS);
	expect_fate((enum mode)mode, fd, IS_COPIED);
}

void filter_cases(void)
{
	add_modes(no_statx, "COPYFD: no statx (Linux before 4.11): copied");
	add_modes(statx_forbidden, "COPYFD: statx is forbidden: copied");
	add_modes(no_stat_at_all, "COPYFD: nothing tells what is open: shared");
	add_modes(no_prlimit, "COPYFD: no prlimit (Linux before 2.6.36): copied");
	add_modes(no_dup3, "COPYFD: no dup3 (Linux before 2.6.27): shared");
	add_modes(no_openat, "COPYFD: openat is forbidden: shared");
	add_modes(no_getdents, "COPYFD: getdents64 is forbidden: shared");
	add_modes(no_ppoll, "COPYFD: no ppoll (Linux before 2.6.16): a pipe's read end is shared");
	add_modes(no_setfl, "COPYFD: no F_SETFL: what needs it is shared");
	add_modes(no_readlinkat, "COPYFD: readlinkat is forbidden: copied");
}
