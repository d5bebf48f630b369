/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Copyright (c) 2026 The nbclone developers */
/* What the call leaves alone in the parent, and hands to the child unchanged. */
#include "machine.h"

static int exit_7(void *arg)
{
	(void)arg;
	return 7;
}

static int set_errno(void *arg)
{
	(void)arg;
	errno = 123;
	return 7;
}

static int keep_argument(void *arg)
{
	scratch->sp = (uintptr_t)arg;
	return 7;
}

#ifdef HAVE_REGISTERS_CALL
static void one_call(int flags, void *stack, int want_error)
{
	struct registers registers;
	pid_t pid;
	int i;

	memset(&registers, 0, sizeof registers);
	registers.func = (slot)(uintptr_t)exit_7;
	registers.stack = (slot)(uintptr_t)stack;
	registers.flags = (slot)(unsigned)flags;
	registers.clone = (slot)(uintptr_t)clone;
	registers_call(&registers);
	pid = (pid_t)registers.result;
	if (want_error)
		check(pid == -1 && errno == EINVAL, "%s", returned(pid));
	else
		check(strcmp(waited(pid, 0), "exit7") == 0, "the child");
	for (i = 0; register_names[i] != NULL; i++)
		check(registers.after[i] == register_values[i], "%s: %s is %#lx",
		      want_error ? "failure" : "success", register_names[i],
		      (unsigned long)registers.after[i]);
}

static void callee_saved(long flags)
{
	one_call((int)flags | SIGCHLD, stack_top(0), 0);
	one_call((int)flags | CLONE_SIGHAND | SIGCHLD, flags & CLONE_VM ? NULL : stack_top(0), 1);
}
#else
static void callee_saved(long flags)
{
	(void)flags;
	skip("no assembly for this architecture here; the C check follows");
}
#endif

/* Twenty values that live across the call: in callee-saved registers, as many as there are. */
static volatile long seeds[20];

static void live_values(long flags)
{
	long v0, v1, v2, v3, v4, v5, v6, v7, v8, v9, v10, v11, v12, v13, v14, v15;
	double d0, d1, d2, d3, d4, d5, d6, d7;
	pid_t pid;
	int i;

	for (i = 0; i < 20; i++)
		seeds[i] = 1000 + 37 * i;
	v0 = seeds[0]; v1 = seeds[1]; v2 = seeds[2]; v3 = seeds[3];
	v4 = seeds[4]; v5 = seeds[5]; v6 = seeds[6]; v7 = seeds[7];
	v8 = seeds[8]; v9 = seeds[9]; v10 = seeds[10]; v11 = seeds[11];
	v12 = seeds[12]; v13 = seeds[13]; v14 = seeds[14]; v15 = seeds[15];
	d0 = (double)seeds[0]; d1 = (double)seeds[1]; d2 = (double)seeds[2];
	d3 = (double)seeds[3]; d4 = (double)seeds[4]; d5 = (double)seeds[5];
	d6 = (double)seeds[6]; d7 = (double)seeds[7];
	pid = clone(exit_7, stack_top(0), (int)flags | SIGCHLD, NULL);
	check(v0 == seeds[0] && v1 == seeds[1] && v2 == seeds[2] && v3 == seeds[3], "0 to 3");
	check(v4 == seeds[4] && v5 == seeds[5] && v6 == seeds[6] && v7 == seeds[7], "4 to 7");
	check(v8 == seeds[8] && v9 == seeds[9] && v10 == seeds[10] && v11 == seeds[11], "8 to 11");
	check(v12 == seeds[12] && v13 == seeds[13] && v14 == seeds[14] && v15 == seeds[15],
	      "12 to 15");
	check(d0 == (double)seeds[0] && d1 == (double)seeds[1] && d2 == (double)seeds[2] &&
	          d3 == (double)seeds[3] && d4 == (double)seeds[4] && d5 == (double)seeds[5] &&
	          d6 == (double)seeds[6] && d7 == (double)seeds[7],
	      "floating point");
	check(strcmp(waited(pid, 0), "exit7") == 0, "the child");
}

static void argument(long flags)
{
	unsigned bit, width = 8 * (unsigned)sizeof(uintptr_t);
	uintptr_t asked;
	pid_t pid;

	for (bit = 0; bit < width + 2; bit++) {
		asked = bit < width ? (uintptr_t)1 << bit : bit == width ? 0 : ~(uintptr_t)0;
		scratch->sp = ~asked;
		pid = clone(keep_argument, stack_top(0), (int)flags | SIGCHLD, (void *)asked);
		check(strcmp(waited(pid, 0), "exit7") == 0, "the child");
		check(scratch->sp == asked, "argument %#lx: func got %#lx", (unsigned long)asked,
		      (unsigned long)scratch->sp);
	}
}

static void errno_kept(long flags)
{
	static const int before[] = {0, 1, 55, EINVAL, 4095, 123456, -1};
	size_t i;
	pid_t pid;

	for (i = 0; i < sizeof before / sizeof before[0]; i++) {
		errno = before[i];
		pid = clone(exit_7, stack_top(0), (int)flags | SIGCHLD, NULL);
		check(errno == before[i], "errno was %d and is %d", before[i], errno);
		check(strcmp(waited(pid, 0), "exit7") == 0, "the child");
		errno = before[i];
		check(clone(NULL, stack_top(0), (int)flags | SIGCHLD, NULL) == -1, "func NULL");
		check(errno == EINVAL, "errno is %d on failure", errno);
		errno = before[i];
		check(clone(exit_7, stack_top(0), CLONE_SIGHAND | SIGCHLD, NULL) == -1, "SIGHAND");
		check(errno == EINVAL, "errno is %d on failure", errno);
	}
}

/* errno is memory: shared with VM. */
static void errno_shared(long unused)
{
	pid_t pid;

	(void)unused;
	errno = 55;
	pid = clone(set_errno, stack_top(0), SIGCHLD, NULL);
	claim(13, "errno,none", "ret", returned(pid), "pid", 0);
	waited(pid, 0);
	claim(13, "errno,none", "errno-after-success", number(errno), "55", 0);
	errno = 55;
	pid = clone(set_errno, stack_top(0), CLONE_VM | CLONE_VFORK | SIGCHLD, NULL);
	claim(13, "errno,VM|VFORK", "errno-after-success", number(errno), "123", 0);
	claim(13, "errno,VM|VFORK", "ret", returned(pid), "pid", 0);
	waited(pid, 0);
}

#if defined(__x86_64__) || defined(__i386__)
static int read_fpu(void *arg)
{
	unsigned short control = 0;
	unsigned flags = 0;

	(void)arg;
	__asm__ volatile("fnstcw %0" : "=m"(control));
	scratch->cell[0] = control;
#ifdef __x86_64__
	{
		unsigned long all;

		__asm__ volatile("stmxcsr %0" : "=m"(flags));
		scratch->cell[1] = (long)flags;
		__asm__ volatile("pushf\n\tpop %q0" : "=r"(all));
		scratch->cell[2] = (long)(all & 0x400);
	}
#else
	(void)flags;
#endif
	return 7;
}

static void fpu(long flags)
{
	const char *row = flags ? "fpu,VM" : "fpu,none";
	unsigned short control = 0x027f, after = 0;
	pid_t pid;
#ifdef __x86_64__
	unsigned mxcsr = 0x9fc0, mxcsr_after = 0;

	__asm__ volatile("ldmxcsr %0" : : "m"(mxcsr));
#endif
	__asm__ volatile("fldcw %0" : : "m"(control));
	pid = clone(read_fpu, stack_top(0), (int)flags | SIGCHLD, NULL);
	__asm__ volatile("fnstcw %0" : "=m"(after));
	claim(13, row, "ret", returned(pid), "pid", 0);
	check(after == control, "the parent's x87 control word is %#x", (unsigned)after);
#ifdef __x86_64__
	__asm__ volatile("stmxcsr %0" : "=m"(mxcsr_after));
	check(mxcsr_after == mxcsr, "the parent's mxcsr is %#x", mxcsr_after);
#endif
	waited(pid, 0);
	claim(13, row, "x87cw-inherited", number(scratch->cell[0] == control), "1", 0);
#ifdef __x86_64__
	if (on_netbsd_i386) /* the data has no such row for it */
		return;
	claim(13, row, "mxcsr-inherited", number(scratch->cell[1] == (long)mxcsr), "1", 0);
	check(scratch->cell[2] == 0, "the direction flag is set in func");
#endif
}
#endif

void register_cases(void)
{
	static const int flags[] = {0, CLONE_VM, CLONE_VM | CLONE_VFORK};
	size_t i;

	for (i = 0; i < sizeof flags / sizeof flags[0]; i++) {
		add(callee_saved, flags[i], "registers: each callee-saved one, %s",
		    combination(flags[i]));
		add(live_values, flags[i], "registers: values that live across the call, %s",
		    combination(flags[i]));
		add(argument, flags[i], "argument: every bit, %s", combination(flags[i]));
		add(errno_kept, flags[i], "errno: unchanged by success, one on failure, %s",
		    combination(flags[i]));
	}
	add(errno_shared, 0, "errno: the child's own, or the parent's with VM");
#if defined(__x86_64__) || defined(__i386__)
	add(fpu, 0, "registers: floating-point control, none");
	add(fpu, CLONE_VM, "registers: floating-point control, VM");
#endif
	matrix_cases();
}
