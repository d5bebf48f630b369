/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Copyright (c) 2026 The nbclone developers */
/* What clone returns, where the child goes on, and whose memory it has. */
#include "linux1.h"

#include "machine.h"

static volatile int written;
static volatile int runs;

static void note_and_write(void)
{
	answers->number = getppid();
	scratch->pid = getpid();
	written = 1;
}

static void returns_twice(long mode)
{
	int in_frame = 0;
	volatile int *frame = &in_frame;

	answers_make();
	errno = 55;
	expect_exit(in_child((enum mode)mode, 0, note_and_write), 0);
	check(errno == 55, "errno is %d", errno);
	check(answers->number == getpid(), "the child's parent is %ld", answers->number);
	check(scratch->pid > 0 && scratch->pid != getpid(), "the child's id is %ld", scratch->pid);
	check(written == (mode == SHARED), "the child's write is%s seen", written ? "" : " not");
	check(*frame == 0, "the caller's frame");
	check(waitpid(-1, NULL, WALLSIG) == -1 && errno == ECHILD, "a second child");
}

/* The pid that the parent gets is the child's; each side runs once. */
static void parents_result(long mode)
{
	void *sp = mode == FORKED ? NULL : stack_top(0);
	long result = clone(sp, SIGCLD | COPYVM);

	if (result == 0) {
		scratch->pid = getpid();
		scratch->ran++;
		_exit(9);
	}
	runs++;
	check(waitpid(-1, NULL, 0) == result, "waitpid gives another id than clone: %ld", result);
	check(result == scratch->pid, "clone returned %ld, the child is %ld", result, scratch->pid);
	check(scratch->ran == 1 && runs == 1, "%d children, %d parents", scratch->ran, runs);
}

static void own_write(void)
{
	written = 1;
}

/* sp 0, flags without COPYVM: memory is copied all the same. */
static void zero_forces_copyvm(long flags)
{
	int status;

	if (clone(0, SIGCLD | (unsigned long)flags) == 0) {
		own_write();
		_exit(4);
	}
	waitpid(-1, &status, 0);
	expect_exit(status, 4);
	check(written == 0, "memory is shared, and with it the stack");
}

static void own_forces_copyvm(long flags)
{
#ifdef STACK_POINTER
	void *sp;
	int status;

	STACK_POINTER(sp);
	if (clone(sp, SIGCLD | (unsigned long)flags) == 0) {
		own_write();
		_exit(4);
	}
	waitpid(-1, &status, 0);
	expect_exit(status, 4);
	check(written == 0, "memory is shared, and with it the stack");
#else
	(void)flags;
	skip("returns.c can't read the stack pointer of this architecture");
#endif
}

/* In the child of a clone(0, ...), the function that called it can return. */
static pid_t old_fork(void)
{
	return clone(0, SIGCLD | COPYVM);
}

static void is_fork(long unused)
{
	int local = 5, status;
	pid_t pid = old_fork();

	(void)unused;
	if (pid == 0) {
		local++;
		_exit(local);
	}
	waitpid(pid, &status, 0);
	expect_exit(status, 6);
	check(local == 5, "the caller's local is %d", local);
}

/* The child's stack: sp, aligned down, whatever sp was. */
static __attribute__((noinline)) void note_stack(void)
{
	volatile struct {
		char at __attribute__((aligned(16)));
	} here;

	here.at = 1;
	scratch->sp = (uintptr_t)&here;
}

static void any_alignment(long unused)
{
	char *top = stack_top(1);
	int odd, status;

	(void)unused;
	for (odd = 0; odd < 64; odd++) {
		fill(top - 4096, 4096);
		if (clone(top - odd, SIGCLD) == 0) {
			note_stack();
			_exit(0);
		}
		waitpid(-1, &status, 0);
		expect_exit(status, 0);
		check(scratch->sp < (uintptr_t)top - (unsigned)odd &&
		          scratch->sp > (uintptr_t)top - 4096,
		      "top - %d: the child's stack is elsewhere", odd);
		check(scratch->sp % 16 == 0, "top - %d: not aligned at a call", odd);
		check(strstr(written_below(top - odd, 0, (unsigned)odd), "untouched") != NULL,
		      "top - %d: written above it", odd);
	}
}

/* The child needs no return address, nor anything else, on its stack. */
static void reads_nothing_there(long unused)
{
	char *low = pages(8), *top = low + 8 * page_size();
	int status;

	(void)unused;
	memset(low, 0xff, 8 * page_size());
	if (clone(top, SIGCLD) == 0) {
		note_stack();
		_exit(3);
	}
	waitpid(-1, &status, 0);
	expect_exit(status, 3);
}

void return_cases(void)
{
	add_modes(returns_twice, "returns twice");
	add(parents_result, FORKED, "the parent gets the child's id (sp 0)");
	add(parents_result, COPIED, "the parent gets the child's id (sp)");
	add(zero_forces_copyvm, 0, "sp 0 forces COPYVM");
	add(zero_forces_copyvm, COPYFD, "sp 0 forces COPYVM (COPYFD)");
	add(own_forces_copyvm, 0, "the caller's own sp forces COPYVM");
	add(own_forces_copyvm, COPYFD, "the caller's own sp forces COPYVM (COPYFD)");
	add(is_fork, 0, "fork is clone(0, SIGCLD|COPYVM)");
	add(any_alignment, 0, "any alignment of sp");
	add(reads_nothing_there, 0, "reads nothing on the new stack, nor above it");
}
