/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Copyright (c) 2026 The nbclone developers */
/* COPYFD: pipes, FIFOs, sockets, and what has a descriptor but no file. */
#include "linux1.h"

#include <poll.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/inotify.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/timerfd.h>

static int pipes[2];

static int end_of_pipe(int end, int flags)
{
	if (pipe2(pipes, flags) != 0)
		give_up("pipe2");
	return pipes[end];
}

static int pipe_out(void)
{
	return end_of_pipe(0, 0);
}

static int pipe_in(void)
{
	return end_of_pipe(1, O_CLOEXEC);
}

static int pipe_nonblocking(void)
{
	return end_of_pipe(0, O_NONBLOCK);
}

static int pipe_of_packets(void)
{
	return end_of_pipe(1, O_DIRECT);
}

static int pipe_async(void)
{
	int fd = end_of_pipe(0, 0);

	fcntl(fd, F_SETOWN, getpid());
	fcntl(fd, F_SETFL, O_ASYNC);
	return fd;
}

static int pipe_without_reader(void)
{
	int fd = end_of_pipe(1, 0);

	close(pipes[0]);
	return fd;
}

static int pipe_without_writer(void)
{
	int fd = end_of_pipe(0, 0);

	close(pipes[1]);
	return fd;
}

static int fifo_ends[2];

static void make_fifo(void)
{
	const char *path = temporary("fifo");

	if (mkfifo(path, 0600) != 0)
		give_up("mkfifo");
	fifo_ends[0] = open(path, O_RDONLY | O_NONBLOCK);
	fifo_ends[1] = open(path, O_WRONLY);
	unlink(path);
	fcntl(fifo_ends[0], F_SETFL, 0);
}

static int fifo_out(void)
{
	make_fifo();
	return fifo_ends[0];
}

static int fifo_in(void)
{
	make_fifo();
	return fifo_ends[1];
}

static int fifo_without_writer(void)
{
	make_fifo();
	close(fifo_ends[1]);
	return fifo_ends[0];
}

static int fifo_before_writers(void)
{
	const char *path = temporary("fifo3");
	int fd;

	if (mkfifo(path, 0600) != 0)
		give_up("mkfifo");
	fd = open(path, O_RDONLY | O_NONBLOCK);
	unlink(path);
	return fd;
}

static int fifo_with_new_writer(void)
{
	int fd = fifo_without_writer();

	if (open(text("/proc/self/fd/%d", fd), O_WRONLY) == -1)
		give_up("open");
	return fd;
}

static int fifo_without_reader(void)
{
	make_fifo();
	close(fifo_ends[0]);
	return fifo_ends[1];
}

static int fifo_both(void)
{
	const char *path = temporary("fifo2");
	int fd;

	if (mkfifo(path, 0600) != 0)
		give_up("mkfifo");
	fd = open(path, O_RDWR);
	unlink(path);
	return fd;
}

static int some(int fd, const char *missing)
{
	if (fd == -1)
		skip("%s: %s", missing, strerror(errno));
	return fd;
}

static int unix_socket(void)
{
	int ends[2] = {-1, -1};

	socketpair(AF_UNIX, SOCK_STREAM, 0, ends);
	return some(ends[0], "the kernel has no CONFIG_UNIX");
}

static int tcp_socket(void)
{
	return some(socket(AF_INET, SOCK_STREAM, 0), "the kernel has no CONFIG_INET");
}

static int event(void)
{
	return some(eventfd(3, 0), "the kernel has no CONFIG_EVENTFD");
}

static int epoll(void)
{
	return some(epoll_create1(EPOLL_CLOEXEC), "the kernel has no CONFIG_EPOLL");
}

static int timer(void)
{
	return some(timerfd_create(CLOCK_MONOTONIC, 0), "the kernel has no CONFIG_TIMERFD");
}

static int signals(void)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGUSR1);
	return some(signalfd(-1, &set, 0), "the kernel has no CONFIG_SIGNALFD");
}

static int inotify(void)
{
	return some(inotify_init1(0), "the kernel has no CONFIG_INOTIFY_USER");
}

static int process(void)
{
	return some((int)syscall(SYS_pidfd_open, getpid(), 0), "the kernel has no pidfd_open");
}

static int namespace(void)
{
	return some(open("/proc/self/ns/uts", O_RDONLY), "the kernel has no CONFIG_UTS_NS");
}

static int secret_memory(void)
{
#ifdef SYS_memfd_secret
	return some((int)syscall(SYS_memfd_secret, 0), "the kernel has no memfd_secret");
#else
	skip("the headers have no memfd_secret");
	return -1;
#endif
}

static const struct kind streams[] = {
    {"a pipe's read end", pipe_out, IS_COPIED},
    {"a pipe's write end", pipe_in, IS_COPIED},
    {"a pipe, O_NONBLOCK", pipe_nonblocking, IS_COPIED},
    {"a pipe, O_DIRECT", pipe_of_packets, IS_COPIED},
    {"a pipe, O_ASYNC", pipe_async, IS_COPIED},
    {"a pipe without a reader", pipe_without_reader, IS_COPIED},
    {"a pipe without a writer", pipe_without_writer, IS_COPIED},
    {"a FIFO's read end", fifo_out, IS_COPIED},
    {"a FIFO's write end", fifo_in, IS_COPIED},
    {"a FIFO whose writers have gone", fifo_without_writer, STAYS_SHARED},
    {"a FIFO that had no writer yet", fifo_before_writers, IS_COPIED},
    {"a FIFO whose writer came back", fifo_with_new_writer, IS_COPIED},
    {"a FIFO without a reader", fifo_without_reader, STAYS_SHARED},
    {"a FIFO, both ends", fifo_both, IS_COPIED},
    {"a UNIX socket", unix_socket, STAYS_SHARED},
    {"a TCP socket", tcp_socket, STAYS_SHARED},
    {"eventfd", event, STAYS_SHARED},
    {"epoll", epoll, STAYS_SHARED},
    {"timerfd", timer, STAYS_SHARED},
    {"signalfd", signals, STAYS_SHARED},
    {"inotify", inotify, STAYS_SHARED},
    {"pidfd", process, STAYS_SHARED},
    {"a namespace", namespace, STAYS_SHARED},
    {"memfd_secret", secret_memory, STAYS_SHARED},
};

/* The copies are ends of the same pipe. */
static void through_the_pipe(void)
{
	char byte = 0;

	check(read(pipes[0], &byte, 1) == 1 && byte == 'a', "the child read %d", byte);
	check(write(pipes[1], "b", 1) == 1, "the child's write");
}

static void same_pipe(long mode)
{
	char byte = 0;

	if (pipe(pipes) != 0 || write(pipes[1], "a", 1) != 1)
		give_up("pipe");
	expect_exit(in_child((enum mode)mode, COPYFD, through_the_pipe), 0);
	check(read(pipes[0], &byte, 1) == 1 && byte == 'b', "the parent read %d", byte);
	close(pipes[1]);
	check(read(pipes[0], &byte, 1) == 0, "a writer was left behind");
}

/* A reader is told of the writers' end by poll(2), whoever copied its descriptor. */
static int hang_up(int fd)
{
	struct pollfd poll_ = {.fd = fd, .events = POLLIN};

	return poll(&poll_, 1, 0) < 0 ? -1 : poll_.revents & POLLHUP;
}

static void see_hang_up(void)
{
	check(hang_up(fifo_ends[0]) == POLLHUP, "the child's poll sees no POLLHUP");
}

static void see_none(void)
{
	check(hang_up(fifo_ends[0]) == 0, "the child's poll sees POLLHUP");
}

static void reader_of_gone_writers(long mode)
{
	fifo_without_writer();
	expect_exit(in_child((enum mode)mode, COPYFD, see_hang_up), 0);
	check(hang_up(fifo_ends[0]) == POLLHUP, "the parent's poll sees no POLLHUP");
	fifo_ends[0] = fifo_before_writers();
	expect_exit(in_child((enum mode)mode, COPYFD, see_none), 0);
	/* The writer goes in the child: its copy has to tell of that too. */
	fifo_ends[0] = fifo_with_new_writer();
	expect_exit(in_child((enum mode)mode, COPYFD, see_none), 0);
}

static void let_writer_go(void)
{
	close(fifo_ends[1]);
	/* The parent has another. */
	see_none();
	answers->number = 1;
	while (answers->number == 1)
		usleep(1000);
	see_hang_up();
}

static void writer_goes_later(long mode)
{
	void *sp = mode == FORKED ? NULL : stack_top(0);

	answers_make();
	make_fifo();
	if (clone(sp, SIGCLD | COPYFD | (mode == SHARED ? 0 : COPYVM)) == 0) {
		let_writer_go();
		_exit(0);
	}
	while (((volatile struct answers *)answers)->number == 0)
		usleep(1000);
	close(fifo_ends[1]);
	answers->number = 2;
	{
		int status = -1;

		waitpid(-1, &status, WALLSIG);
		expect_exit(status, 0);
	}
}

/* The owner of the parent's description gets each signal once. */
static volatile sig_atomic_t signals_seen;

static void count_signal(int signal)
{
	(void)signal;
	signals_seen++;
}

static void write_there(void)
{
	check(write(pipes[1], "b", 1) == 1, "the child's write");
}

static void one_signal(long mode)
{
	if (pipe(pipes) != 0)
		give_up("pipe");
	signal(SIGRTMIN, count_signal);
	fcntl(pipes[0], F_SETSIG, SIGRTMIN);
	fcntl(pipes[0], F_SETOWN, getpid());
	fcntl(pipes[0], F_SETFL, O_ASYNC);
	expect_exit(in_child((enum mode)mode, COPYFD, write_there), 0);
	check(signals_seen == 1, "the parent got %d signals", (int)signals_seen);
}

/* The parent's epoll goes on, whatever its child closed. */
static void epoll_goes_on(long mode)
{
	int fd = epoll();
	struct epoll_event wanted = {.events = EPOLLIN}, got;

	if (pipe(pipes) != 0 || epoll_ctl(fd, EPOLL_CTL_ADD, pipes[0], &wanted) != 0)
		give_up("epoll");
	expect_exit(in_child((enum mode)mode, COPYFD, write_there), 0);
	check(epoll_wait(fd, &got, 1, 0) == 1 && (got.events & EPOLLIN), "the event");
}

void stream_cases(void)
{
	add_kinds(streams, LENGTH(streams));
	add_modes(same_pipe, "COPYFD: the same pipe");
	add_modes(reader_of_gone_writers, "COPYFD: a FIFO's reader sees that its writers have gone");
	add_modes(writer_goes_later, "COPYFD: a copied reader sees its writers go");
	add_modes(one_signal, "COPYFD: O_ASYNC sends the parent one signal");
	add_modes(epoll_goes_on, "COPYFD: the parent's epoll");
}
