/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Copyright (c) 2026 The nbclone developers */
/* The child's ids: pid, parent, group, session, users. */
#include "suite.h"

static int tell(void *arg)
{
	(void)arg;
	scratch->pid = getpid();
	scratch->ppid = getppid();
	scratch->pgrp = getpgrp();
	scratch->sid = getsid(0);
	scratch->cell[0] = getuid() == geteuid() && getgid() == getegid();
	errno = 123;
	return 0;
}

static void ids(long variant)
{
	static const struct {
		const char *row;
		int word;
	} asked[] = {{"ids,none", SIGCHLD},
	             {"ids,VM", CLONE_VM | SIGCHLD},
	             {"ids,VM|VFORK/0", CLONE_VM | CLONE_VFORK}};
	const char *row = asked[variant].row;
	int vm = (asked[variant].word & CLONE_VM) != 0;
	pid_t pid;

	errno = 0;
	pid = clone(tell, stack_top(0), asked[variant].word, NULL);
	claim(7, row, "ret", returned(pid), "pid", 0);
	claim(7, row, "reap", waited(pid, WALLSIG), "exit0", 0);
	claim(7, row, "errno-in-parent", number(errno), vm ? "123" : "0", 0);
	claim(7, row, "pid", text("ret=%d", scratch->pid == pid), "ret=1", 0);
	claim(7, row, "ppid", scratch->ppid == getpid() ? "me" : "other", "me", 0);
	claim(7, row, "pgrp", scratch->pgrp == getpgrp() ? "same" : "other", "same", 0);
	claim(7, row, "sid", scratch->sid == getsid(0) ? "same" : "other", "same", 0);
	check(kill(pid, 0) == -1 && errno == ESRCH, "the child is still there after its wait");
}

void id_cases(void)
{
	add(ids, 0, "ids: none");
	add(ids, 1, "ids: VM");
	add(ids, 2, "ids: VM|VFORK, exit signal 0");
}
