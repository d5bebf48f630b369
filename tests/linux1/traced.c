/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Copyright (c) 2026 The nbclone developers */
/*
 * COPYFD, watched by a tracer that stops the child before each of its system calls and
 * behind it. From one stop on, the tracer sends a signal at each, until the child's
 * handler runs: whenever that is, limits and descriptors are the parent's. It looks at
 * the descriptors that an exec would keep, and it counts the calls.
 */
#include "linux1.h"

#include <sys/ptrace.h>
#include <sys/resource.h>

enum { FEW = 12, HIGHEST = 64 };

static struct rlimit expected_limit;
static int expected_open[HIGHEST];
static volatile sig_atomic_t runs, wrong_limit, stray;
static volatile pid_t parent;

static void handler(int signal)
{
	struct rlimit limit;
	int fd;

	(void)signal;
	if (getpid() == parent)
		return;
	answers->number = ++runs;
	getrlimit(RLIMIT_NOFILE, &limit);
	wrong_limit += limit.rlim_cur != expected_limit.rlim_cur ||
	               limit.rlim_max != expected_limit.rlim_max;
	for (fd = 0; fd < HIGHEST; fd++)
		stray += (fcntl(fd, F_GETFD) != -1) != expected_open[fd];
}

static void report(void)
{
	int more;

	for (more = 0; more < 100 && runs == 0; more++)
		getppid(); /* a place for a signal */
	check(runs > 0, "no handler ran");
	check(wrong_limit == 0, "%d of %d handlers had another limit", (int)wrong_limit, (int)runs);
	check(stray == 0, "%d descriptors came and went", (int)stray);
	check(lseek(10, 0, SEEK_CUR) == 4, "not copied, or another offset");
	lseek(10, 9, SEEK_SET);
}

void be_traced(void)
{
	if (ptrace(PTRACE_TRACEME, 0, NULL, NULL) != 0)
		_exit(77);
	raise(SIGSTOP);
}

static void traced_process(enum mode mode)
{
	struct sigaction action = {.sa_handler = handler};
	int fd, status;

	sigaction(SIGUSR1, &action, NULL);
	for (fd = 10; fd < 10 + FEW; fd++) {
		int file = temporary_file("traced", O_RDONLY, 20);

		if (dup2(file, fd) != fd)
			give_up("dup2");
		if (file != fd)
			close(file);
		lseek(fd, 4, SEEK_SET);
	}
	getrlimit(RLIMIT_NOFILE, &expected_limit);
	expected_limit.rlim_cur = HIGHEST;
	setrlimit(RLIMIT_NOFILE, &expected_limit);
	for (fd = 0; fd < HIGHEST; fd++)
		expected_open[fd] = fcntl(fd, F_GETFD) != -1;
	parent = getpid();
	be_traced();
	status = in_child(mode, COPYFD, report);
	expect_exit(status, 0);
	check(lseek(10, 0, SEEK_CUR) == 4, "the parent's offset moved");
}

int traced(pid_t process, void (*at_stop)(pid_t child), int *stops)
{
	pid_t stopped;
	int status;

	waitpid(process, &status, 0);
	if (WIFEXITED(status) && WEXITSTATUS(status) == 77)
		skip("ptrace: not permitted");
	if (!WIFSTOPPED(status) ||
	    ptrace(PTRACE_SETOPTIONS, process, NULL,
	           (void *)(PTRACE_O_TRACESYSGOOD | PTRACE_O_TRACEFORK | PTRACE_O_TRACECLONE |
	                    PTRACE_O_EXITKILL)) != 0)
		give_up("ptrace");
	ptrace(PTRACE_CONT, process, NULL, NULL);
	*stops = 0;
	while ((stopped = waitpid(-1, &status, WALLSIG)) > 0) {
		long deliver = 0;

		if (!WIFSTOPPED(status)) {
			if (stopped == process)
				break;
			continue;
		}
		if (stopped != process && WSTOPSIG(status) == (SIGTRAP | 0x80)) {
			++*stops;
			at_stop(stopped);
		} else if (status >> 16 == 0 && WSTOPSIG(status) != SIGSTOP) {
			deliver = WSTOPSIG(status);
		}
		ptrace(stopped == process ? PTRACE_CONT : PTRACE_SYSCALL, stopped, NULL,
		       (void *)deliver);
	}
	return status;
}

static int stops, first_stop;

static void send_signal(pid_t child)
{
	if (stops >= first_stop && answers->number == 0)
		kill(child, SIGUSR1);
}

static void signals_from(enum mode mode, int first)
{
	pid_t process;

	answers->number = 0;
	first_stop = first;
	process = fork();
	if (process == 0) {
		traced_process(mode);
		_exit(0);
	}
	expect_exit(traced(process, send_signal, &stops), 0);
	check(stops > 100, "%d stops", stops);
}

static void signals_at_every_call(long mode)
{
	static const int firsts[] = {1, 4, 5, 6, 7, 8, 9, 10, 12, 20, 40, 90};
	size_t i;

	answers_make();
	for (i = 0; i < LENGTH(firsts); i++)
		signals_from((enum mode)mode, firsts[i]);
}

static pid_t original;
static int copies, kept;

/* Descriptors that the parent doesn't have, and those of them that an exec would keep. */
static void look_for_copies(pid_t child)
{
	unsigned flags;
	int fd;

	for (fd = 0; fd < HIGHEST; fd++) {
		FILE *of_child = fopen(text("/proc/%ld/fdinfo/%d", (long)child, fd), "r");

		if (of_child == NULL)
			continue;
		if (fscanf(of_child, "pos: %*d flags: %o", &flags) == 1 &&
		    access(text("/proc/%ld/fdinfo/%d", (long)original, fd), F_OK) != 0) {
			copies++;
			kept += (flags & O_CLOEXEC) == 0;
		}
		fclose(of_child);
	}
}

static void nothing(void)
{
}

/* SIGSYS and SIGTRAP aren't blocked, and a handler of theirs may call exec. */
static void exec_at_every_call(long mode)
{
	original = fork();
	if (original == 0) {
		be_traced();
		expect_exit(in_child((enum mode)mode, COPYFD, nothing), 0);
		_exit(0);
	}
	expect_exit(traced(original, look_for_copies, &stops), 0);
	check(copies > 0, "no copy in the making was seen");
	check(kept == 0, "an exec would have kept %d of %d", kept, copies);
}

static void do_not_disturb(pid_t child)
{
	(void)child;
}

/* How many system calls a child makes that has `count` more files, at `offset`. */
static int calls_with(enum mode mode, int count, long offset)
{
	pid_t process = fork();

	if (process == 0) {
		int file = temporary_file("counted", O_RDONLY, 20), i;
		const char *path = text("/proc/self/fd/%d", file);

		for (i = 0; i < count; i++)
			lseek(open(path, O_RDONLY), offset, SEEK_SET);
		be_traced();
		expect_exit(in_child(mode, COPYFD, nothing), 0);
		_exit(0);
	}
	expect_exit(traced(process, do_not_disturb, &stops), 0);
	return stops / 2;
}

/* 7 for a file at its start, 8 for another, and the table's: 5 for each ten. */
static void cost(long mode)
{
	int few, many;

	few = calls_with((enum mode)mode, 10, 0);
	many = calls_with((enum mode)mode, 50, 0);
	check(many - few <= 40 * 7 + 4 * 5, "%d calls for 40 files at their start", many - few);
	few = calls_with((enum mode)mode, 10, 5);
	many = calls_with((enum mode)mode, 50, 5);
	check(many - few <= 40 * 8 + 4 * 5, "%d calls for 40 files", many - few);
	printf("# COPYFD: %d system calls for 40 files\n", many - few);
	fflush(stdout);
}

void traced_cases(void)
{
	add_modes(cost, "COPYFD: the system calls for a descriptor");
	add_modes(signals_at_every_call, "COPYFD: a signal at every system call");
	add_modes(exec_at_every_call, "COPYFD: an exec at every system call keeps no copy");
}
