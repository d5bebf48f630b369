/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Copyright (c) 2026 The nbclone developers */
/* Which waits find which children. */
#include "suite.h"

static int wait_then_7(void *arg)
{
	gate_wait(arg);
	return 7;
}

enum { ALTERNATE = 1, ALL = 2 };

static const struct way {
	const char *name;
	int kind;  /* 0, ALTERNATE, ALL */
	int which; /* 0 any by wait(), 1 any, 2 pid, 3 own group, 4 any by wait3(), 5 -pgrp */
} ways[] = {
    {"wait()", 0, 0},
    {"waitpid(-1,0)", 0, 1},
    {"waitpid(pid,0)", 0, 2},
    {"waitpid(0,0)", 0, 3},
    {"waitpid(-1,WCLONE)", ALTERNATE, 1},
    {"waitpid(pid,WCLONE)", ALTERNATE, 2},
    {"waitpid(-1,WALL)", ALL, 1},
    {"waitpid(pid,WALL)", ALL, 2},
    {"wait3(0)", 0, 4},
    {"waitpid(-1,WALL|WCLONE)", ALL | ALTERNATE, 1},
    {"waitpid(-pgrp,WALL)", ALL, 5},
};

static const char *wait_this_way(const struct way *way, pid_t pid)
{
	int options = (way->kind & ALTERNATE ? WALTSIG : 0) | (way->kind & ALL ? WALLSIG : 0);
	int status = 0;
	pid_t result;

	do {
		switch (way->which) {
		case 0: result = wait(&status); break;
		case 1: result = waitpid(-1, &status, options); break;
		case 2: result = waitpid(pid, &status, options); break;
		case 3: result = waitpid(0, &status, options); break;
		case 4: result = wait3(&status, options, NULL); break;
		default: result = waitpid(-getpgrp(), &status, options); break;
		}
	} while (result == -1 && errno == EINTR);
	return result == pid ? text("reaped:%s", status_name(status)) : returned(result);
}

static void blocking(long variant)
{
	const struct exit_signal *signal = exit_signal((int)variant);
	struct gate gate;
	size_t i;

	gate_make(&gate);
	if (signal->number != 0 && signal->number != SIGCHLD)
		handle(signal->number, SIG_IGN, 0);
	for (i = 0; i < sizeof ways / sizeof ways[0]; i++) {
		const char *row = text("blocking,%s/%s", ways[i].name, signal->row), *got;
		int found = ways[i].kind & ALL ||
		            (ways[i].kind & ALTERNATE) == (signal->number != SIGCHLD);
		pid_t pid = clone(wait_then_7, stack_top(0), signal->number, &gate);

		claim(9, row, "ret", returned(pid), "pid", 0);
		if (found)
			gate_open(&gate);
		got = wait_this_way(&ways[i], pid);
		claim(9, row, "res", got, found ? "reaped:exit7" : "-1/ECHILD", 0);
		if (!found) { /* the answer came while the child was alive */
			claim(9, row, "waited", "no", "no", 0);
			gate_open(&gate);
			check(strcmp(waited(pid, WALLSIG), "exit7") == 0, "%s: the child", row);
		}
	}
	check(use_children_up() == 0, "children are left");
}

static const char *who(int options, pid_t forked, pid_t cloned)
{
	int status = 0;
	pid_t result;

	while ((result = waitpid(-1, &status, options)) == -1 && errno == EINTR)
		;
	if (result == -1)
		return errno == ECHILD ? "ECHILD:-" : error_name(errno);
	return text("%s:%s", result == forked ? "forked" : result == cloned ? "clone" : "other",
	            status_name(status));
}

static void mixed(long variant)
{
	const struct exit_signal *signal = exit_signal((int)variant);
	const char *row = text("mixed-fork+clone/%s", signal->row);
	int usual = signal->number == SIGCHLD;
	struct gate fork_gate, clone_gate;
	pid_t forked, cloned;

	gate_make(&fork_gate);
	gate_make(&clone_gate);
	if (signal->number != 0 && !usual)
		handle(signal->number, SIG_IGN, 0);
	forked = fork();
	if (forked == 0) {
		gate_wait(&fork_gate);
		_exit(3);
	}
	cloned = clone(wait_then_7, stack_top(0), signal->number, &clone_gate);
	claim(9, row, "ret", returned(cloned), "pid", 0);
	gate_open(usual ? &clone_gate : &fork_gate);
	claim(9, row, "first", who(0, forked, cloned),
	      usual ? "clone:exit7" : "forked:exit3", 0);
	if (usual)
		gate_open(&fork_gate);
	claim(9, row, "second", who(0, forked, cloned),
	      usual ? "forked:exit3" : "ECHILD:-", 0);
	if (!usual)
		gate_open(&clone_gate);
	claim(9, row, "third-WCLONE", who(WALTSIG, forked, cloned),
	      usual ? "ECHILD:-" : "clone:exit7", 0);
}

static int stop_then_8(void *arg)
{
	(void)arg;
	kill(getpid(), SIGSTOP);
	return 8;
}

static void stopped(long variant)
{
	const struct exit_signal *signal = exit_signal((int)variant);
	const char *row = text("child-stops/%s", signal->row);
	int usual = signal->number == SIGCHLD;
	int right = usual ? 0 : WALTSIG, wrong = usual ? WALTSIG : 0;
	pid_t pid;

	if (signal->number != 0 && !usual)
		handle(signal->number, SIG_IGN, 0);
	pid = clone(stop_then_8, stack_top(0), signal->number, NULL);
	claim(9, row, "ret", returned(pid), "pid", 0);
	claim(9, row, usual ? "w0|U" : "wclone|U", waited(pid, right | WUNTRACED), "stopSTOP", 0);
	claim(9, row, usual ? "wclone|U" : "w0|U", waited(pid, wrong | WUNTRACED | WNOHANG),
	      "-1/ECHILD", 0);
	check(strcmp(waited(pid, WALLSIG | WUNTRACED | WNOHANG), "0/0") == 0,
	      "%s: WALLSIG finds the same stop again", row);
	kill(pid, SIGCONT);
	claim(9, row, "reap", waited(pid, WALLSIG), "exit8", 0);
}

static int die(void *arg)
{
	int signal = *(volatile int *)arg;
	sigset_t set;

	yield_while_parent_blocked();
	scratch->done = 1;
	sigemptyset(&set);
	sigaddset(&set, signal);
	sigprocmask(SIG_UNBLOCK, &set, NULL);
	kill(getpid(), signal);
	return 9;
}

static int deadly;

static void dies(long variant)
{
	static const struct {
		const char *name;
		int signal;
	} deaths[] = {{"SEGV", SIGSEGV}, {"KILL", SIGKILL}, {"TERM", SIGTERM}, {"ABRT", SIGABRT}};
	int how = (int)variant / 10, vfork_too = (int)variant % 10 / 5;
	const struct exit_signal *signal = exit_signal((int)variant % 5);
	int flags = vfork_too ? CLONE_VM | CLONE_VFORK : 0;
	const char *row = text("child-dies-%s,%s/%s", deaths[how].name, combination(flags),
	                       signal->row);
	const char *end = text("sig%s", deaths[how].name);
	pid_t pid;
	int done;

	deadly = deaths[how].signal;
	catch_signals(signal->number);
	die_alone();
	pid = clone(die, stack_top(0), flags | signal->number, &deadly);
	done = scratch->done;
	scratch->returned = 1;
	claim(9, row, "ret", returned(pid), "pid", 0);
	if (vfork_too)
		claim(9, row, "released", done ? "after-death" : "at-once", "after-death", 0);
	claim(9, row, "reap0", waited(pid, 0), signal->number == SIGCHLD ? end : "-1/ECHILD", 0);
	claim(9, row, "reap", waited(pid, WALLSIG), signal->number == SIGCHLD ? "-1/ECHILD" : end,
	      0);
	claim(9, row, "sig", caught(signal->number, signal->row, pid),
	      exit_signal_text(signal->number, signal->row, deaths[how].signal),
	      exit_signal_difference(signal->number));
}

void waiting_cases(void)
{
	static const char *const deaths[] = {"SEGV", "KILL", "TERM", "ABRT"};
	int i, how;

	for (i = 0; i < 4; i++)
		add(blocking, i, "waiting: every kind of wait, exit signal %s", exit_signal(i)->row);
	for (i = 0; i < 4; i++)
		add(mixed, i, "waiting: beside a forked child, exit signal %s", exit_signal(i)->row);
	for (i = 0; i < 4; i++)
		add(stopped, i, "waiting: a stopped child, exit signal %s", exit_signal(i)->row);
	for (how = 0; how < 4; how++)
		for (i = 0; i < 3; i++)
			add(dies, how * 10 + 5 + i, "waiting: a child dies of %s, VM|VFORK, exit signal %s",
			    deaths[how], exit_signal(i)->row);
	for (i = 0; i < 3; i++)
		add(dies, 10 + i, "waiting: a child dies of KILL, none, exit signal %s",
		    exit_signal(i)->row);
}
