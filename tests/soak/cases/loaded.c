/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Copyright (c) 2026 The nbclone developers */
/*
 * The library loaded by the program itself: in a thread, in a namespace of its
 * own, and closed while children run in it. BESIDE_LIBRARY is its path; without
 * one, nothing of this is applicable.
 */
#define _GNU_SOURCE
#include "beside.h"

#include <dlfcn.h>

typedef int cloner(int (*)(void *), void *, int, void *, ...);

static struct shared {
	pthread_mutex_t held;
	volatile int may_end;
} *shared;

static void *library;
static cloner *call;

static void
load(void)
{
	const char *path = getenv("BESIDE_LIBRARY");

	if (path == NULL)
		not_applicable();
	library = dlopen(path, RTLD_NOW);
	if (library == NULL)
		fail("dlopen: %s", dlerror());
	*(void **)&call = dlsym(library, "clone");
	if (call == NULL || call == clone)
		fail("no clone of its own");
}

static int
asks_for_the_owner(void *arg)
{
	(void)arg;
	return pthread_mutex_unlock(&shared->held) == EPERM ? 7 : 1;
}

static int
waits(void *arg)
{
	(void)arg;
	while (!shared->may_end)
		sched_yield();
	return 7;
}

static void
check_identity(void)
{
	pid_t pid;

	expect("lock", pthread_mutex_lock(&shared->held), 0);
	pid = call(asks_for_the_owner, next_stack(), SIGCHLD, NULL);
	if (pid == -1)
		fail("errno %d", errno);
	expect_exit(wait_for(pid), 7);
	expect("unlock", pthread_mutex_unlock(&shared->held), 0);
}

static void load_and_check(void) { load(); check_identity(); }
static void loaded(void) { in_process(load_and_check); }
static void check_in_thread(void) { on_thread(load_and_check); }
static void loaded_in_a_thread(void) { in_process(check_in_thread); }

static void
load_in_thread_and_check_here(void)
{
	on_thread(load);
	check_identity();
}

static void loaded_in_a_thread_called_in_another(void) { in_process(load_in_thread_and_check_here); }

static void
load_in_raw_child(void)
{
	in_raw_child(load_and_check);
}

static void loaded_in_a_raw_child(void) { in_process(load_in_raw_child); }

/* Learnt where set_tid_address(2) has been used before, and where not. */
static void
load_after_set_tid_address(void)
{
	static int word;

	word = (int)syscall(SYS_gettid);
	syscall(SYS_set_tid_address, &word);
	load_and_check();
	expect("the program's word", word, (int)syscall(SYS_gettid));
}

static void loaded_after_set_tid_address(void) { in_process(load_after_set_tid_address); }

static void
load_apart(void)
{
#ifdef LM_ID_NEWLM
	const char *path = getenv("BESIDE_LIBRARY");

	if (path == NULL)
		not_applicable();
	library = dlmopen(LM_ID_NEWLM, path, RTLD_NOW);
	if (library == NULL)
		fail("dlmopen: %s", dlerror());
	*(void **)&call = dlsym(library, "clone");
	check_identity();
#else
	not_applicable();
#endif
}

static void loaded_in_a_namespace(void) { in_process(load_apart); }

/* The text behind func's return address stays. */
static int shape;

static void
close_under_child(void)
{
	pid_t pid;

	load();
	pid = call(waits, next_stack(), shape, NULL);
	if (pid == -1)
		fail("errno %d", errno);
	dlclose(library);
	shared->may_end = 1;
	expect_exit(wait_for(pid), 7);
}

static void
closed_under(int flags)
{
	shape = flags;
	shared->may_end = 0;
	in_process(close_under_child);
}

static void closed_under_a_sharing_child(void) { closed_under(CLONE_VM | SIGCHLD); }
static void closed_under_a_copied_child(void) { closed_under(SIGCHLD); }

static void
close_under_thread(void)
{
	on_thread(close_under_child);
}

static void
closed_under_a_threads_child(void)
{
	shape = CLONE_VM | SIGCHLD;
	shared->may_end = 0;
	in_process(close_under_thread);
}

/* A child that closes the library which it will return into. */
static int
closes(void *arg)
{
	dlclose(arg);
	return 7;
}

static void
close_in_child(void)
{
	load();
	expect_exit(wait_for(call(closes, next_stack(), SHARED, library)), 7);
	expect_exit(wait_for(call(closes, next_stack(), SIGCHLD, library)), 7);
}

static void closed_by_its_child(void) { in_process(close_in_child); }

static const struct test cases[] = {
	CASE(loaded), CASE(loaded_in_a_thread), CASE(loaded_in_a_thread_called_in_another),
	CASE(loaded_in_a_raw_child), CASE(loaded_after_set_tid_address),
	CASE(loaded_in_a_namespace), CASE(closed_under_a_sharing_child),
	CASE(closed_under_a_copied_child), CASE(closed_under_a_threads_child),
	CASE(closed_by_its_child),
};

int
main(int argc, char **argv)
{
	pthread_mutexattr_t attributes;

	shared = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (shared == MAP_FAILED)
		return 2;
	pthread_mutexattr_init(&attributes);
	pthread_mutexattr_settype(&attributes, PTHREAD_MUTEX_ERRORCHECK);
	pthread_mutexattr_setpshared(&attributes, PTHREAD_PROCESS_SHARED);
	pthread_mutex_init(&shared->held, &attributes);
	return RUN(cases);
}
