/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Copyright (c) 2026 The nbclone developers */
/*
 * The usual use, as programs wrote it: the child goes on in its caller's code
 * on another stack. tests/linux1/run compiles this file at every optimisation level.
 */
#include "linux1.h"

const char *macros_failure(void);
int macros_call(void *sp, void (*work)(void), void (*leave)(int));

static int wait_for_it(void)
{
	int status = -1;

	while (waitpid(-1, &status, WALLSIG) == -1 && errno == EINTR)
		;
	return status;
}

/* With arguments on the stack, and a frame that needs the ABI's alignment. */
static __attribute__((noinline)) long sum(long a, long b, long c, long d, long e, long f, long g,
                                          long h, long i, double j)
{
	char text[64];

	snprintf(text, sizeof text, "%.1f %ld", j, i);
	check(strcmp(text, "0.5 9") == 0, "the child's call got \"%s\"", text);
	return a + b + c + d + e + f + g + h + i;
}

static __attribute__((noinline)) void worker(volatile int *data)
{
	scratch->cell[0] = *data;
	scratch->cell[1] = sum(1, 2, 3, 4, 5, 6, 7, 8, 9, 0.5);
	*data = 77;
}

static void documented(long mode)
{
	void *sp = mode == FORKED ? NULL : stack_top(0);
	volatile int data = (int)scratch->sp + 42;

	if (clone(sp, mode == SHARED ? SIGCLD : SIGCLD | COPYVM) == 0) {
		worker(&data);
		_exit(6);
	}
	expect_exit(wait_for_it(), 6);
	check(scratch->cell[0] == 42, "the child's data: %ld", scratch->cell[0]);
	check(scratch->cell[1] == 45, "the child's sum: %ld", scratch->cell[1]);
	check(data == (mode == SHARED ? 77 : 42), "the caller's data is %d", data);
}

static void by_switch(long mode)
{
	void *sp = mode == FORKED ? NULL : stack_top(0);
	volatile int data = 42;

	switch (clone(sp, mode == SHARED ? SIGCLD : SIGCLD | COPYVM)) {
	case 0:
		worker(&data);
		_exit(data == 77 ? 6 : 7);
	case -1:
		check(0, "clone failed: %s", strerror(errno));
		break;
	default:
		expect_exit(wait_for_it(), 6);
	}
	check(data == (mode == SHARED ? 77 : 42), "the caller's data is %d", data);
}

/* A frame that the compiler finds in ways of its own: its size known to the
 * running program alone, more aligned than the ABI's, its arguments on the stack. */
static __attribute__((noinline)) void odd_frame(int a, int b, int c, int d, int e, int f, int g,
                                                int h, size_t size, long mode)
{
	void *sp = mode == FORKED ? NULL : stack_top(0);
	char aligned[96] __attribute__((aligned(64)));
	volatile char variable[size];
	size_t i;

	memset(aligned, 'a', sizeof aligned);
	for (i = 0; i < size; i++)
		variable[i] = 'v';
	if (clone(sp, mode == SHARED ? SIGCLD : SIGCLD | COPYVM) == 0) {
		check(a + b + c + d + e + f + g + h == 36, "arguments: %d", g);
		check(size == 333 && variable[0] == 'v' && variable[size - 1] == 'v', "size");
		check(aligned[0] == 'a' && aligned[95] == 'a', "aligned");
		check(((uintptr_t)aligned & 63) == 0, "alignment");
		variable[0] = 'w';
		_exit(6);
	}
	expect_exit(wait_for_it(), 6);
	check(variable[0] == (mode == SHARED ? 'w' : 'v'), "the caller's array");
	check(aligned[5] == 'a' && g == 7 && h == 8, "the caller's other locals");
}

static void odd_frames(long mode)
{
	volatile int one = 1; /* or the compiler would know all of them */

	odd_frame(one, 2 * one, 3 * one, 4 * one, 5 * one, 6 * one, 7 * one, 8 * one,
	          (size_t)(333 * one), mode);
}

static volatile long seeds[24];

/* As many values as x86-64 has callee-saved registers, but for the frame's. */
static __attribute__((noinline)) void five_values(void *sp, unsigned long flags)
{
	long a = seeds[0], b = seeds[1], c = seeds[2], d = seeds[3], e = seeds[4];

	if (clone(sp, flags) == 0) {
		check(a == 1000, "the child's a is %ld", a);
		check(b == 1037, "the child's b is %ld", b);
		check(c == 1074, "the child's c is %ld", c);
		check(d == 1111, "the child's d is %ld", d);
		check(e == 1148, "the child's e is %ld", e);
		_exit(6);
	}
	expect_exit(wait_for_it(), 6);
	check(a == 1000 && b == 1037 && c == 1074 && d == 1111 && e == 1148,
	      "the parent's values");
}

static void few_values(long mode)
{
	void *sp = mode == FORKED ? NULL : stack_top(0);
	unsigned long flags = mode == SHARED ? SIGCLD : SIGCLD | COPYVM;
	int i;

	for (i = 0; i < 5; i++)
		seeds[i] = 1000 + 37 * i;
	five_values(sp, flags);
	five_values(sp, flags | COPYFD);
}

/* More values than any architecture has registers for. */
static void live_values(long mode)
{
	void *sp = mode == FORKED ? NULL : stack_top(0);
	unsigned long flags = mode == SHARED ? SIGCLD : SIGCLD | COPYVM;
	long v0, v1, v2, v3, v4, v5, v6, v7, v8, v9, v10, v11;
	double d0, d1, d2, d3, d4, d5, d6, d7;
	int i, round;

	for (i = 0; i < 24; i++)
		seeds[i] = 1000 + 37 * i;
	for (round = 0; round < 2; round++) {
		v0 = seeds[0]; v1 = seeds[1]; v2 = seeds[2]; v3 = seeds[3];
		v4 = seeds[4]; v5 = seeds[5]; v6 = seeds[6]; v7 = seeds[7];
		v8 = seeds[8]; v9 = seeds[9]; v10 = seeds[10]; v11 = seeds[11];
		d0 = (double)seeds[12]; d1 = (double)seeds[13]; d2 = (double)seeds[14];
		d3 = (double)seeds[15]; d4 = (double)seeds[16]; d5 = (double)seeds[17];
		d6 = (double)seeds[18]; d7 = (double)seeds[19];
#define ALL_THERE(who) \
	check(v0 == seeds[0] && v1 == seeds[1] && v2 == seeds[2] && v3 == seeds[3] && \
	          v4 == seeds[4] && v5 == seeds[5] && v6 == seeds[6] && v7 == seeds[7] && \
	          v8 == seeds[8] && v9 == seeds[9] && v10 == seeds[10] && v11 == seeds[11], \
	      who ": integers"); \
	check(d0 == (double)seeds[12] && d1 == (double)seeds[13] && d2 == (double)seeds[14] && \
	          d3 == (double)seeds[15] && d4 == (double)seeds[16] && \
	          d5 == (double)seeds[17] && d6 == (double)seeds[18] && d7 == (double)seeds[19], \
	      who ": floating point")
		if (clone(sp, round ? flags | COPYFD : flags) == 0) {
			ALL_THERE("the child");
			_exit(6);
		}
		expect_exit(wait_for_it(), 6);
		ALL_THERE("the parent");
	}
}

/* Inlined, in a loop, several at a time. */
static __inline__ int start_one(void *sp, int number)
{
	if (clone(sp, SIGCLD) == 0) {
		scratch->cell[number] = number * number;
		_exit(number);
	}
	return wait_for_it();
}

static void in_a_loop(long unused)
{
	int i;

	(void)unused;
	for (i = 1; i < 50; i++) {
		expect_exit(start_one(stack_top(i % 3), i), i);
		check(scratch->cell[i] == (long)i * i, "child %d", i);
	}
}

/* A child of a child, each on a stack of its own. */
static void nested(long unused)
{
	(void)unused;
	if (clone(stack_top(0), SIGCLD) == 0) {
		if (clone(stack_top(1), SIGCLD | COPYFD) == 0) {
			if (clone(0, SIGCLD) == 0)
				_exit(3);
			_exit(WEXITSTATUS(wait_for_it()) + 3);
		}
		_exit(WEXITSTATUS(wait_for_it()) + 3);
	}
	expect_exit(wait_for_it(), 9);
}

/*
 * Work with locals of its own, by several at a time. Inlined, they would all
 * have one place.
 */
#define CROWD(name, salt) \
	static void name(int number) \
	{ \
		unsigned char bytes[16]; \
		long a = number, b = number * 3, c = number * 5, d = number * 7, e = number * 11; \
		int round, i; \
\
		scratch->cell[salt] = number; /* or they would be one function */ \
		scratch->cell[number] = 1; /* its argument is its own from here on */ \
		memset(bytes, number, sizeof bytes); \
		for (round = 0; round < 200; round++) { \
			sched_yield(); \
			for (i = 0; i < 16; i++) \
				bytes[i] = (unsigned char)(bytes[i] + a + b + c + d + e); \
			a += b; \
			b += c; \
			c += d; \
			d += e; \
			e += number; \
		} \
		for (i = 1; i < 16; i++) \
			if (bytes[i] != bytes[0]) \
				check(0, "%d: byte %d is %d, not %d", number, i, bytes[i], bytes[0]); \
		scratch->cell[number + 32] = bytes[0] + a + b + c + d + e; \
	}
/* One has many callers; the others have one each, and ask for inlining. */
CROWD(crowd, 60)
CROWD(childs_crowd, 61)
CROWD(parents_crowd, 62)

static void several_at_once(long unused)
{
	volatile int number;

	(void)unused;
	crowd(5);
	for (number = 0; number < 3; number++) {
		if (clone(stack_top(number), SIGCLD) == 0) {
			childs_crowd(number);
			_exit(6);
		}
		while (!scratch->cell[number])
			sched_yield();
	}
	parents_crowd(4);
	for (number = 0; number < 3; number++)
		expect_exit(wait_for_it(), 6);
	/* Alone, each gives the same once more. */
	for (number = 0; number < 3; number++) {
		long with_others = scratch->cell[number + 32];

		crowd(number);
		check(scratch->cell[number + 32] == with_others, "child %d", number);
	}
}

/* A function that leaves its child behind: by what is in registers alone. */
static __attribute__((noinline)) long leave_behind(void *sp, void (*work)(int), int number)
{
	if (clone(sp, SIGCLD) == 0) {
		work(number);
		_exit(number);
	}
	return number;
}

static void left_behind(long unused)
{
	int number, round;

	(void)unused;
#if defined(__m68k__)
	skip("arguments are in a frame, which is left");
#elif defined(__clang__) && !defined(__OPTIMIZE__) /* gcc optimises behind the header */
	skip("without optimisation arguments are in a frame, which is left");
#elif defined(__mips_abicalls) && _MIPS_SIM == _ABIO32
	skip("o32 keeps the global pointer in a frame, which is left");
#endif
	for (round = 0; round < 10; round++) {
		for (number = 1; number <= 3; number++)
			leave_behind(stack_top(number - 1), crowd, number);
		crowd(4);
		check(WEXITSTATUS(wait_for_it()) + WEXITSTATUS(wait_for_it()) +
		              WEXITSTATUS(wait_for_it()) == 6, "the children's numbers");
	}
}

static void note(void)
{
	scratch->ran = 1;
}

static void macros(long unused)
{
	const char *failure = macros_failure();

	(void)unused;
	check(failure == NULL, "%s", failure);
	check(macros_call(stack_top(0), note, _exit) > 0 && scratch->ran == 1, "clone by its name");
}

void usual_cases(void)
{
	add_modes(documented, "usual use: if");
	add_modes(by_switch, "usual use: switch");
	add_modes(few_values, "usual use: few values");
	add_modes(live_values, "usual use: many values");
	add_modes(odd_frames, "usual use: odd frames");
	add(in_a_loop, 0, "usual use: in a loop");
	add(nested, 0, "usual use: nested");
	add(several_at_once, 0, "usual use: several at once");
	add(left_behind, 0, "usual use: a function that returns to the parent");
	add(macros, 0, "usual use: _syscall2");
}
