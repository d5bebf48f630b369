/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Copyright (c) 2026 The nbclone developers */
/*
 * beside.h - what the programs of tests/soak/beside share: the call that is
 * judged, stacks for its children, and places to make it from.
 *
 * -DFORK: the judged call is fork(2), for children with copied memory.
 */
#ifndef BESIDE_H
#define BESIDE_H

#include "../campaign.h"
#include "../endings.h"

#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#define STACKS		16

/* The end of another stack: the sixteenth from here on is the same again. */
static inline char *
next_stack(void)
{
	static char stacks[STACKS][STACK_SIZE] __attribute__((aligned(64)));
	static unsigned next;
	unsigned mine = __atomic_fetch_add(&next, 1, __ATOMIC_RELAXED) % STACKS;

	return stacks[mine] + STACK_SIZE;
}

/* A child that runs func(arg) and ends with its value. */
static inline pid_t
start(int flags, int (*func)(void *), void *arg)
{
	pid_t pid;

#ifdef FORK
	if ((flags & ~0xff) != 0)
		not_applicable();
	pid = fork();
	if (pid == 0)
		_exit(func(arg));
#else
	pid = clone(func, next_stack(), flags, arg);
#endif
	if (pid == -1)
		fail("no child: errno %d", errno);
	return pid;
}

/* Whether the library is in this process at all. */
static inline int
is_ours(void)
{
	return linux1_clone != NULL;
}

/* Whether NBCLONE_POLICY is this one. */
static inline int
policy_is(const char *name)
{
	const char *value = getenv("NBCLONE_POLICY");

	return is_ours() && strcmp(value != NULL ? value : "strict", name) == 0;
}

/* fork as a raw system call: libc's repair of the child is left out. */
static inline pid_t
raw_fork(void)
{
#ifdef SYS_fork
	return (pid_t)syscall(SYS_fork);
#elif defined(__s390x__)
	return (pid_t)syscall(SYS_clone, 0, SIGCHLD, 0, 0, 0);
#else
	return (pid_t)syscall(SYS_clone, SIGCHLD, 0, 0, 0, 0);
#endif
}

/* A part of a case in a process of its own ends as the case does. */
static inline void
take_over(int status)
{
	if (WIFSIGNALED(status))
		fail("dies: %s", strsignal(WTERMSIG(status)));
	if (WEXITSTATUS(status) != 0)
		_exit(WEXITSTATUS(status));
}

/* For what can't be undone: filters, limits, other users. */
static inline void
in_process(void (*body)(void))
{
	pid_t pid = fork();

	if (pid == 0) {
		body();
		_exit(0);
	}
	take_over(wait_for(pid));
}

static struct {
	void (*body)(void);
	volatile int is_made, is_done;
} beside_thread;

static inline void *
run_beside_thread(void *arg)
{
	while (!beside_thread.is_made)
		sched_yield();
	beside_thread.body();
	beside_thread.is_done = 1;
	return arg;
}

/* In a second thread, whose stack stays no mapping of libc's. Meanwhile the
 * first one writes to its own stack alone. */
static inline void
on_thread(void (*body)(void))
{
	static char stack[4 * STACK_SIZE] __attribute__((aligned(4096)));
	pthread_attr_t attributes;
	pthread_t thread;

	pthread_attr_init(&attributes);
	pthread_attr_setstack(&attributes, stack, sizeof(stack));
	beside_thread.body = body;
	beside_thread.is_made = beside_thread.is_done = 0;
	expect("pthread_create", pthread_create(&thread, &attributes, run_beside_thread,
	    NULL), 0);
	beside_thread.is_made = 1;
	while (!beside_thread.is_done)
		sched_yield();
	pthread_join(thread, NULL);
	pthread_attr_destroy(&attributes);
}

/* In a child that shares this memory, as vfork's do. */
static inline int
beside_child(void *body)
{
	(*(void (**)(void))body)();
	return 0;
}

static inline void
in_sharing_child(void (*body)(void))
{
	pid_t pid = clone(beside_child, next_stack(), SHARED, (void *)&body);

	if (pid == -1)
		fail("no sharing child: errno %d", errno);
	take_over(wait_for(pid));
}

/* By a raw system call, of which libc doesn't know. */
static inline void
in_raw_child(void (*body)(void))
{
	pid_t pid = raw_fork();

	if (pid == 0) {
		body();
		_exit(0);
	}
	take_over(wait_for(pid));
}

#define CASE(name)	{ #name, name, 0 }
#define RUN(cases)	run_cases(cases, sizeof(cases) / sizeof(cases[0]), argc, argv)

#endif /* BESIDE_H */
