/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Copyright (c) 2026 The nbclone developers */
/* Grandchildren: their parent, before and after the child ends. */
#include "suite.h"

static struct gate let_child_end, let_grandchild_end;
static int grandchild_word;

enum { GRANDCHILD, FIRST_PARENT, LATER_PARENT, REAPED };

static int grandchild(void *arg)
{
	pid_t parent = getppid();
	int i;

	(void)arg;
	scratch->cell[FIRST_PARENT] = parent;
	gate_open(&let_child_end);
	for (i = 0; getppid() == parent; i++)
		give_way();
	scratch->cell[LATER_PARENT] = getppid();
	gate_wait(&let_grandchild_end);
	return 11;
}

static int child(void *arg)
{
	(void)arg;
	scratch->pid = getpid();
	scratch->cell[GRANDCHILD] = clone(grandchild, stack_top(1), grandchild_word, NULL);
	gate_wait(&let_child_end);
	return 4;
}

/* Whose child it is by getppid: init is process 1, or a subreaper on Linux. */
static const char *whose(long parent)
{
	if (parent == scratch->pid)
		return "child";
	if (parent == (long)getpid())
		return "me";
	return parent == 1 || !on_netbsd ? "init" : "other";
}

static void orphan(long variant)
{
	int vm = (int)variant / 10 ? CLONE_VM : 0;
	const struct exit_signal *signal = exit_signal((int)variant % 10);
	const char *row = text("orphan,%s/%s", combination(vm), signal->row);
	pid_t pid;

	if (getppid() == 1 && getpid() == 1)
		skip("this is the first process itself");
	gate_make(&let_child_end);
	gate_make(&let_grandchild_end);
	grandchild_word = vm | signal->number;
	catch_signals(SIGCHLD);
	pid = clone(child, stack_top(0), vm | SIGCHLD, NULL);
	claim(11, row, "ret", returned(pid), "pid", 0);
	claim(11, row, "reap", waited(pid, WALLSIG), "exit4", 0);
	claim(11, row, "sig", caught(SIGCHLD, "CHLD", pid),
	      exit_signal_text(SIGCHLD, "CHLD", 4 << 8), 0);
	claim(11, row, "gret", returned((pid_t)scratch->cell[GRANDCHILD]), "pid", 0);
	claim(11, row, "g-first-ppid", whose(scratch->cell[FIRST_PARENT]), "child", 0);
	claim(11, row, "me-wait-grandchild", waited((pid_t)scratch->cell[GRANDCHILD], WALLSIG),
	      "-1/ECHILD", 0);
	while (scratch->cell[LATER_PARENT] == 0)
		give_way();
	claim(11, row, "g-later-ppid", whose(scratch->cell[LATER_PARENT]), "init", 0);
	gate_open(&let_grandchild_end);
}

static int short_grandchild(void *arg)
{
	(void)arg;
	scratch->cell[FIRST_PARENT] = getppid();
	return 11;
}

static int reaping_child(void *arg)
{
	int status = 0;
	pid_t pid;

	(void)arg;
	scratch->pid = getpid();
	pid = clone(short_grandchild, stack_top(1), grandchild_word, NULL);
	scratch->cell[GRANDCHILD] = pid;
	scratch->cell[REAPED] = waitpid(pid, &status, WALLSIG) == pid ? status : -1;
	return 4;
}

static void reaped_by_child(long variant)
{
	int vm = (int)variant / 10 ? CLONE_VM : 0;
	const struct exit_signal *signal = exit_signal((int)variant % 10);
	const char *row = text("child-reaps-grandchild,%s/%s", combination(vm), signal->row);
	pid_t pid;

	grandchild_word = vm | signal->number;
	if (signal->number != 0 && signal->number != SIGCHLD)
		handle(signal->number, SIG_IGN, 0);
	pid = clone(reaping_child, stack_top(0), vm | SIGCHLD, NULL);
	claim(11, row, "ret", returned(pid), "pid", 0);
	claim(11, row, "reap", waited(pid, WALLSIG), "exit4", 0);
	claim(11, row, "gret", returned((pid_t)scratch->cell[GRANDCHILD]), "pid", 0);
	claim(11, row, "g-first-ppid", whose(scratch->cell[FIRST_PARENT]), "child", 0);
	claim(11, row, "reaped-by-child", text("1:%s", status_name((int)scratch->cell[REAPED])),
	      "1:exit11", 0);
	claim(11, row, "me-wait-grandchild", waited((pid_t)scratch->cell[GRANDCHILD], WALLSIG),
	      "-1/ECHILD", 0);
}

static int wait_then_7(void *arg)
{
	gate_wait(arg);
	return 7;
}

static int wait_for_sibling(void *arg)
{
	scratch->cell[0] = waitpid(*(volatile pid_t *)arg, NULL, WALLSIG | WNOHANG);
	scratch->cell[1] = errno;
	return 0;
}

static volatile pid_t sibling;

static void siblings(long flags)
{
	const char *row = text("sibling-wait,%s", combination((int)flags));
	struct gate gate;
	pid_t pid;

	gate_make(&gate);
	sibling = clone(wait_then_7, stack_top(0), (int)flags | SIGCHLD, &gate);
	pid = clone(wait_for_sibling, stack_top(1), (int)flags | SIGCHLD, (void *)&sibling);
	claim(11, row, "ret", returned(pid), "pid", 0);
	check(strcmp(waited(pid, 0), "exit0") == 0, "%s: the child", row);
	errno = (int)scratch->cell[1];
	claim(11, row, "sibling-wait", returned((pid_t)scratch->cell[0]), "-1/ECHILD", 0);
	gate_open(&gate);
	claim(11, row, "mine", waited(sibling, 0), "exit7", 0);
}

void orphan_cases(void)
{
	int vm, i;

	for (vm = 0; vm < 2; vm++)
		for (i = 0; i < 4; i++) {
			add(orphan, vm * 10 + i, "orphans: go to init, %s, exit signal %s",
			    vm ? "VM" : "none", exit_signal(i)->row);
			add(reaped_by_child, vm * 10 + i,
			    "orphans: a child's child is its own, %s, exit signal %s",
			    vm ? "VM" : "none", exit_signal(i)->row);
		}
	add(siblings, 0, "orphans: a sibling is no child, none");
	add(siblings, CLONE_VM | CLONE_SIGHAND, "orphans: a sibling is no child, VM|SIGHAND");
}
