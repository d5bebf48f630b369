/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Copyright (c) 2026 The nbclone developers */
/* After an exec the child is on its own: descriptors, handlers, and on NetBSD cwd and umask. */
#include "suite.h"

static void handler(int signal)
{
	(void)signal;
}

static int exec_change(void *arg)
{
	(void)arg;
	run_self("change");
	return 99;
}

static const char *kept(int ok)
{
	return ok ? "kept" : "lost";
}

static void private_after_exec(long flags)
{
	const char *row = text("exec+cloexec,%s", combination((int)flags));
	/* Linux keeps them shared with FS: difference 10. */
	const char *fs = (flags & CLONE_FS) && !on_netbsd ? "1" : "0";
	int number_10 = flags & CLONE_FS ? 10 : 0;
	struct sigaction action;
	struct stat dir;
	mode_t mask;
	char seen[2] = "";
	pid_t pid;

	exec_prepare();
	dup2(exec_gate.out, CLOEXEC_FD);
	fcntl(CLOEXEC_FD, F_SETFD, FD_CLOEXEC);
	dup2(exec_gate.out, CLOSED_FD);
	handle(SIGUSR2, handler, 0);
	pid = clone(exec_change, stack_top(0), (int)flags | SIGCHLD, NULL);
	claim(10, row, "ret", returned(pid), "pid", 0);
	claim(10, row, "reap", waited(pid, 0), "exit9", 0);
	if (read(exec_gate.in, seen, 1) != 1)
		check(0, "no answer from the new program");
	claim(10, row, "exec'd-saw-cloexec-open", seen, "C", 0);
	claim(10, row, "parent-cloexec-fd", kept(fcntl(CLOEXEC_FD, F_GETFD) != -1), "kept", 0);
	claim(10, row, "parent-closed-by-execd", kept(fcntl(CLOSED_FD, F_GETFD) != -1), "kept", 0);
	claim(10, row, "parent-opened-by-execd", number(fcntl(OPENED_FD, F_GETFD) != -1), "0", 0);
	sigaction(SIGUSR2, NULL, &action);
	claim(10, row, "parent-handler", kept(action.sa_handler == handler), "kept", 0);
	stat(other_dir, &dir);
	claim(10, row, "parent-cwd-changed", number(same_directory(".", &dir)), fs, number_10);
	mask = umask(022);
	claim(10, row, "parent-umask-changed", number(mask == 0127), fs, number_10);
}

static int change_then_exec(void *arg)
{
	(void)arg;
	umask(0127);
	if (chdir(other_dir) != 0)
		return 98;
	run_self("wait");
	return 99;
}

static void before_exec(long flags)
{
	const char *row = flags & CLONE_VM ? "FS|VM|VFORK,chdir-before-exec"
	                                   : "FS,chdir-before-exec";
	struct stat dir;
	pid_t pid;

	exec_prepare();
	pid = clone(change_then_exec, stack_top(0), (int)flags | SIGCHLD, NULL);
	claim(10, row, "ret", returned(pid), "pid", 0);
	gate_open(&exec_gate);
	check(strcmp(waited(pid, 0), "exit9") == 0, "%s: the child", row);
	stat(other_dir, &dir);
	claim(10, row, "parent-cwd-changed", number(same_directory(".", &dir)), "1", 0);
	claim(10, row, "parent-umask-changed", number(umask(022) == 0127), "1", 0);
}

void cloexec_cases(void)
{
	static const int all[] = {0,
	                          CLONE_FILES,
	                          CLONE_FS,
	                          CLONE_VM,
	                          CLONE_VM | CLONE_SIGHAND,
	                          CLONE_VM | CLONE_FS | CLONE_FILES | CLONE_SIGHAND,
	                          CLONE_VM | CLONE_FS | CLONE_FILES | CLONE_SIGHAND | CLONE_VFORK,
	                          CLONE_FILES | CLONE_VFORK};
	size_t i;

	for (i = 0; i < sizeof all / sizeof all[0]; i++)
		add(private_after_exec, all[i], "exec: what is the child's own after it, %s",
		    combination(all[i]));
	add(before_exec, CLONE_FS, "exec: what was shared before it, FS");
	add(before_exec, CLONE_FS | CLONE_VM | CLONE_VFORK,
	    "exec: what was shared before it, FS|VM|VFORK");
}
