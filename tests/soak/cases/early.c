/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Copyright (c) 2026 The nbclone developers */
/*
 * Calls before main: from .preinit_array, from a constructor that may run before
 * the library's, and in a thread that one has made. They obey NBCLONE_POLICY, and
 * so do the calls after them; a copied child made there is itself.
 *
 * Each call's result is kept, and becomes a case in main.
 */
#define _GNU_SOURCE
#include "beside.h"

/* A flag that NetBSD lacks and whose effect no test can see: shows the policy. */
#define OTHER_FLAG	CLONE_UNTRACED

struct seen {
	int result, error, status;
	int owner;			/* what the copied child's error-checking mutex says */
};

static struct seen in_preinit, in_constructor, in_thread;

static int
gives_seven(void *arg)
{
	(void)arg;
	return 7;
}

/* Its parent holds the mutex. */
static int
asks_for_the_owner(void *mutex)
{
	return pthread_mutex_unlock(mutex) == EPERM ? 7 : 1;
}

static void
look(struct seen *seen)
{
	pthread_mutexattr_t attributes;
	pthread_mutex_t mutex;
	pid_t pid;
	int status = 0;

	pthread_mutexattr_init(&attributes);
	pthread_mutexattr_settype(&attributes, PTHREAD_MUTEX_ERRORCHECK);
	pthread_mutex_init(&mutex, &attributes);
	errno = 0;
	seen->result = clone(gives_seven, next_stack(), OTHER_FLAG | SIGCHLD, NULL);
	seen->error = errno;
	if (seen->result > 0)
		waitpid(seen->result, &seen->status, 0);
	pthread_mutex_lock(&mutex);
#ifdef FORK
	pid = fork();
	if (pid == 0)
		_exit(asks_for_the_owner(&mutex));
#else
	pid = clone(asks_for_the_owner, next_stack(), SIGCHLD, &mutex);
#endif
	if (pid > 0)
		waitpid(pid, &status, 0);
	pthread_mutex_unlock(&mutex);
	seen->owner = status;
}

#ifdef __GLIBC__		/* musl runs no such functions */
static void
preinit(int argc, char **argv, char **env)
{
	(void)argc, (void)argv, (void)env;
	look(&in_preinit);
}

__attribute__((section(".preinit_array"), used)) static void
(*at_preinit)(int, char **, char **) = preinit;
#endif

static void *
look_in_thread(void *arg)
{
	look(arg);
	return NULL;
}

__attribute__((constructor(101))) static void
construct(void)
{
	pthread_t thread;

	look(&in_constructor);
	if (pthread_create(&thread, NULL, look_in_thread, &in_thread) == 0)
		pthread_join(thread, NULL);
}

static void
expect_policy(const struct seen *seen)
{
	if (policy_is("strict")) {
		expect("clone", seen->result, -1);
		expect("errno", seen->error, EINVAL);
		return;
	}
	if (seen->result <= 0)
		fail("no child: errno %d", seen->error);
	expect_exit(seen->status, 7);
}

#ifndef __GLIBC__
# define ONLY_GLIBC	not_applicable()
#else
# define ONLY_GLIBC	(void)0
#endif

static void policy_in_preinit(void) { ONLY_GLIBC; expect_policy(&in_preinit); }
static void policy_in_constructor(void) { expect_policy(&in_constructor); }
static void policy_in_constructors_thread(void) { expect_policy(&in_thread); }
static void identity_in_preinit(void) { ONLY_GLIBC; expect_exit(in_preinit.owner, 7); }
static void identity_in_constructor(void) { expect_exit(in_constructor.owner, 7); }
static void identity_in_constructors_thread(void) { expect_exit(in_thread.owner, 7); }

static void
policy_in_main(void)
{
	struct seen seen = { 0, 0, 0, 0 };

	look(&seen);
	expect_policy(&seen);
}

static void
identity_in_main(void)
{
	struct seen seen = { 0, 0, 0, 0 };

	look(&seen);
	expect_exit(seen.owner, 7);
}

static const struct test cases[] = {
	CASE(policy_in_preinit), CASE(policy_in_constructor),
	CASE(policy_in_constructors_thread), CASE(policy_in_main), CASE(identity_in_preinit),
	CASE(identity_in_constructor), CASE(identity_in_constructors_thread),
	CASE(identity_in_main),
};

int
main(int argc, char **argv)
{
	return RUN(cases);
}
