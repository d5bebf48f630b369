/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Copyright (c) 2026 The nbclone developers */
/* How little stack a child needs, and what it leaves of errno. */
#include "linux1.h"

#include <sys/prctl.h>
#include <sys/socket.h>

/* The least, in steps of 16, with an unmapped page below. */
static long least(unsigned long flags)
{
	char *low = pages(4);
	long size;

	for (size = 16; size < 4 * (long)page_size(); size += 16) {
		int status = 0;

		if (clone(low + size, SIGCLD | flags) == 0)
			_exit(0);
		waitpid(-1, &status, 0);
		if (WIFEXITED(status))
			return size;
		check(WTERMSIG(status) == SIGSEGV || WTERMSIG(status) == SIGBUS, "%s",
		      status_name(status));
	}
	return -1;
}

static void small(long flags)
{
	long size, most = (flags & COPYFD) ? 2048 : 1024;

	/* Before Linux 5.16 a core dump takes all with it that share the memory. */
	prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
	size = least((unsigned long)flags);
	printf("# least stack, %s: %ld bytes\n",
	       flags == 0        ? "no flag"
	       : flags == COPYVM ? "COPYVM"
	       : flags == COPYFD ? "COPYFD"
	                         : "COPYVM|COPYFD",
	       size);
	fflush(stdout);
	check(size > 0 && size <= most, "a child needs %ld bytes of stack, more than %ld", size, most);
}

/* Copies that succeed, and some that fail. */
static void errno_stays(long unused)
{
	int ends[2], fifo;
	const char *path = temporary("errno");

	(void)unused;
	temporary_file("e", O_RDWR, 20);
	if (socketpair(AF_UNIX, SOCK_DGRAM, 0, ends) == -1)
		ends[0] = ends[1] = -1;
	if (mkfifo(path, 0600) != 0)
		give_up("mkfifo");
	fifo = open(path, O_RDONLY | O_NONBLOCK);
	open(path, O_WRONLY);
	unlink(path);
	close(fifo);
	errno = 77;
	if (clone(stack_top(0), SIGCLD | COPYFD) == 0) {
		scratch->ran = errno;
		_exit(0);
	}
	waitpid(-1, NULL, 0);
	check(scratch->ran == 77, "the child finds errno %d", scratch->ran);
	check(errno == 77, "the parent's errno became %d", errno);
}

void small_stack_cases(void)
{
	add(small, 0, "a small stack (no flag)");
	add(small, COPYVM, "a small stack (COPYVM)");
	add(small, COPYFD, "a small stack (COPYFD)");
	add(small, COPYVM | COPYFD, "a small stack (COPYVM|COPYFD)");
	add(errno_stays, 0, "COPYFD leaves errno alone");
}
