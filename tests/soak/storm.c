/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Copyright (c) 2026 The nbclone developers */
/*
 * Many at once: threads that clone in every shape while others fork, make
 * threads and load libraries; handlers that clone while signals pour in;
 * children that clone. And a great many in a row.
 *
 *	SOAK_COUNT=calls storm [CASE]		(each thread, each handler less)
 */
#define _GNU_SOURCE
#include "campaign.h"

#include <dlfcn.h>
#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>

#define THREADS		64
#define OTHERS		4
#define SMALL_STACK	16384
#define COPYVM		0x100
#define COPYFD		0x200

static int count = 100;
static int stop;
static struct totals {			/* of all cases */
	long clones, pages_more;
} *totals;

/* Async-signal-safe, and touches nothing that a parent shares. */
static int
double_it(void *arg)
{
	return (int)((uintptr_t)arg * 2 & 255);
}

static const int shapes[] = {
	CLONE_VM, 0, CLONE_FS, CLONE_FILES, CLONE_FS | CLONE_FILES,
	CLONE_VM | CLONE_FS | CLONE_FILES | CLONE_SIGHAND, CLONE_VM | CLONE_VFORK,
	CLONE_VFORK, CLONE_VM | CLONE_SIGHAND | CLONE_VFORK, CLONE_VM | CLONE_FILES,
};
#define SHAPES		(sizeof(shapes) / sizeof(shapes[0]))

/* One child of the i-th shape; 0 if it did what it should. */
static int
clone_one(unsigned i, char *end)
{
	static const int signals[] = { SIGCHLD, 0, SIGUSR1, SIGURG };
	void *arg = (void *)(uintptr_t)(i & 127);
	int flags = shapes[i % SHAPES] | signals[i / SHAPES % 4], status;
	pid_t pid, got;

	if (linux1_clone != NULL && i % 13 == 12) {
		pid = linux1_clone(NULL, COPYVM | (i & 1 ? COPYFD : 0) | SIGCHLD);
		if (pid == 0)
			_exit(double_it(arg));
	} else {
		pid = (i & 1 ? clone : __clone)(double_it, end, flags, arg);
	}
	if (pid == -1)
		return errno;
	while ((got = waitpid(pid, &status, __WALL)) == -1 && errno == EINTR)
		continue;
	__atomic_fetch_add(&totals->clones, 1, __ATOMIC_RELAXED);
	if (got != pid || !WIFEXITED(status) || WEXITSTATUS(status) != double_it(arg))
		return -1;
	return 0;
}

static void *
clones(void *arg)
{
	char stack[SMALL_STACK] __attribute__((aligned(16)));
	unsigned from = (unsigned)(uintptr_t)arg;
	int i;

	for (i = 0; i < count; i++) {
		int error = clone_one(from + (unsigned)i, stack + sizeof(stack));

		if (error)
			return (void *)(intptr_t)error;
	}
	return NULL;
}

static void *
forks(void *arg)
{
	while (!__atomic_load_n(&stop, __ATOMIC_RELAXED)) {
		pid_t pid = fork();

		if (pid == 0)
			_exit(0);
		if (pid == -1 || waitpid(pid, NULL, 0) != pid)
			return (void *)"fork";
	}
	return arg;
}

static void *
returns(void *arg)
{
	return arg;
}

static void *
makes_threads(void *arg)
{
	while (!__atomic_load_n(&stop, __ATOMIC_RELAXED)) {
		pthread_t thread;
		void *result;

		if (pthread_create(&thread, NULL, returns, &stop) != 0 ||
		    pthread_join(thread, &result) != 0 || result != &stop)
			return (void *)"pthread_create";
	}
	return arg;
}

static void *
loads(void *arg)
{
	while (!__atomic_load_n(&stop, __ATOMIC_RELAXED)) {
#ifndef STATIC
		void *library = dlopen("libnss_files.so.2", RTLD_NOW);

		if (library == NULL)
			library = dlopen("libm.so.6", RTLD_NOW);
		if (library == NULL || dlclose(library) != 0)
			return (void *)"dlopen";
#endif
		free(malloc(100000));
	}
	return arg;
}

static void
ignore_exit_signals(void)
{
	/* Not SIG_IGN, by which Linux reaps. */
	signal(SIGUSR1, SIG_IGN);
}

/* The end of a case with threads: glibc keeps the stacks and heaps of those
 * that have gone, so the number of mappings says nothing. */
static void
end_without_mappings(const struct counts *before)
{
	struct counts after = count_all();

	expect("descriptors after it", after.descriptors, before->descriptors);
	expect("children after it", after.children, before->children);
	_exit(0);
}

static void
all_at_once(void)
{
	static void *(*const other[OTHERS])(void *) = { forks, makes_threads, loads, loads };
	struct counts before = count_all();
	pthread_t threads[THREADS], others[OTHERS];
	void *result;
	int i, failed = 0;

	ignore_exit_signals();
	stop = 0;
	for (i = 0; i < OTHERS; i++)
		expect("pthread_create", pthread_create(&others[i], NULL, other[i], NULL), 0);
	for (i = 0; i < THREADS; i++)
		expect("pthread_create", pthread_create(&threads[i], NULL, clones,
		    (void *)(uintptr_t)(i * 7)), 0);
	for (i = 0; i < THREADS; i++) {
		pthread_join(threads[i], &result);
		if (result != NULL)
			failed = (int)(intptr_t)result;
	}
	__atomic_store_n(&stop, 1, __ATOMIC_RELAXED);
	for (i = 0; i < OTHERS; i++) {
		pthread_join(others[i], &result);
		if (result != NULL)
			fail("%s failed beside it", (char *)result);
	}
	expect("a thread's result", failed, 0);
	end_without_mappings(&before);
}

static volatile int cloned_in_handler, bad_in_handler;

static void
clone_in_handler(int sig)
{
	/* Not on the stack, which a handler may find small; one signal at a time. */
	static char stack[SMALL_STACK] __attribute__((aligned(16)));
	int saved = errno;

	(void)sig;
	/* With exit signals other than ours, which would come for each. */
	errno = 0;
	if (clone_one((unsigned)(cloned_in_handler % 20), stack + sizeof(stack)) != 0)
		bad_in_handler++;
	cloned_in_handler++;
	errno = saved;
}

static void
handle(int sig, int flags)
{
	struct sigaction action = { .sa_handler = clone_in_handler, .sa_flags = flags };

	sigfillset(&action.sa_mask);
	sigaction(sig, &action, NULL);
}

static void
storm_of_signals(void)
{
	static char stack[SMALL_STACK] __attribute__((aligned(16)));
	struct itimerval often = { { 0, 500 }, { 0, 500 } }, never = { { 0, 0 }, { 0, 0 } };
	int i;

	handle(SIGALRM, SA_RESTART);
	handle(SIGPROF, SA_RESTART);
	handle(SIGUSR1, 0);		/* the exit signal itself */
	setitimer(ITIMER_REAL, &often, NULL);
	setitimer(ITIMER_PROF, &often, NULL);
	for (i = 0; i < 10 * count; i++) {
		int error;

		errno = 0;
		/* 20 to 29: those whose exit signal is SIGUSR1. */
		error = clone_one((unsigned)(20 + i % 10), stack + sizeof(stack));
		if (error != 0)
			fail("clone %d: %d", i, error);
	}
	setitimer(ITIMER_REAL, &never, NULL);
	setitimer(ITIMER_PROF, &never, NULL);
	signal(SIGALRM, SIG_IGN);
	signal(SIGPROF, SIG_IGN);
	signal(SIGUSR1, SIG_IGN);
	expect("clones gone wrong in handlers", bad_in_handler, 0);
	if (cloned_in_handler < count)
		fail("only %d clones in handlers", cloned_in_handler);
}

static void
handler_on_its_own_stack(void)
{
	static char room[2 * SMALL_STACK];
	stack_t alternate = { .ss_sp = room, .ss_size = sizeof(room) };
	stack_t none = { .ss_flags = SS_DISABLE };
	int i;

	sigaltstack(&alternate, NULL);
	handle(SIGUSR2, SA_ONSTACK);
	for (i = 0; i < count; i++)
		raise(SIGUSR2);
	expect("clones in the handler", cloned_in_handler, count);
	expect("clones gone wrong there", bad_in_handler, 0);
	sigaltstack(&none, NULL);
}

#define DEPTH	10

struct level {
	int depth, flags;
};

/* Each child makes the next. */
static int
descend(void *arg)
{
	struct level *above = arg, level = { above->depth - 1, above->flags };
	static char room[DEPTH][SMALL_STACK] __attribute__((aligned(16)));
	int status;
	pid_t pid;

	if (above->depth == 0)
		return 0;
	pid = clone(descend, room[level.depth] + SMALL_STACK, level.flags, &level);
	if (pid == -1 || waitpid(pid, &status, __WALL) != pid || !WIFEXITED(status))
		return 200;
	return WEXITSTATUS(status) + 1;
}

static void
child_of_a_child(void)
{
	/* The last: a child of vfork's kind that clones again. */
	static const int flags[] = { SIGCHLD, CLONE_VM | SIGCHLD,
		CLONE_VM | CLONE_VFORK | SIGCHLD, CLONE_VFORK | SIGCHLD };
	static char stack[SMALL_STACK] __attribute__((aligned(16)));
	size_t i;

	for (i = 0; i < sizeof(flags) / sizeof(flags[0]); i++) {
		struct level first = { DEPTH, flags[i] };
		int status = wait_for(clone(descend, stack + sizeof(stack), flags[i], &first));

		expect("status of the first", status, first.depth << 8);
	}
}

static void *
clone_in_little_room(void *arg)
{
	static char stack[SMALL_STACK] __attribute__((aligned(16)));
	unsigned i;

	for (i = 0; i < 60; i++)
		if (clone_one(i, stack + sizeof(stack)) != 0)
			return (void *)"clone";
	return arg;
}

static void
thread_with_a_tiny_stack(void)
{
	struct counts before = count_all();
	pthread_attr_t attributes;
	pthread_t thread;
	void *result;

	ignore_exit_signals();
	pthread_attr_init(&attributes);
	expect("stack size", pthread_attr_setstacksize(&attributes,
	    (size_t)sysconf(_SC_THREAD_STACK_MIN)), 0);
	expect("pthread_create", pthread_create(&thread, &attributes,
	    clone_in_little_room, NULL), 0);
	pthread_join(thread, &result);
	if (result != NULL)
		fail("%s", (char *)result);
	end_without_mappings(&before);
}

static long
resident_pages(void)
{
	FILE *file = fopen("/proc/self/statm", "r");
	long all, resident;

	if (file == NULL || fscanf(file, "%ld %ld", &all, &resident) != 2)
		skip_case("no /proc");
	fclose(file);
	return resident;
}

/* run_measured counts descriptors, mappings and children; here the memory.
 * The kernel counts pages a processor at a time, hence the room. */
static void
in_a_row(unsigned shape, int calls)
{
	static char stack[SMALL_STACK] __attribute__((aligned(16)));
	long before, after;
	int i, error;

	ignore_exit_signals();
	clone_one(shape, stack + sizeof(stack));
	before = resident_pages();
	for (i = 0; i < calls; i++)
		if ((error = clone_one(shape, stack + sizeof(stack))) != 0)
			fail("call %d: %d", i, error);
	after = resident_pages();
	if (after - before > totals->pages_more)
		totals->pages_more = after - before;
	if (after > before + 64 * (int)sysconf(_SC_NPROCESSORS_ONLN))
		fail("%ld pages more after %d calls", after - before, calls);
}

static void many_sharing_memory(void) { in_a_row(0, 1000 * count); }
static void many_copying_memory(void) { in_a_row(1, 100 * count); }

static const struct test cases[] = {
	{ "all_at_once", all_at_once, 0 },
	{ "storm_of_signals", storm_of_signals, 0 },
	{ "handler_on_its_own_stack", handler_on_its_own_stack, 0 },
	{ "child_of_a_child", child_of_a_child, 0 },
	{ "thread_with_a_tiny_stack", thread_with_a_tiny_stack, 0 },
	{ "many_sharing_memory", many_sharing_memory, 0 },
	{ "many_copying_memory", many_copying_memory, 0 },
};

int
main(int argc, char **argv)
{
	int failed;

	if (getenv("SOAK_COUNT") != NULL)
		count = atoi(getenv("SOAK_COUNT"));
	totals = mmap(NULL, sizeof(*totals), PROT_READ | PROT_WRITE,
	    MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (totals == MAP_FAILED)
		return 2;
	failed = run_cases(cases, sizeof(cases) / sizeof(cases[0]), argc, argv);
	if (argc < 2 || strcmp(argv[1], "-l") != 0)
		printf("%ld clones, %ld pages more\t-\n", totals->clones, totals->pages_more);
	return failed;
}
