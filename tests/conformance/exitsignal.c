/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Copyright (c) 2026 The nbclone developers */
/* The exit-signal byte: every value of it. */
#include "suite.h"

#include <signal.h>

static int exit_7(void *arg)
{
	(void)arg;
	return 7;
}

static volatile int arrived;

static void note(int signal)
{
	arrived = signal;
}

static void count(int signal)
{
	(void)signal;
	arrived++;
}

/* libc keeps some signals for itself, and the kernel two: no handler for those. */
static int can_handle(int signal)
{
	struct sigaction action;

	memset(&action, 0, sizeof action);
	action.sa_handler = note;
	return sigaction(signal, &action, NULL) == 0;
}

static void with_handler(int signal)
{
	sigset_t set, old;
	pid_t pid;

	sigemptyset(&set);
	sigaddset(&set, signal);
	sigaddset(&set, SIGCHLD);
	sigprocmask(SIG_BLOCK, &set, &old);
	arrived = 0;
	pid = clone(exit_7, stack_top(0), signal, NULL);
	if (!check(pid > 0, "signal %d: %s", signal, returned(pid)))
		return;
	check(strcmp(waited(pid, signal == SIGCHLD ? WALTSIG : 0), "-1/ECHILD") == 0,
	      "signal %d: found by the other kind of wait", signal);
	check(strcmp(waited(pid, signal == SIGCHLD ? 0 : WALTSIG), "exit7") == 0,
	      "signal %d: not found by its own kind of wait", signal);
	sigpending(&set);
	check(sigismember(&set, signal) == 1, "signal %d: isn't pending", signal);
	check(signal == SIGCHLD || sigismember(&set, SIGCHLD) == 0, "signal %d: SIGCHLD too",
	      signal);
	sigprocmask(SIG_SETMASK, &old, NULL);
	check(arrived == signal, "signal %d: the handler got %d", signal, arrived);
}

static int wait_in_child(void *arg)
{
	gate_wait(arg);
	return 7;
}

/* A parent that leaves the signal's default action in place, and dies or stops of it. */
static int with_default(int signal, const char *row, const char *want)
{
	struct gate gate;
	sigset_t set;
	int status;
	pid_t parent;

	gate_make(&gate);
	parent = fork();
	if (parent == 0) {
		pid_t pid;

		sigemptyset(&set);
		sigprocmask(SIG_SETMASK, &set, NULL);
		pid = clone(wait_in_child, stack_top(0), signal, &gate);
		scratch->cell[0] = pid;
		gate_open(&gate);
		if (pid <= 0)
			_exit(99);
		_exit(strcmp(waited(pid, WALLSIG), "exit7") == 0 ? 5 : 98);
	}
	status = wait_status(parent, WUNTRACED);
	if (row != NULL)
		claim(9, row, "runner", status_name(status), want, 0);
	else
		check(strcmp(status_name(status), want) == 0, "exit signal %d: the parent's end is %s, "
		                                              "not %s",
		      signal, status_name(status), want);
	if (WIFSTOPPED(status)) {
		kill(parent, SIGCONT);
		status = wait_status(parent, 0);
		check(WIFEXITED(status) && WEXITSTATUS(status) == 5, "stopped parent: then %s",
		      status_name(status));
	}
	return WIFEXITED(status) && WEXITSTATUS(status) == 5;
}

static void every_byte(long unused)
{
	int signal;

	(void)unused;
	for (signal = 1; signal <= highest_signal(); signal++) {
		if (can_handle(signal))
			with_handler(signal);
		else
			with_default(signal, NULL,
			             signal == SIGSTOP ? "stopSTOP"
			                               : text("sig%s", signal == SIGKILL
			                                                   ? "KILL"
			                                                   : number(signal)));
	}
}

/* The rows that the data has of this: what it answers is the same for each. */
static void claimed_byte(long byte)
{
	const char *row = text("none/byte%ld", byte);
	pid_t pid;

	if (can_handle((int)byte))
		signal((int)byte, SIG_IGN);
	pid = clone(exit_7, stack_top(0), (int)byte, NULL);
	claim(2, row, "ret", returned(pid), "pid", 0);
	claim(2, row, "w0", waited(pid, 0), "-1/ECHILD", 0);
	claim(2, row, "wclone", waited(pid, WALTSIG), "exit7", 0);
	pid = clone(exit_7, stack_top(0), (int)byte, NULL);
	claim(2, row, "wall", waited(pid, WALLSIG), "exit7", 0);
}

static void refuse(int flags, int byte, const char *row)
{
	char *stack = stack_top(0);
	pid_t pid;

	fill(stack - 512, 512);
	pid = clone(exit_7, stack, flags | byte, NULL);
	if (policy == HOST && !(flags & CLONE_SIGHAND)) {
		check(pid > 0 && strcmp(waited(pid, WALLSIG), "exit7") == 0,
		      "policy host, byte %d: %s", byte, returned(pid));
		return;
	}
	/* On Linux 64 is a signal: the host's range counts. */
	if (byte <= highest_signal()) {
		claim(2, row, "ret", returned(pid), "pid", 1);
		check(strcmp(waited(pid, WALLSIG), "exit7") == 0, "byte %d: status", byte);
		return;
	}
	if (row == NULL) {
		differs(1, pid == -1 && errno == EINVAL, "byte %d: %s", byte, returned(pid));
		differs(6, strcmp(written_below(stack, 512, 0),
		                  on_netbsd_i386 ? "-4..-1(4)" : "untouched") == 0,
		        "byte %d: wrote below the stack", byte);
	} else {
		claim(2, row, "ret", returned(pid), "-1/EINVAL", 1);
		claim(2, row, "stk", written_below(stack, 512, 0),
		      on_netbsd_i386 ? "-4..-1(4)" : "untouched", 6);
	}
	differs(1, use_children_up() == 0, "byte %d: there is a child", byte);
}

static void above(long unused)
{
	static const int asked[] = {64, 65, 66, 100, 127, 128, 129, 148, 192, 254, 255};
	int byte;
	size_t i;

	(void)unused;
	signal(highest_signal(), SIG_IGN);
	if (can_handle(64)) /* a library that wrongly takes it must not end the case */
		signal(64, SIG_IGN);
	for (byte = highest_signal() + 1; byte <= 255; byte++)
		refuse(0, byte, NULL);
	for (i = 0; i < sizeof asked / sizeof asked[0]; i++) {
		if (can_handle(asked[i]))
			signal(asked[i], SIG_IGN);
		if (highest_signal() > 64 && asked[i] <= highest_signal())
			continue; /* MIPS has signals up to 127 */
		refuse(0, asked[i], text("none/byte%d", asked[i]));
	}
	refuse(CLONE_SIGHAND, 255, "SIGHAND/byte255");
	if (highest_signal() <= 64)
		refuse(CLONE_VM | CLONE_VFORK, 64, "VM|VFORK/byte64");
}

/* The data names real-time signals by NetBSD's numbers, in rows and in answers. */
static void default_actions(long unused)
{
	static const struct {
		int signal;
		const char *row;
	} ignored[] = {{SIGCONT, "default-action/CONT"},
	               {SIGCHLD, "default-action/CHLD"},
	               {SIGURG, "default-action/URG"},
	               {0, "default-action/0"}};
	size_t i;

	(void)unused;
	with_default(SIGUSR1, "default-action/USR1", "sigUSR1");
	with_default(SIGKILL, "default-action/KILL", "sigKILL");
	with_default(SIGTERM, "default-action/TERM", "sigTERM");
	with_default(exit_signal(3)->number, NULL,
	             text("sig%d", exit_signal(3)->number));
	if (highest_signal() < 127) /* MIPS: a death by 127 reads as a stop */
		with_default(highest_signal(), NULL, text("sig%d", highest_signal()));
	with_default(SIGSTOP, NULL, "stopSTOP");
	for (i = 0; i < sizeof ignored / sizeof ignored[0]; i++) {
		int survived = with_default(ignored[i].signal, NULL, "exit5");

		claim(9, ignored[i].row, "survived", number(survived), "1", 0);
	}
}

/* Several exits while the signal is blocked: one is kept, or each if it is a real-time one. */
static void several(long variant)
{
	static const struct {
		const char *row;
		int index;
	} asked[] = {{"10-children-exitsig-USR1", 2},
	             {"10-children-exitsig-CHLD", 1},
	             {"10-children-exitsig-40", 3},
	             {"10-children-exitsig-63", 4}};
	const char *row = asked[variant].row;
	int signal = exit_signal(asked[variant].index)->number, i;
	int queues = !on_netbsd || netbsd_is_10(); /* difference 18 */
	int each = queues && asked[variant].index >= 3;
	sigset_t set, old;

	handle(signal, count, 0);
	sigemptyset(&set);
	sigaddset(&set, signal);
	sigprocmask(SIG_BLOCK, &set, &old);
	for (i = 0; i < 10; i++)
		check(clone(exit_7, stack_top(0), signal, NULL) > 0, "clone %d", i);
	claim(13, row, "reaped", number(use_children_up()), "10", 0);
	sigprocmask(SIG_SETMASK, &old, NULL);
	claim(13, row, "signals-queued", number(arrived), each ? "10" : "1", 0);
}

void exit_signal_cases(void)
{
	/* 32 and 34 are kept for themselves by Linux's C libraries. */
	static const int asked[] = {1, 2, 31, 62, 32, 34};
	size_t i;

	add(every_byte, 0, "exit signal: every one of the host's is accepted and arrives");
	add(above, 0, "exit signal: every byte above the highest is EINVAL");
	last_may_die(1); /* MIPS: the host's clone sends 128, which nobody can handle */
	for (i = 0; i < (on_netbsd ? 6 : 4); i++)
		add(claimed_byte, asked[i], "exit signal: byte %d", asked[i]);
	for (i = 0; i < 4; i++)
		add(several, (long)i, "exit signal: ten of them while it is blocked, %s",
		    exit_signal(i == 0 ? 2 : i == 1 ? 1 : (int)i + 1)->row);
	add(default_actions, 0, "exit signal: its default action hits the parent");
}
