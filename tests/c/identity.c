/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Copyright (c) 2026 The nbclone developers */
/* What libc in a child with memory of its own believes to be: itself, or its
 * parent?  Each case is a process of its own, from the first thread and from
 * another.  Prints a line a case; fails if one does.  With an argument, the
 * word that the kernel clears at a thread's end is none of libc's ids, as from
 * glibc 2.43 on. */
#define _GNU_SOURCE
#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#define STACK_SIZE 262144
#define SECONDS_TO_HANG 30

/* How the child of a case ends. */
enum { RIGHT = 40, WRONG = 41, SKIPPED = 42 };

/* In memory that parent and child share. */
static struct shared {
	pthread_mutex_t mutex;
	volatile pid_t handled_by;
	volatile int child_says;
	volatile int proceed;
} *shared;

struct test {
	const char *name;
	int (*child)(void *);		/* RIGHT, WRONG, or ends by a signal */
	int (*before)(void);		/* the parent, before; or NULL */
	int (*meanwhile)(void);		/* while the child waits; or NULL */
	int (*after)(void);		/* when it has ended; or NULL */
	int signal;			/* the child's end, or 0 */
};

static int verdict(int right)
{
	return right ? RIGHT : WRONG;
}

static void on_signal(int signal)
{
	(void)signal;
	shared->handled_by = (pid_t)syscall(SYS_getpid);
}

static pid_t real_pid(void)
{
	return (pid_t)syscall(SYS_getpid);
}

static int child_getpid(void *arg)
{
	(void)arg;
	return verdict(getpid() == real_pid());
}

static int child_schedparam(void *arg)
{
	struct sched_param none;

	(void)arg;
	memset(&none, 0, sizeof none);
	if (pthread_setschedparam(pthread_self(), SCHED_BATCH, &none) != 0)
		return WRONG;
	return verdict(syscall(SYS_sched_getscheduler, 0) == SCHED_BATCH);
}

static int after_schedparam(void)
{
	return verdict(syscall(SYS_sched_getscheduler, 0) == SCHED_OTHER);
}

static int child_affinity(void *arg)
{
	cpu_set_t set, all;
	int cpu;

	(void)arg;
	if (sched_getaffinity(0, sizeof all, &all) != 0)
		return WRONG;
	if (CPU_COUNT(&all) < 2)
		return SKIPPED;
	CPU_ZERO(&set);
	for (cpu = 0; !CPU_ISSET(cpu, &all); cpu++)
		;
	CPU_SET(cpu, &set);
	if (sched_setaffinity(0, sizeof set, &set) != 0)
		return WRONG;
	CPU_ZERO(&set);
	if (pthread_getaffinity_np(pthread_self(), sizeof set, &set) != 0)
		return WRONG;
	return verdict(CPU_COUNT(&set) == 1);
}

static int child_kill(void *arg)
{
	(void)arg;
	return verdict(pthread_kill(pthread_self(), SIGUSR1) == 0
	    && shared->handled_by == real_pid());
}

static int child_raise(void *arg)
{
	(void)arg;
	return verdict(raise(SIGUSR1) == 0 && shared->handled_by == real_pid());
}

static int child_abort(void *arg)
{
	(void)arg;
	abort();
}

static int make_mutex(int type, int robust)
{
	pthread_mutexattr_t attributes;

	return verdict(pthread_mutexattr_init(&attributes) == 0
	    && pthread_mutexattr_settype(&attributes, type) == 0
	    && pthread_mutexattr_setpshared(&attributes, PTHREAD_PROCESS_SHARED) == 0
	    && (!robust || pthread_mutexattr_setrobust(&attributes,
	    PTHREAD_MUTEX_ROBUST) == 0)
	    && pthread_mutex_init(&shared->mutex, &attributes) == 0);
}

static int make_checking(void)
{
	return make_mutex(PTHREAD_MUTEX_ERRORCHECK, 0);
}

static int make_recursive(void)
{
	return make_mutex(PTHREAD_MUTEX_RECURSIVE, 0);
}

static int make_robust(void)
{
	return make_mutex(PTHREAD_MUTEX_NORMAL, 1);
}

/* The child holds the mutex until its parent has looked at it. */
static int hold(void)
{
	int error = pthread_mutex_lock(&shared->mutex);

	shared->child_says = error == 0 ? RIGHT : WRONG;
	while (!shared->proceed)
		sched_yield();
	return error;
}

static int await_holder(void)
{
	while (shared->child_says == 0)
		sched_yield();
	return shared->child_says;
}

static int child_checking(void *arg)
{
	(void)arg;
	return verdict(hold() == 0
	    && pthread_mutex_lock(&shared->mutex) == EDEADLK
	    && pthread_mutex_unlock(&shared->mutex) == 0);
}

static int parent_isnt_owner(void)
{
	return verdict(await_holder() == RIGHT
	    && pthread_mutex_unlock(&shared->mutex) == EPERM
	    && pthread_mutex_trylock(&shared->mutex) == EBUSY);
}

/* The parent holds it: the child is another owner. */
static int held_checking(void)
{
	return verdict(make_checking() == RIGHT
	    && pthread_mutex_lock(&shared->mutex) == 0);
}

static int child_isnt_owner(void *arg)
{
	(void)arg;
	return verdict(pthread_mutex_unlock(&shared->mutex) == EPERM
	    && pthread_mutex_trylock(&shared->mutex) == EBUSY);
}

static int still_owner(void)
{
	return verdict(pthread_mutex_unlock(&shared->mutex) == 0);
}

static int child_recursive(void *arg)
{
	(void)arg;
	return verdict(hold() == 0
	    && pthread_mutex_lock(&shared->mutex) == 0
	    && pthread_mutex_unlock(&shared->mutex) == 0
	    && pthread_mutex_unlock(&shared->mutex) == 0);
}

static int child_robust(void *arg)
{
	(void)arg;
	return verdict(hold() == 0);	/* and ends with it */
}

static int parent_inherits(void)
{
	return verdict(pthread_mutex_trylock(&shared->mutex) == EOWNERDEAD
	    && pthread_mutex_consistent(&shared->mutex) == 0
	    && pthread_mutex_unlock(&shared->mutex) == 0);
}

static const struct test tests[] = {
	{ "getpid", child_getpid, NULL, NULL, NULL, 0 },
	{ "pthread_setschedparam", child_schedparam, NULL, NULL, after_schedparam, 0 },
	{ "pthread_getaffinity_np", child_affinity, NULL, NULL, NULL, 0 },
	{ "pthread_kill", child_kill, NULL, NULL, NULL, 0 },
	{ "raise", child_raise, NULL, NULL, NULL, 0 },
	{ "abort", child_abort, NULL, NULL, NULL, SIGABRT },
	{ "error-checking mutex", child_checking, make_checking, parent_isnt_owner, NULL, 0 },
	{ "error-checking mutex of the parent", child_isnt_owner, held_checking, NULL, still_owner, 0 },
	{ "recursive mutex", child_recursive, make_recursive, parent_isnt_owner, NULL, 0 },
	{ "robust mutex", child_robust, make_robust, parent_isnt_owner, parent_inherits, 0 },
};

static int elsewhere;
static int cleared_at_end;

#define TESTS (sizeof tests / sizeof tests[0])

/* One case, in a process of its own.  The parent's own identity counts too. */
static int run(const struct test *test)
{
	char *stack = malloc(STACK_SIZE);
	int status, result = RIGHT;
	pid_t pid;

	if (stack == NULL || signal(SIGUSR1, on_signal) == SIG_ERR)
		return WRONG;
	if (test->before != NULL && test->before() != RIGHT)
		return WRONG;
	if (elsewhere)
		syscall(SYS_set_tid_address, &cleared_at_end);
	pid = clone(test->child, stack + STACK_SIZE, SIGCHLD, NULL);
	if (pid < 0)
		return WRONG;
	if (test->meanwhile != NULL)
		result = test->meanwhile();
	shared->proceed = 1;
	if (waitpid(pid, &status, 0) != pid)
		return WRONG;
	if (test->signal != 0) {
		if (!WIFSIGNALED(status) || WTERMSIG(status) != test->signal)
			result = WRONG;
	} else if (!WIFEXITED(status) || WEXITSTATUS(status) != RIGHT) {
		result = WIFEXITED(status) && WEXITSTATUS(status) == SKIPPED
		    ? SKIPPED : WRONG;
	}
	if (shared->handled_by == real_pid())
		result = WRONG;
	if (test->after != NULL && test->after() != RIGHT)
		result = WRONG;
	if (raise(SIGUSR1) != 0 || shared->handled_by != real_pid())
		result = WRONG;
	return result;
}

static void *run_in_thread(void *test)
{
	exit(run(test));
}

static int start(const struct test *test, int in_thread)
{
	pthread_t thread;

	alarm(SECONDS_TO_HANG);
	if (!in_thread)
		return run(test);
	if (pthread_create(&thread, NULL, run_in_thread, (void *)test) != 0)
		return WRONG;
	pthread_join(thread, NULL);
	return WRONG;
}

int main(int argc, char **argv)
{
	int counts[3] = { 0, 0, 0 };
	size_t i;

	(void)argv;
	elsewhere = argc > 1;
	for (i = 0; i < 2 * TESTS; i++) {
		const struct test *test = &tests[i / 2];
		const char *from = i % 2 ? "another thread" : "the first thread";
		static const char *const words[] = { "PASS", "FAIL", "SKIP" };
		int status, result = WRONG;
		pid_t pid;

		shared = mmap(NULL, sizeof *shared, PROT_READ | PROT_WRITE,
		    MAP_SHARED | MAP_ANONYMOUS, -1, 0);
		if (shared == MAP_FAILED)
			return 2;
		fflush(stdout);
		pid = fork();
		if (pid == 0)
			_exit(start(test, (int)(i % 2)));
		if (pid > 0 && waitpid(pid, &status, 0) == pid
		    && WIFEXITED(status) && WEXITSTATUS(status) >= RIGHT
		    && WEXITSTATUS(status) <= SKIPPED)
			result = WEXITSTATUS(status);
		printf("%s %s, from %s%s\n", words[result - RIGHT], test->name,
		    from, result == SKIPPED ? " (one CPU only)" : "");
		counts[result - RIGHT]++;
		munmap(shared, sizeof *shared);
	}
	printf("%d passed, %d failed, %d skipped\n", counts[0], counts[1], counts[2]);
	return counts[1] != 0;
}
