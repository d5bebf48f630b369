/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Copyright (c) 2026 The nbclone developers */
/* How a child ends: func's value, by _exit, with nothing of libc run. */
#include "suite.h"

static int value;
static FILE *out;
static int pipe_in, pipe_out;

static int give_value(void *arg)
{
	(void)arg;
	return value;
}

static volatile int seen_status, seen_handler;

static void note(int signal, siginfo_t *info, void *context)
{
	(void)signal;
	(void)context;
	seen_status = info->si_status;
	seen_handler = 1;
}

static const char *hex(unsigned n)
{
	return n == 0 ? "0" : text("0x%x", n);
}

static void one_value(unsigned asked, int vm)
{
	const char *row = text("ret=%s%s", hex(asked), vm ? ",VM" : "");
	unsigned low = asked & 0xff;
	unsigned kept = netbsd_is_10() ? asked : low; /* difference 28 */
	int difference = asked == low ? 0 : 28;
	pid_t pid;
	int status;

	value = (int)asked;
	seen_handler = 0;
	pid = clone(give_value, stack_top(0), (vm ? CLONE_VM : 0) | SIGCHLD, NULL);
	if (!claim(5, row, "ret", returned(pid), "pid", 0))
		return;
	status = wait_status(pid, 0);
	claim(5, row, "status", hex((unsigned)status), hex(kept << 8), difference);
	claim(5, row, "exited", number(WIFEXITED(status) != 0), "1", 0);
	claim(5, row, "wexit", number(WEXITSTATUS(status)), number((long)low), 0);
	/* Before 7.99.34 it is the status: difference 20. */
	claim(5, row, "si_status", hex((unsigned)seen_status),
	      hex(on_netbsd && !netbsd_has_new_siginfo() ? low << 8 : kept), difference);
}

static void values(long vm)
{
	static const unsigned asked[] = {0,     1,     0x7f,       0x80,       0xff,  0x100,
	                                 0x101, 0x1234, 0xffffffff, 0xffffff00, 0x7fffffff};
	struct sigaction action;
	size_t i;

	memset(&action, 0, sizeof action);
	action.sa_sigaction = note;
	action.sa_flags = SA_SIGINFO;
	sigaction(SIGCHLD, &action, NULL);
	for (i = 0; i < sizeof asked / sizeof asked[0]; i++)
		one_value(asked[i], (int)vm);
}

static void at_exit(void)
{
	if (write(pipe_out, "A", 1) != 1)
		_exit(9);
}

static int buffer_and_return(void *arg)
{
	(void)arg;
	fputs("childdata", out);
	return 3;
}

static const char *drain(void)
{
	static char buffer[2][128];
	static int which;
	char *at = buffer[which++ % 2];
	ssize_t length;

	/* Something is always there: the write end is open, and so a read would block. */
	if (write(pipe_out, "]", 1) != 1)
		give_up("pipe");
	at[0] = '[';
	length = read(pipe_in, at + 1, sizeof buffer[0] - 2);
	at[length > 0 ? length + 1 : 1] = '\0';
	return at;
}

static void nothing_of_libc(long flags)
{
	const char *row = text("atexit/stdio,return,%s", combination((int)flags));
	int fds[2];
	pid_t pid;

	if (pipe(fds) != 0)
		give_up("pipe");
	pipe_in = fds[0];
	pipe_out = fds[1];
	out = fdopen(dup(pipe_out), "w");
	if (out == NULL || setvbuf(out, NULL, _IOFBF, 4096) != 0 || atexit(at_exit) != 0)
		give_up("stdio, atexit");
	fputs("parentdata", out);
	pid = clone(buffer_and_return, stack_top(0), (int)flags | SIGCHLD, NULL);
	claim(5, row, "ret", returned(pid), "pid", 0);
	claim(5, row, "status", waited(pid, 0), "exit3", 0);
	claim(5, row, "afterchild", drain(), "[]", 0);
	fflush(out);
	claim(5, row, "parentflush", drain(),
	      flags & CLONE_VM ? "[parentdatachilddata]" : "[parentdata]", 0);
}

void status_cases(void)
{
	add(values, 0, "status: func's value, none");
	add(values, 1, "status: func's value, VM");
	add(nothing_of_libc, 0, "status: no atexit handler, no stdio flush, none");
	add(nothing_of_libc, CLONE_VM, "status: no atexit handler, no stdio flush, VM");
	add(nothing_of_libc, CLONE_VM | CLONE_VFORK,
	    "status: no atexit handler, no stdio flush, VM|VFORK");
}
