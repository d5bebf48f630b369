/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Copyright (c) 2026 The nbclone developers */
/*
 * The child's stack pointer: aligned as the ABI asks for whatever was passed,
 * near the top, and nothing above it touched.
 */
#include "machine.h"

enum { SPAN = 4096, ABOVE = 64 };

static struct {
	char below[16384];
	char tops[SPAN + 4 * ABOVE] __attribute__((aligned(4096)));
} area;

int entry_probed(void *arg)
{
	char aligned[STACK_ALIGN] __attribute__((aligned(STACK_ALIGN)));
	struct scratch *shared =
	    (struct scratch *)((char *)arg - offsetof(struct scratch, sp));

	shared->frame = (uintptr_t)aligned;
	shared->arg_ok = arg == (void *)&scratch->sp;
	shared->ran++;
	return 5;
}

#ifdef ENTRY_OFFSET
#define PROBE entry_probe
#else
#define PROBE entry_probed
#endif

/* Makes a child on a stack that ends at this address, and checks what holds for each. */
static int try_stack(char *stack, int flags)
{
	uintptr_t top = (uintptr_t)stack, sp, frame;
	int ran = scratch->ran, ok;
	pid_t pid;

	fill(stack, ABOVE);
	errno = 0;
	pid = clone(PROBE, stack, flags | SIGCHLD, (void *)&scratch->sp);
	if (!check(pid > 0, "stack %p: %s", (void *)stack, returned(pid)))
		return 0;
	ok = check(strcmp(waited(pid, 0), "exit5") == 0, "stack %p: the child died", (void *)stack);
	ok &= check(scratch->ran == ran + 1 && scratch->arg_ok, "stack %p: argument", (void *)stack);
	ok &= check(strcmp(written_below(stack, 0, ABOVE), "untouched") == 0,
	            "stack %p: wrote above it", (void *)stack);
	frame = scratch->frame;
	ok &= check(frame < top && top - frame < FRAME_LIMIT + 512,
	            "stack %p: func's frame is at %p", (void *)stack, (void *)frame);
	if (!on_netbsd)
		ok &= differs(5, frame % STACK_ALIGN == 0, "stack %p: func's frame is at %p",
		              (void *)stack, (void *)frame);
#ifdef ENTRY_OFFSET
	sp = scratch->sp;
	ok &= check(sp < top + !ENTRY_OFFSET && top - sp < FRAME_LIMIT + STACK_ALIGN,
	            "stack %p: the stack pointer is %p at entry", (void *)stack, (void *)sp);
	if (!on_netbsd)
		ok &= differs(5, (sp + ENTRY_OFFSET) % STACK_ALIGN == 0,
		              "stack %p: the stack pointer is %p at entry", (void *)stack, (void *)sp);
	else if (top % 16 == 0)
		ok &= check(top - sp == 8, "stack %p: the stack pointer is %p at entry",
		            (void *)stack, (void *)sp);
#else
	(void)sp;
#endif
	return ok;
}

/* Stops after a few failures: a broken alignment fails at every address. */
static void every_alignment(long flags)
{
	int offset, failures = 0;

	for (offset = 0; offset < SPAN && failures < 8; offset++)
		failures += !try_stack(area.tops + offset, (int)flags);
}

static void claimed_alignments(long unused)
{
	int by;

	(void)unused;
	for (by = 0; by <= 17; by++) {
		char *stack = area.tops + 64 - by;
		const char *row = text("misaligned-by-%02d", by);
		pid_t pid;

		scratch->ran = scratch->arg_ok = 0;
		fill(stack, ABOVE);
		pid = clone(PROBE, stack, CLONE_VM | CLONE_VFORK | SIGCHLD, (void *)&scratch->sp);
		claim(4, row, "ret", returned(pid), "pid", 0);
		claim(4, row, "reap", waited(pid, 0), "exit5", 0);
		claim(4, row, "arg", scratch->arg_ok ? "ok" : "other", "ok", 0);
		claim(4, row, "abovestack", written_below(stack, 0, ABOVE), "untouched", 0);
#ifdef __x86_64__
		if (on_netbsd_i386) /* the data has no such row for it */
			continue;
		claim(4, row, "stack-sp", number((long)((uintptr_t)stack - scratch->sp)),
		      number(on_netbsd ? 8 : 8 + (16 - by % 16) % 16), by % 16 ? 5 : 0);
		claim(4, row, "sp%16", number((long)(scratch->sp % 16)),
		      number(on_netbsd ? (24 - by) % 16 : 8), by % 16 ? 5 : 0);
#endif
	}
}

static void page_edge(long flags)
{
	char *mine = pages(2);
	/*
	 * NetBSD/i386's kernel reads 16 bytes of arguments for every system call. For
	 * exit(2), at the very end of a stack, 8 of them lie above it.
	 */
	char *top = mine + 2 * page_size() - (on_netbsd_i386 ? 8 : 0);
	pid_t pid;

	/* The page above the stack can't be read, so there is nothing to fill. */
	pid = clone(PROBE, top, (int)flags | SIGCHLD, (void *)&scratch->sp);
	check(pid > 0, "%s", returned(pid));
	check(strcmp(waited(pid, 0), "exit5") == 0, "the child died beside the guard page");
	check(scratch->ran == 1 && scratch->arg_ok, "argument");
}

void alignment_cases(void)
{
	add(every_alignment, CLONE_VM | CLONE_VFORK, "alignment: a stack at every byte of a page");
	add(claimed_alignments, 0, "alignment: what NetBSD was asked");
	add(page_edge, 0, "alignment: the top beside a guard page, none");
	add(page_edge, CLONE_VM, "alignment: the top beside a guard page, VM");
	add(page_edge, CLONE_VM | CLONE_VFORK, "alignment: the top beside a guard page, VM|VFORK");
}
