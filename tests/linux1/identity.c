/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Copyright (c) 2026 The nbclone developers */
/* With memory copied, libc in the child knows its own thread. */
#include "linux1.h"

#include <pthread.h>
#include <sys/syscall.h>
#include <time.h>

static volatile sig_atomic_t caught_by;

static void catcher(int signal)
{
	(void)signal;
	caught_by = getpid();
}

static void signal_itself(void)
{
	clockid_t clock = 0;

	caught_by = 0;
	raise(SIGUSR1);
	check(caught_by == getpid(), "raise: signal caught by %ld", (long)caught_by);
	caught_by = 0;
	check(pthread_kill(pthread_self(), SIGUSR1) == 0, "pthread_kill");
	check(caught_by == getpid(), "pthread_kill: caught by %ld", (long)caught_by);
	/* A thread's clock is named after the id that libc knows of it. */
	check(pthread_getcpuclockid(pthread_self(), &clock) == 0 &&
	          ~((long)clock >> 3) == syscall(SYS_gettid),
	      "libc's thread id is %ld", ~((long)clock >> 3));
}

static void knows_itself(long mode)
{
	signal(SIGUSR1, catcher);
	expect_exit(in_child(mode & 3, (unsigned long)mode & COPYFD, signal_itself), 0);
	check(caught_by == 0, "the parent got the child's signal");
	raise(SIGUSR1);
	check(caught_by == getpid(), "the parent's own raise");
}

/* A robust mutex that the child holds when it ends is the next owner's. */
static pthread_mutex_t *mutex;

static void die_with_it(void)
{
	check(pthread_mutex_lock(mutex) == 0, "lock");
}

static void robust(long mode)
{
	pthread_mutexattr_t attributes;

	mutex = mmap(NULL, sizeof *mutex, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANON, -1, 0);
	if (mutex == MAP_FAILED)
		give_up("mmap");
	pthread_mutexattr_init(&attributes);
	pthread_mutexattr_setpshared(&attributes, PTHREAD_PROCESS_SHARED);
	if (pthread_mutexattr_setrobust(&attributes, PTHREAD_MUTEX_ROBUST) != 0)
		skip("no robust mutexes here");
	pthread_mutex_init(mutex, &attributes);
	expect_exit(in_child((enum mode)mode, 0, die_with_it), 0);
	check(pthread_mutex_trylock(mutex) == EOWNERDEAD, "the mutex isn't the dead child's");
}

/* In shared memory, that state is the parent's and left alone. */
static void do_nothing(void)
{
}

static void parents_stays(long fd_flag)
{
	signal(SIGUSR1, catcher);
	expect_exit(in_child(SHARED, (unsigned long)fd_flag, do_nothing), 0);
	check(pthread_kill(pthread_self(), SIGUSR1) == 0 && caught_by == getpid(),
	      "the parent's thread id");
}

void identity_cases(void)
{
	add(knows_itself, FORKED, "libc knows the child's thread id (sp 0)");
	add(knows_itself, COPIED, "libc knows the child's thread id (sp)");
	add(knows_itself, COPIED | COPYFD, "libc knows the child's thread id (sp, COPYFD)");
	add(robust, FORKED, "robust mutexes (sp 0)");
	add(robust, COPIED, "robust mutexes (sp)");
	add(parents_stays, 0, "the parent's thread id stays");
	add(parents_stays, COPYFD, "the parent's thread id stays (COPYFD)");
}
