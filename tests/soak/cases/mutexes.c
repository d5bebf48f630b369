/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Copyright (c) 2026 The nbclone developers */
/*
 * Robust and priority-inheriting mutexes around a child with copied memory:
 * the parent's list of what it holds stays its own, with no mutex in it, one
 * or three, and the child's end is no end of its parent's ownership. After
 * fork(2) all of this holds.
 */
#define _GNU_SOURCE
#include "beside.h"

#include <time.h>

#define MOST_HELD	3

static struct shared {
	pthread_mutex_t held[MOST_HELD], contended, left, inheriting, both;
	volatile int step;
} *shared;

static int held_count;
static int is_registered = 1;		/* the list, in the kernel */

struct robust_list {
	struct robust_list *next;
};

/* What the kernel would walk through at this thread's end. */
static int
listed(void)
{
	struct robust_list *head = NULL, *entry;
	size_t size = 0;
	int count = 0;

	if (syscall(SYS_get_robust_list, 0, &head, &size) == -1 || head == NULL)
		return 0;		/* musl registers it with the first robust mutex */
	for (entry = head->next; entry != head && count < 100; entry = entry->next)
		count++;
	return count;
}

static void
make_mutexes(void)
{
	pthread_mutexattr_t robust, inheriting, both;
	int i;

	memset(shared, 0, sizeof(*shared));
	pthread_mutexattr_init(&robust);
	pthread_mutexattr_setpshared(&robust, PTHREAD_PROCESS_SHARED);
	inheriting = robust;
	pthread_mutexattr_setrobust(&robust, PTHREAD_MUTEX_ROBUST);
	pthread_mutexattr_setprotocol(&inheriting, PTHREAD_PRIO_INHERIT);
	pthread_mutexattr_settype(&inheriting, PTHREAD_MUTEX_ERRORCHECK);
	both = inheriting;
	pthread_mutexattr_setrobust(&both, PTHREAD_MUTEX_ROBUST);
	for (i = 0; i < MOST_HELD; i++)
		pthread_mutex_init(&shared->held[i], &robust);
	pthread_mutex_init(&shared->contended, &robust);
	pthread_mutex_init(&shared->left, &robust);
	pthread_mutex_init(&shared->inheriting, &inheriting);
	pthread_mutex_init(&shared->both, &both);
}

static void
hold(void)
{
	int i;

	for (i = 0; i < held_count; i++)
		expect("lock", pthread_mutex_lock(&shared->held[i]), 0);
}

static void
let_go(void)
{
	int i;

	if (is_registered)
		expect("mutexes in its parent's list", listed(), held_count);
	for (i = 0; i < held_count; i++)
		expect("unlock by its owner", pthread_mutex_unlock(&shared->held[i]), 0);
	expect("mutexes in the list at last", listed(), 0);
	/* What the list was corrupted by is used. */
	for (i = 0; i < MOST_HELD; i++) {
		expect("lock again", pthread_mutex_lock(&shared->held[i]), 0);
		expect("unlock again", pthread_mutex_unlock(&shared->held[i]), 0);
	}
}

static int
does_nothing(void *arg)
{
	(void)arg;
	return 7;
}

static int
uses_one(void *arg)
{
	(void)arg;
	expect("lock in the child", pthread_mutex_lock(&shared->left), 0);
	expect("unlock in the child", pthread_mutex_unlock(&shared->left), 0);
	return 7;
}

static int
dies_as_owner(void *arg)
{
	(void)arg;
	expect("lock in the child", pthread_mutex_lock(&shared->left), 0);
	return 7;
}

static int
finds_them_held(void *arg)
{
	int i;

	(void)arg;
	for (i = 0; i < held_count; i++)
		expect("trylock in the child", pthread_mutex_trylock(&shared->held[i]), EBUSY);
	return 7;
}

static void
around(int (*func)(void *))
{
	pid_t pid;

	make_mutexes();
	hold();
	expect_exit(wait_for(start(SIGCHLD, func, NULL)), 7);
	pid = fork();
	if (pid == 0)
		_exit(finds_them_held(NULL));
	expect_exit(wait_for(pid), 7);
	let_go();
}

static void
inherits(void)
{
	expect("trylock of what the child left", pthread_mutex_trylock(&shared->left), EOWNERDEAD);
	expect("pthread_mutex_consistent", pthread_mutex_consistent(&shared->left), 0);
	expect("its unlock", pthread_mutex_unlock(&shared->left), 0);
}

static void child_does_nothing(void) { around(does_nothing); }
static void child_uses_one(void) { around(uses_one); }
static void child_finds_them_held(void) { around(finds_them_held); }
static void child_dies_as_owner(void) { around(dies_as_owner); inherits(); }

/* For a child that may die instead. */
static void
await(int step, pid_t pid)
{
	siginfo_t info;

	while (shared->step < step) {
		info.si_pid = 0;
		if (waitid(P_PID, (id_t)pid, &info, WEXITED | WNOHANG | WNOWAIT) == -1 ||
		    info.si_pid == pid)
			fail("the child ends at once");
		sched_yield();
	}
}

/* The child waits for what its parent holds, gets it, and dies with it. */
static int
waits_for_one(void *arg)
{
	(void)arg;
	shared->step = 1;
	expect("lock in the child", pthread_mutex_lock(&shared->contended), 0);
	return 7;
}

static void
child_waits_and_dies(void)
{
	pid_t pid;

	make_mutexes();
	hold();
	expect("lock", pthread_mutex_lock(&shared->contended), 0);
	pid = start(SIGCHLD, waits_for_one, NULL);
	await(1, pid);
	expect("unlock", pthread_mutex_unlock(&shared->contended), 0);
	expect_exit(wait_for(pid), 7);
	expect("trylock", pthread_mutex_trylock(&shared->contended), EOWNERDEAD);
	pthread_mutex_consistent(&shared->contended);
	expect("unlock", pthread_mutex_unlock(&shared->contended), 0);
	let_go();
}

/* The parent holds one whose owner has died before. */
static void
parent_inherited_one(void)
{
	pid_t pid;

	make_mutexes();
	pid = fork();
	if (pid == 0)
		_exit(pthread_mutex_lock(&shared->left) == 0 ? 7 : 1);
	expect_exit(wait_for(pid), 7);
	hold();
	expect("trylock", pthread_mutex_trylock(&shared->left), EOWNERDEAD);
	expect_exit(wait_for(start(SIGCHLD, does_nothing, NULL)), 7);
	expect("pthread_mutex_consistent", pthread_mutex_consistent(&shared->left), 0);
	expect("unlock", pthread_mutex_unlock(&shared->left), 0);
	let_go();
}

#define WITH(count, name) \
	static void name##_##count##_held(void) { held_count = count; name(); }
#define WITH_EACH(name) \
	WITH(0, name) WITH(1, name) WITH(3, name)
WITH_EACH(child_does_nothing)
WITH_EACH(child_uses_one)
WITH_EACH(child_finds_them_held)
WITH_EACH(child_dies_as_owner)
WITH_EACH(child_waits_and_dies)
WITH_EACH(parent_inherited_one)

static void
threads_child_dies_as_owner(void)
{
	held_count = 1;
	on_thread(child_dies_as_owner);
}

static void
sharing_childs_child_dies_as_owner(void)
{
	held_count = 1;
	is_registered = 0;		/* a child that shares memory has no list */
	in_sharing_child(child_dies_as_owner);
}

/* Priority inheritance: the kernel itself compares the owner's id. */
static int
holds_inheriting(void *arg)
{
	(void)arg;
	expect("lock in the child", pthread_mutex_lock(&shared->inheriting), 0);
	shared->step = 1;
	while (shared->step == 1)
		sched_yield();
	expect("unlock in the child", pthread_mutex_unlock(&shared->inheriting), 0);
	return 7;
}

static void
priority_inheriting(void)
{
	struct timespec soon;
	pid_t pid;
	int error;

	make_mutexes();
	error = pthread_mutex_trylock(&shared->inheriting);
	if (error == ENOTSUP || error == ENOSYS)
		skip_case("no priority inheritance");
	expect("trylock", error, 0);
	expect("unlock", pthread_mutex_unlock(&shared->inheriting), 0);
	pid = start(SIGCHLD, holds_inheriting, NULL);
	await(1, pid);
	/* A deadlock, if it says that this thread is the owner. */
	clock_gettime(CLOCK_REALTIME, &soon);
	soon.tv_sec--;
	expect("timed lock of the child's",
	    pthread_mutex_timedlock(&shared->inheriting, &soon), ETIMEDOUT);
	expect("trylock of the child's", pthread_mutex_trylock(&shared->inheriting), EBUSY);
	shared->step = 2;
	expect("lock of the child's", pthread_mutex_lock(&shared->inheriting), 0);
	expect_exit(wait_for(pid), 7);
	expect("unlock", pthread_mutex_unlock(&shared->inheriting), 0);
}

static int
dies_as_owner_of_both(void *arg)
{
	(void)arg;
	expect("lock in the child", pthread_mutex_lock(&shared->both), 0);
	return 7;
}

static void
robust_and_inheriting(void)
{
	held_count = 1;
	make_mutexes();
	hold();
	expect_exit(wait_for(start(SIGCHLD, dies_as_owner_of_both, NULL)), 7);
	expect("trylock of what the child left", pthread_mutex_trylock(&shared->both), EOWNERDEAD);
	expect("pthread_mutex_consistent", pthread_mutex_consistent(&shared->both), 0);
	expect("unlock", pthread_mutex_unlock(&shared->both), 0);
	let_go();
}

/* Owner and child have the same id, each in a namespace of its own. */
static void
as_first_of_two_namespaces(void)
{
	pid_t pid;

#ifdef FORK
	not_applicable();
#endif
	expect("getpid", getpid(), 1);
	make_mutexes();
	hold();
	expect_exit(wait_for(start(CLONE_NEWPID | SIGCHLD, does_nothing, NULL)), 7);
	pid = fork();
	if (pid == 0)
		_exit(finds_them_held(NULL));
	expect_exit(wait_for(pid), 7);
	let_go();
}

static void
namespaces_with_one_id(void)
{
	held_count = 1;
	if (unshare(CLONE_NEWPID) == -1)
		skip_case("wants root");
	in_process(as_first_of_two_namespaces);
}

static void child_of_a_namespace_with_the_same_id(void) { in_process(namespaces_with_one_id); }

#define EACH(name)	CASE(name##_0_held), CASE(name##_1_held), CASE(name##_3_held)

static const struct test cases[] = {
	EACH(child_does_nothing), EACH(child_uses_one), EACH(child_finds_them_held),
	EACH(child_dies_as_owner), EACH(child_waits_and_dies), EACH(parent_inherited_one),
	CASE(threads_child_dies_as_owner), CASE(sharing_childs_child_dies_as_owner),
	CASE(priority_inheriting), CASE(robust_and_inheriting),
	CASE(child_of_a_namespace_with_the_same_id),
};

int
main(int argc, char **argv)
{
	shared = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (shared == MAP_FAILED)
		return 2;
	return RUN(cases);
}
