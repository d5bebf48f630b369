/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Copyright (c) 2026 The nbclone developers */
/* Failure: -1, one errno, no child, and nothing written anywhere. */
#include "suite.h"

static int exit_7(void *arg)
{
	(void)arg;
	return 7;
}

static int wait_then_7(void *arg)
{
	gate_wait(arg);
	return 7;
}

static const struct {
	const char *row;
	int with_func, with_stack, word;
} nulls[] = {
    {"func=NULL", 0, 1, SIGCHLD},
    {"stack=NULL", 1, 0, SIGCHLD},
    {"func=NULL,stack=NULL", 0, 0, SIGCHLD},
    {"func=NULL,badflags", 0, 1, CLONE_SIGHAND | SIGCHLD},
    {"func=NULL,VM|VFORK", 0, 1, CLONE_VM | CLONE_VFORK | SIGCHLD},
    {"stack=NULL,VM|VFORK", 1, 0, CLONE_VM | CLONE_VFORK | SIGCHLD},
};

static void null(long variant)
{
	char *stack = stack_top(0);
	const char *row = nulls[variant].row;
	pid_t pid;

	fill(stack - 512, 512);
	errno = 0;
	pid = clone(nulls[variant].with_func ? exit_7 : NULL,
	            nulls[variant].with_stack ? stack : NULL, nulls[variant].word, NULL);
	claim(4, row, "ret", returned(pid), "-1/EINVAL", 4);
	claim(4, row, "stk", written_below(stack, 512, 0), "untouched", 4);
	check(use_children_up() == 0, "%s: there is a child", row);
}

static void fill_after_einval(long unused)
{
	char *stack = stack_top(0);
	pid_t pid;

	(void)unused;
	fill(stack - 512, 512);
	pid = clone(exit_7, stack, CLONE_SIGHAND | SIGCHLD, NULL);
	claim(7, "fill-after-EINVAL", "ret", returned(pid), "-1/EINVAL", 0);
	claim(7, "fill-after-EINVAL", "stk", written_below(stack, 512, 0),
	      on_netbsd_i386 ? "-4..-1(4)" : "untouched", 6);
}

static void limit(rlim_t processes)
{
	struct rlimit limit;

	limit.rlim_cur = limit.rlim_max = processes;
	if (setrlimit(RLIMIT_NPROC, &limit) != 0)
		give_up("RLIMIT_NPROC");
}

static const struct {
	const char *row;
	int word;
	const char *ret;
} full[] = {
    {"NPROC=1,uid1000,none", SIGCHLD, "-1/EAGAIN"},
    {"NPROC=1,uid1000,VM", CLONE_VM | SIGCHLD, "-1/EAGAIN"},
    {"NPROC=1,uid1000,VM|VFORK", CLONE_VM | CLONE_VFORK | SIGCHLD, "-1/EAGAIN"},
    {"NPROC=1,uid1000,badflags", CLONE_SIGHAND | SIGCHLD, "-1/EINVAL"},
};

static void at_limit(long variant)
{
	char *stack = stack_top(0);
	const char *row = full[variant].row;
	pid_t pid;

	if (become_user() != 0)
		skip("root can't become another user here");
	limit(1);
	pid = fork();
	if (pid == 0)
		_exit(0);
	if (pid > 0)
		skip("this system doesn't enforce RLIMIT_NPROC: fork succeeds");
	fill(stack - 512, 512);
	errno = 0;
	pid = clone(exit_7, stack, full[variant].word, NULL);
	claim(7, row, "ret", returned(pid), full[variant].ret, 0);
	claim(7, row, "stk", written_below(stack, 512, 0),
	      on_netbsd_i386 ? "-4..-1(4)" : "untouched", 6);
	check(use_children_up() == 0, "%s: there is a child", row);
}

/* NetBSD's own test passes a block's base as the stack, where the call has to fail. */
static void base_of_block(long variant)
{
	char *block, *stack;
	pid_t pid;

	if (variant == 0) {
		if (become_user() != 0)
			skip("root can't become another user here");
		limit(1);
	}
	block = pages(2);
	stack = block + page_size();
	if (mprotect(block, page_size(), PROT_NONE) != 0)
		give_up("mprotect");
	if (variant == 1) { /* below the stack: a page without access, then a read-only one */
		if (mprotect(stack, page_size(), PROT_READ) != 0)
			give_up("mprotect");
		stack += 64;
	}
	errno = 0;
	pid = clone(exit_7, stack, variant == 0 ? SIGCHLD : CLONE_SIGHAND | SIGCHLD, NULL);
	if (variant == 0 && pid > 0)
		skip("this system doesn't enforce RLIMIT_NPROC");
	differs(BOTH(6, 7), pid == -1 && errno == (variant == 0 ? EAGAIN : EINVAL), "%s",
	        returned(pid));
}

static void root_at_limit(long unused)
{
	char *stack = stack_top(0);
	pid_t pid;

	(void)unused;
	if (geteuid() != 0)
		skip("needs root");
	limit(1);
	pid = fork();
	if (pid == 0)
		_exit(0);
	if (pid == -1)
		skip("root is limited here (no CAP_SYS_RESOURCE)");
	waited(pid, 0);
	fill(stack - 512, 512);
	pid = clone(exit_7, stack, SIGCHLD, NULL);
	claim(7, "NPROC=1,root", "ret", returned(pid), "pid", 0);
	claim(7, "NPROC=1,root", "reap", waited(pid, WALLSIG), "exit7", 0);
	claim(7, "NPROC=1,root", "stk", written_below(stack, 512, 0),
	      on_netbsd_i386 ? "-4..-1(4)" : "untouched", 6);
}

/* The limit counts clones, whatever their kind. */
static void up_to_limit(long variant)
{
	const char *row = variant == 0 ? "NPROC=3,uid1000,VM/USR1"
	                               : "NPROC=3,uid1000,none/CHLD,zombies";
	int word = variant == 0 ? CLONE_VM | SIGUSR1 : SIGCHLD;
	struct gate gate;
	pid_t pid[3];
	int count;

	if (geteuid() != 0)
		skip("needs root, to become a user without other processes");
	if (become_user() != 0)
		skip("root can't become another user here");
	signal(SIGUSR1, SIG_IGN);
	gate_make(&gate);
	limit(3);
	for (count = 0; count < 3; count++) {
		pid[count] = clone(wait_then_7, stack_top(count), word, &gate);
		if (pid[count] == -1)
			break;
	}
	if (count == 3)
		skip("this system doesn't enforce RLIMIT_NPROC");
	claim(7, row, "then", error_name(errno), "EAGAIN", 0);
	claim(7, row, "clones-ok", number(count), "2", 0);
	for (; count > 0; count--)
		gate_open(&gate);
	check(use_children_up() == 2, "%s: children", row);
	pid[0] = clone(exit_7, stack_top(0), word, NULL);
	check(pid[0] > 0, "%s: after reaping: %s", row, returned(pid[0]));
}

void error_cases(void)
{
	size_t i;

	for (i = 0; i < sizeof nulls / sizeof nulls[0]; i++)
		add(null, (long)i, "errors: %s", nulls[i].row);
	add(fill_after_einval, 0, "errors: nothing written on EINVAL");
	for (i = 0; i < sizeof full / sizeof full[0]; i++)
		add(at_limit, (long)i, "errors: %s", full[i].row);
	add(root_at_limit, 0, "errors: RLIMIT_NPROC and root");
	add(up_to_limit, 0, "errors: RLIMIT_NPROC reached by clones");
	add(up_to_limit, 1, "errors: RLIMIT_NPROC reached by clones, exit signal SIGCHLD");
	if (!on_netbsd_i386) { /* difference 6: it writes there, also on failure */
		add(base_of_block, 0, "errors: EAGAIN with a block's base as the stack");
		last_may_die(6);
		add(base_of_block, 1, "errors: EINVAL with a read-only stack");
		last_may_die(6);
	}
}
