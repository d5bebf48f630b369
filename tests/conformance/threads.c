/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Copyright (c) 2026 The nbclone developers */
/*
 * Beside threads. Only with NBCLONE_TEST_THREADS defined: everything else here
 * needs no threads library.
 */
#include "suite.h"

#ifdef NBCLONE_TEST_THREADS
#include <pthread.h>

static volatile int stop, rounds;

static void *count(void *arg)
{
	(void)arg;
	while (!stop) {
		rounds++;
		scratch->cell[1]++;
		give_way();
	}
	return NULL;
}

/*
 * Waits for ever. Were func's thread alone to end, this one would live on: on
 * Linux it can see that, since exit_group marks all threads before the first
 * is gone, and none of them comes back from the kernel then.
 */
static void *outlive(void *arg)
{
	(void)arg;
	scratch->cell[0] = 1;
	for (;;) {
#ifdef __linux__
		char path[40], buffer[256];
		const char *state;
		ssize_t length;
		int fd;

		snprintf(path, sizeof path, "/proc/%ld/stat", (long)getpid());
		fd = open(path, O_RDONLY);
		length = read(fd, buffer, sizeof buffer - 1);
		close(fd);
		buffer[length > 0 ? length : 0] = '\0';
		state = strrchr(buffer, ')');
		if (state != NULL && state[1] == ' ' && state[2] == 'Z')
			_exit(77);
#endif
		give_way();
	}
	return NULL;
}

/* Not VM: the child has its parent's copy of libc to itself, as after fork. */
static int leave_a_thread(void *arg)
{
	pthread_t thread;

	(void)arg;
	if (pthread_create(&thread, NULL, outlive, NULL) != 0)
		return 90;
	while (scratch->cell[0] == 0)
		give_way();
	return 6;
}

static void whole_process_ends(long flags)
{
	pid_t pid;

#ifdef __NetBSD__
	/* libc's fork makes the page for its child, by an atfork handler; clone doesn't. */
	skip("a child of NetBSD's clone has no lwpctl page, and can't make threads");
#endif
	pid = clone(leave_a_thread, stack_top(0), (int)flags | SIGCHLD, NULL);
	check(pid > 0, "%s", returned(pid));
	differs(THREAD_EXIT, strcmp(waited(pid, 0), "exit6") == 0, "another thread lived on");
	check(scratch->cell[0] == 1, "there was no thread");
}

/*
 * How often the child gives way before it decides that the thread doesn't run. On
 * NetBSD each time takes 10 ms or more.
 */
#ifdef __NetBSD__
enum { PATIENCE = 500 };
#else
enum { PATIENCE = 20000 };
#endif

/* Until another thread of the parent has moved on, or has left its loop. */
static int watch_thread(void *arg)
{
	long seen = scratch->cell[1];
	int i;

	(void)arg;
	scratch->pid = getpid();
	for (i = 0; i < PATIENCE && !scratch->returned && scratch->cell[1] < seen + 3; i++)
		give_way();
	scratch->cell[2] = scratch->cell[1] >= seen + 3;
	scratch->done = 1;
	return 5;
}

/* Another thread of the parent runs on, also while VFORK blocks the caller. */
static void threaded_parent(long flags)
{
	const char *row = text("threaded-parent,%s", combination((int)flags));
	pthread_t thread;
	pid_t pid;
	int done, result;

	catch_signals(SIGUSR1);
	if (pthread_create(&thread, NULL, count, NULL) != 0)
		give_up("pthread_create");
	while (rounds == 0)
		give_way();
	pid = clone(watch_thread, stack_top(0), (int)flags | SIGUSR1, NULL);
	done = scratch->done;
	claim(14, row, "ret", returned(pid), "pid", 0);
	if (flags & CLONE_VFORK)
		claim(14, row, "blocked", number(done), "1", 0);
	claim(14, row, "reap", waited(pid, WALLSIG), "exit5", 0);
	if (flags & CLONE_VFORK)
		claim(14, row, "other-thread-ran-while-blocked", number(scratch->cell[2]), "1", 0);
	stop = 1;
	result = pthread_join(thread, NULL);
	claim(14, row, "joined", number(result == 0), "1", 0);
}

static long second_flags;

static void *clone_and_tell(void *arg)
{
	(void)arg;
	scratch->cell[4] = clone(watch_thread, stack_top(0), (int)second_flags | SIGUSR1, NULL);
	scratch->cell[5] = scratch->done;
	scratch->cell[6] = 1;
	return NULL;
}

/* The thread that clones is the one that waits, and any thread may reap. */
static void by_second_thread(long flags)
{
	const char *row = text("clone-by-2nd-thread,%s", combination((int)flags));
	pthread_t thread;

	second_flags = flags;
	catch_signals(SIGUSR1);
	if (pthread_create(&thread, NULL, clone_and_tell, NULL) != 0)
		give_up("pthread_create");
	while (scratch->cell[6] == 0) {
		scratch->cell[1]++;
		give_way();
	}
	scratch->returned = 1;
	if (flags & CLONE_VFORK) {
		claim(14, row, "cloning-thread-blocked", number(scratch->cell[5]), "1", 0);
		claim(14, row, "main-ran-meanwhile", number(scratch->cell[2]), "1", 0);
	}
	claim(14, row, "reap-by-main", waited((pid_t)scratch->cell[4], WALLSIG), "exit5", 0);
	check(pthread_join(thread, NULL) == 0, "%s: join", row);
}

void thread_cases(void)
{
	static const int all[] = {0, CLONE_VM, CLONE_VFORK, CLONE_VM | CLONE_VFORK,
	                          CLONE_VM | CLONE_FS | CLONE_FILES | CLONE_SIGHAND};
	size_t i;

	add(whole_process_ends, 0, "threads: func's return ends the whole process, none");
	add(whole_process_ends, CLONE_FILES, "threads: func's return ends the whole process, FILES");
	for (i = 0; i < sizeof all / sizeof all[0]; i++) {
		add(threaded_parent, all[i], "threads: a parent with two, %s", combination(all[i]));
		add(by_second_thread, all[i], "threads: the second one clones, %s",
		    combination(all[i]));
	}
}
#else
void thread_cases(void)
{
}
#endif
