/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Copyright (c) 2026 The nbclone developers */
/* The descriptor table, while both live and after the child is gone. */
#include "suite.h"

enum { NEW = 50, MARKED = 51, CLOSED = 52 };
static struct gate changed, go_on;

static int change(void *arg)
{
	(void)arg;
	dup2(changed.in, NEW);
	fcntl(MARKED, F_SETFD, FD_CLOEXEC);
	gate_open(&changed);
	gate_wait(&go_on);
	scratch->cell[0] = fcntl(CLOSED, F_GETFD) == -1;
	return 0;
}

static void table(long flags)
{
	static const char *const rows[] = {"fdtable,none", "fdtable,FILES", "fdtable,FILES|VM"};
	const char *row = rows[flags & CLONE_VM ? 2 : flags & CLONE_FILES ? 1 : 0];
	const char *shared = flags & CLONE_FILES ? "1" : "0";
	pid_t pid;

	gate_make(&changed);
	gate_make(&go_on);
	dup2(changed.in, MARKED);
	dup2(changed.in, CLOSED);
	pid = clone(change, stack_top(0), (int)flags | SIGCHLD, NULL);
	claim(12, row, "ret", returned(pid), "pid", 0);
	gate_wait(&changed);
	claim(12, row, "child-new-fd-in-parent", number(fcntl(NEW, F_GETFD) != -1), shared, 0);
	claim(12, row, "child-cloexec-in-parent", number(fcntl(MARKED, F_GETFD) == FD_CLOEXEC),
	      shared, 0);
	close(CLOSED);
	gate_open(&go_on);
	check(strcmp(waited(pid, 0), "exit0") == 0, "%s: the child", row);
	claim(12, row, "parent-close-in-child", number(scratch->cell[0]), shared, 0);
	claim(12, row, "fd-after-child-exit", number(fcntl(NEW, F_GETFD) != -1), shared, 0);
}

void table_cases(void)
{
	add(table, 0, "sharing: the descriptor table, none");
	add(table, CLONE_FILES, "sharing: the descriptor table, FILES");
	add(table, CLONE_FILES | CLONE_VM, "sharing: the descriptor table, VM|FILES");
}
