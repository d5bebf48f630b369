/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Copyright (c) 2026 The nbclone developers */
/* Stacks that are small, unwritable or not there at all. */
#include "machine.h"

/* A leaf: no call, so no lazily bound symbol, and hardly a frame. */
static int leaf(void *arg)
{
	*(volatile int *)arg = 1;
	return 6;
}

/* All that may be used: what the ABI takes, of each of the calls before func, the
   shim's few words and func's own. */
enum { SMALL = FRAME_LIMIT + 2 * ABI_AREA + 192 };

static void small(long flags)
{
	char *low = pages(1);
	pid_t pid;

	pid = clone(leaf, low + SMALL, (int)flags | SIGCHLD, (void *)&scratch->ran);
	check(pid > 0, "%s", returned(pid));
	check(strcmp(waited(pid, 0), "exit6") == 0, "the child died on %d bytes", (int)SMALL);
	check(scratch->ran == 1, "func didn't run");
}

/* Nothing is written in the parent when there is no VM: the child's page is its own. */
static void untouched_by_success(long flags)
{
	char *stack = stack_top(0);
	pid_t pid;

	fill(stack - 4096, 4096);
	pid = clone(leaf, stack, (int)flags | SIGCHLD, (void *)&scratch->ran);
	check(pid > 0, "%s", returned(pid));
	check(strcmp(waited(pid, 0), "exit6") == 0, "exit status");
	differs(6, strcmp(written_below(stack, 4096, 0),
	                  on_netbsd_i386 ? "-4..-1(4)" : "untouched") == 0,
	        "the parent's memory: %s", written_below(stack, 4096, 0));
}

/* How deep a child that does nothing goes, seen in shared memory. */
static void shallow(long unused)
{
	char *stack = stack_top(0);
	const char *written;
	pid_t pid;
	long first;

	(void)unused;
	fill(stack - 16384, 16384);
	pid = clone(leaf, stack, CLONE_VM | CLONE_VFORK | SIGCHLD, (void *)&scratch->ran);
	check(pid > 0, "%s", returned(pid));
	check(strcmp(waited(pid, 0), "exit6") == 0, "exit status");
	written = written_below(stack, 16384, 0);
	first = strtol(written, NULL, 10);
	check(first >= -(long)SMALL, "the child wrote %s", written);
}

enum place { ABOVE_UNWRITABLE, UNMAPPED, ONE, FOUR, SIXTEEN, READ_ONLY };

static const struct {
	const char *name;
	enum place place;
	int flags;
	int in_data;
} impossible[] = {
    {"stack-just-above-unwritable-page", ABOVE_UNWRITABLE, 0, 1},
    {"stack=1", ONE, 0, 1},
    {"stack=4", FOUR, 0, 1},
    {"stack=16", SIXTEEN, 0, 1},
    {"unmapped", UNMAPPED, 0, 0},
    {"read-only", READ_ONLY, 0, 0},
    {"stack-just-above-unwritable-page, VM", ABOVE_UNWRITABLE, CLONE_VM, 0},
    {"stack-just-above-unwritable-page, VM|VFORK", ABOVE_UNWRITABLE, CLONE_VM | CLONE_VFORK, 0},
    {"stack=1, VM|VFORK", ONE, CLONE_VM | CLONE_VFORK, 0},
    {"read-only, VM", READ_ONLY, CLONE_VM, 0},
    {"read-only, VFORK", READ_ONLY, CLONE_VFORK, 0},
};

static void *place(enum place place)
{
	char *low = pages(2);
	size_t page = page_size();

	switch (place) {
	case ABOVE_UNWRITABLE:
		mprotect(low, page, PROT_READ);
		return low + page;
	case UNMAPPED:
		munmap(low, 2 * page);
		return low + page + 512;
	case READ_ONLY:
		mprotect(low, 2 * page, PROT_READ);
		return low + page + 512;
	case ONE: return (void *)1;
	case FOUR: return (void *)4;
	case SIXTEEN: break;
	}
	return (void *)16;
}

/* m68k and others need no memory for a call that stays in registers. */
static int deep(void *arg)
{
	volatile char room[256];
	size_t i;

	for (i = 0; i < sizeof room; i++)
		room[i] = (char)(intptr_t)arg;
	*(volatile int *)arg = 1 + room[17] - room[17];
	return 6;
}

/*
 * The child gets SIGSEGV, and the caller goes on. (NetBSD/i386 writes func's
 * argument there itself, before the call: its caller dies.) The caller is a
 * process of its own here, so that its death is seen.
 */
static void must_kill_child_only(long variant)
{
	const char *row = impossible[variant].name;
	void *stack = place(impossible[variant].place);
	int status;
	pid_t caller, pid;

	caller = fork();
	if (caller == 0) {
		die_alone();
		pid = clone(deep, stack, impossible[variant].flags | SIGCHLD,
		            (void *)&scratch->ran);
		scratch->cell[0] = pid;
		scratch->cell[1] = errno;
		scratch->cell[2] = pid > 0 ? wait_status(pid, 0) : -1;
		_exit(0);
	}
	status = wait_status(caller, 0);
	if (on_netbsd_i386) {
		if (impossible[variant].in_data)
			claim(4, row, "runner", status_name(status), "sigSEGV", 7);
		else
			skip("difference 7: NetBSD/i386's clone writes to the stack itself");
		return;
	}
	if (!differs(7, WIFEXITED(status), "the caller: %s", status_name(status)))
		return;
	errno = (int)scratch->cell[1];
#if defined(__sparc__) && defined(__linux__)
	if (scratch->cell[0] == -1 && errno == EFAULT && scratch->ran == 0) {
		/* arch/sparc/kernel/process_64.c, clone_stackframe. */
		skip("EFAULT: the kernel copies a frame to the stack before there is a child");
		return;
	}
#endif
	if (impossible[variant].in_data) {
		claim(4, row, "ret", returned((pid_t)scratch->cell[0]), "pid", 7);
		claim(4, row, "reap", status_name((int)scratch->cell[2]), "sigSEGV", 7);
	} else {
		status = (int)scratch->cell[2];
		differs(7, scratch->cell[0] > 0, "the call: %s", returned((pid_t)scratch->cell[0]));
		differs(7, WIFSIGNALED(status) && (WTERMSIG(status) == SIGSEGV ||
		                                   WTERMSIG(status) == SIGBUS),
		        "the child: %s", status_name(status));
	}
	differs(7, scratch->ran == 0, "func ran");
}

void stack_cases(void)
{
	static const int flags[] = {0, CLONE_VM, CLONE_VFORK, CLONE_VM | CLONE_VFORK};
	size_t i;

	for (i = 0; i < sizeof flags / sizeof flags[0]; i++)
		add(small, flags[i], "stack: a very small one, %s", combination(flags[i]));
	add(untouched_by_success, 0, "stack: nothing written in the parent, none");
	add(untouched_by_success, CLONE_VFORK, "stack: nothing written in the parent, VFORK");
	add(shallow, 0, "stack: little of it used before and after func");
	for (i = 0; i < sizeof impossible / sizeof impossible[0]; i++)
		add(must_kill_child_only, (long)i, "stack: %s", impossible[i].name);
}
