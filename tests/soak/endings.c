/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Copyright (c) 2026 The nbclone developers */
/*
 * The ways in which a child's func ends: it crashes, is killed, stops, execs,
 * exits, jumps on its own stack, leaves a thread, returns what it likes. Part
 * of the program faults.
 */
#define _GNU_SOURCE
#include "endings.h"

#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <setjmp.h>
#include <signal.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

static int
do_as_told(void *arg)
{
	static char *const command[] = { (char *)"true", NULL };
	static volatile int *volatile nowhere = (int *)16;
	const char *what = arg;
	jmp_buf here;

	switch (*what) {
	case 's':
		return *nowhere;
	case 'a':
		abort();
	case 'i':
		__builtin_trap();
	case 'k':
		for (;;)
			pause();
	case 'S':
		raise(SIGSTOP);
		return 7;
	case 'x':
		execv("/bin/true", command);
		return 1;
	case 'X':
		execv("/nowhere/true", command);
		return errno == ENOENT ? 7 : 1;
	case 'e':
		exit(7);
	case 'E':
		_Exit(7);
	case 'j':
		if (setjmp(here) == 0)
			longjmp(here, 1);
		return 7;
	default:
		return 1;
	}
}

static pid_t
tell(const char *what, int flags, char *stack)
{
	pid_t pid = clone(do_as_told, stack, flags, (void *)what);

	if (pid == -1)
		fail("errno %d", errno);
	return pid;
}

static void
func_does(const char *what, int value, int sig, int first, int last)
{
	static const int flags[] = { COPIED, SHARED, CLONE_VM | SIGCHLD };
	char *stack = new_stack();
	int i;

	for (i = first; i <= last; i++) {
		int status = wait_for(tell(what, flags[i], stack));

		if (sig)
			expect_death(status, sig);
		else
			expect_exit(status, value);
	}
	free_stack(stack);
}

/* With copied and with shared memory. */
static void func_segfaults(void) { func_does("s", 0, SIGSEGV, 0, 2); }
static void func_traps(void) { func_does("i", 0, SIGILL, 0, 2); }
static void func_execs(void) { func_does("x", 0, 0, 0, 2); }
static void func_fails_to_exec(void) { func_does("X", 7, 0, 0, 2); }
static void func_calls__Exit(void) { func_does("E", 7, 0, 0, 2); }
static void func_longjmps(void) { func_does("j", 7, 0, 0, 2); }
static void func_aborts(void) { func_does("a", 0, SIGABRT, 0, 0); }
#ifndef MUSL	/* whose raise signals the thread that its memory names: the parent */
static void func_aborts_sharing_memory(void) { func_does("a", 0, SIGABRT, 1, 2); }
#endif

static int *counted;

static void
count_exit(void)
{
	++*counted;
}

/* exit(3) in a child with memory of its own: its atexit functions run, once. */
static void
func_calls_exit(void)
{
	char *stack = new_stack();

	counted = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	atexit(count_exit);
	expect_exit(wait_for(tell("e", COPIED, stack)), 7);
	expect("atexit functions that exit ran", *counted, 1);
	expect_exit(wait_for(tell("j", COPIED, stack)), 7);
	expect("atexit functions that a return ran", *counted, 1);
	munmap(counted, 4096);
	free_stack(stack);
}

static void
func_is_killed(void)
{
	char *stack = new_stack();
	int flags[] = { COPIED, CLONE_VM | SIGCHLD }, i;

	for (i = 0; i < 2; i++) {
		pid_t pid = tell("k", flags[i], stack);

		kill(pid, SIGKILL);
		expect_death(wait_for(pid), SIGKILL);
	}
	free_stack(stack);
}

static void
func_stops(void)
{
	char *stack = new_stack();
	int status;
	pid_t pid = tell("S", COPIED, stack);

	expect("waitpid", waitpid(pid, &status, WUNTRACED), pid);
	if (!WIFSTOPPED(status) || WSTOPSIG(status) != SIGSTOP)
		fail("status %#x, not stopped", status);
	kill(pid, SIGCONT);
	expect_exit(wait_for(pid), 7);
	free_stack(stack);
}

static int
give(void *arg)
{
	return (int)(intptr_t)arg;
}

static void
func_returns_anything(void)
{
	static const int values[] = { 0, 1, 127, 128, 255, 256, 263, -1, -256, 0x7fffffff };
	char *stack = new_stack();
	size_t i;

	for (i = 0; i < sizeof(values) / sizeof(values[0]); i++) {
		void *arg = (void *)(intptr_t)values[i];

		expect_exit(wait_for(clone(give, stack, SHARED, arg)), values[i] & 255);
		expect_exit(wait_for(clone(give, stack, COPIED, arg)), values[i] & 255);
	}
	free_stack(stack);
}

static int
spoil_errno(void *arg)
{
	(void)arg;
	return raise(0) == 0 && getpid() > 0 ? 7 : 1;
}

static void
errno_is_kept(void)
{
	static const int flags[] = { SHARED, COPIED, CLONE_VM | SIGCHLD,
		CLONE_FS | CLONE_FILES | SIGCHLD };
	char *stack = new_stack();
	size_t i;

	for (i = 0; i < sizeof(flags) / sizeof(flags[0]); i++) {
		pid_t pid;

		errno = 77;
		pid = clone(spoil_errno, stack, flags[i], NULL);
		expect("errno after a good call", errno, 77);
		expect_exit(wait_for(pid), 7);
	}
	free_stack(stack);
}

static void *
sleeps(void *arg)
{
	for (;;)
		pause();
	return arg;
}

static int
leave_a_thread(void *arg)
{
	pthread_t thread;

	(void)arg;
	return pthread_create(&thread, NULL, sleeps, NULL) == 0 ? 7 : 1;
}

/* The whole process ends with func, whatever else is in it. */
static void
func_leaves_a_thread(void)
{
	char *stack = new_stack();

	expect_exit(wait_for(clone(leave_a_thread, stack, COPIED, NULL)), 7);
	free_stack(stack);
}

/* raise(3) in the child reaches the child, not its parent. */
static int
raise_in_child(void *arg)
{
	(void)arg;
	signal(SIGUSR1, SIG_DFL);
	raise(SIGUSR1);
	return 1;
}

static void
func_raises(void)
{
	char *stack = new_stack();

	signal(SIGUSR1, SIG_IGN);
	expect_death(wait_for(clone(raise_in_child, stack, COPIED, NULL)), SIGUSR1);
	signal(SIGUSR1, SIG_DFL);
	free_stack(stack);
}

#define CASE(name)	{ #name, name, 0 }

const struct test endings[] = {
	CASE(func_segfaults), CASE(func_aborts),
#ifndef MUSL
	CASE(func_aborts_sharing_memory),
#endif
	CASE(func_traps), CASE(func_is_killed), CASE(func_stops), CASE(func_execs),
	CASE(func_fails_to_exec), CASE(func_calls_exit), CASE(func_calls__Exit),
	CASE(func_longjmps), CASE(func_raises), CASE(func_returns_anything),
	CASE(func_leaves_a_thread), CASE(errno_is_kept),
};
const size_t endings_count = sizeof(endings) / sizeof(endings[0]);
