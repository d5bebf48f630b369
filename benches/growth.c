/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Copyright (c) 2026 The nbclone developers */
/*
 * How the cost grows.
 *
 *	growth memory MIB	spawn /bin/true from a process with MIB resident
 *	growth descriptors N	make a child from a process with N descriptors
 *	growth threads N	N threads that clone at once, for a fifth of a second
 *
 * Prints: what, size, who, nanoseconds (threads: children a second).
 * NBCLONE_LIB names the shared library.
 */
#include "bench.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <spawn.h>
#include <stdatomic.h>
#include <sys/mman.h>
#include <sys/resource.h>

#define COPYVM	0x100
#define COPYFD	0x200

extern char **environ;
static char stack[65536] __attribute__((aligned(16)));
static char *true_argv[] = { (char *)(size_t)"/bin/true", NULL };
static clone_function *nbclone;
static int (*linux1)(void *, unsigned long);

static int
execute(void *arg)
{
	(void)arg;
	execv(true_argv[0], true_argv);
	return 127;
}

static int
leave(void *arg)
{
	(void)arg;
	return 0;
}

static pid_t
by_fork(void)
{
	pid_t pid = fork();

	if (pid == 0)
		_exit(execute(NULL));
	return pid;
}

static pid_t
by_vfork(void)
{
	pid_t pid = vfork();

	if (pid == 0)
		_exit(execute(NULL));
	return pid;
}

static pid_t
by_posix_spawn(void)
{
	pid_t pid;

	return posix_spawn(&pid, true_argv[0], NULL, NULL, true_argv,
	    environ) == 0 ? pid : -1;
}

static pid_t
by_nbclone(void)
{
	return nbclone(execute, stack + sizeof stack,
	    CLONE_VM | CLONE_VFORK | SIGCHLD, NULL);
}

static pid_t
shared_table(void)
{
	return nbclone(leave, stack + sizeof stack,
	    CLONE_VM | CLONE_FILES | SIGCHLD, NULL);
}

static pid_t
copied_table(void)
{
	return nbclone(leave, stack + sizeof stack, CLONE_VM | SIGCHLD, NULL);
}

static pid_t
copied_files(void)
{
	pid_t pid = linux1(NULL, SIGCHLD | COPYVM | COPYFD);

	if (pid == 0)
		_exit(0);
	return pid;
}

/* The median of an odd number of runs. */
static int
compare(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

static void
report(const char *what, long size, const char *who, pid_t (*make)(void),
    int runs)
{
	double *costs = calloc((size_t)runs, sizeof *costs);
	int i;

	for (i = 0; i < runs; i++) {
		double start = now();
		pid_t pid = make();

		if (pid <= 0 || waitpid(pid, NULL, 0) != pid)
			die(who);
		costs[i] = now() - start;
	}
	qsort(costs, (size_t)runs, sizeof *costs, compare);
	printf("%s\t%ld\t%s\t%.0f\n", what, size, who, costs[runs / 2]);
	free(costs);
}

static void
memory(long mib)
{
	size_t size = (size_t)mib << 20;
	char *block = mmap(NULL, size ? size : 1, PROT_READ | PROT_WRITE,
	    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	int runs = mib > 512 ? 5 : 31;

	if (block == MAP_FAILED)
		die("mmap");
	/* Small pages, as most programs have: their tables are what costs. */
	madvise(block, size, MADV_NOHUGEPAGE);
	memset(block, 1, size);
	report("memory", mib, "fork", by_fork, runs);
	report("memory", mib, "vfork", by_vfork, runs);
	report("memory", mib, "posix_spawn", by_posix_spawn, runs);
	report("memory", mib, "nbclone", by_nbclone, runs);
}

static void
descriptors(long count)
{
	struct rlimit limit = { (rlim_t)count + 64, (rlim_t)count + 64 };
	long i;

	if (count > 900 && setrlimit(RLIMIT_NOFILE, &limit) != 0) {
		/* Only the superuser may have more than the hard limit. */
		printf("SKIP\t%ld\tRLIMIT_NOFILE\t%s\n", count, strerror(errno));
		return;
	}
	for (i = 0; i < count; i++)
		if (open("/etc/passwd", O_RDONLY) == -1)
			die("open");
	report("descriptors", count, "shared", shared_table, 31);
	report("descriptors", count, "copied", copied_table, 31);
	report("descriptors", count, "COPYFD", copied_files,
	    count > 10000 ? 3 : 11);
}

static atomic_int stop;
static atomic_long children;

static void *
cloner(void *arg)
{
	char *own = malloc(65536);
	clone_function *function = *(clone_function **)arg;

	while (!atomic_load(&stop)) {
		pid_t pid = function(leave, own + 65536, CLONE_VM | SIGCHLD,
		    NULL);

		if (pid <= 0 || waitpid(pid, NULL, 0) != pid)
			die("clone");
		atomic_fetch_add(&children, 1);
	}
	free(own);
	return NULL;
}

static void
throughput(long count, const char *who, clone_function *function)
{
	pthread_t *threads = calloc((size_t)count, sizeof *threads);
	struct timespec fifth = { 0, 200000000 };
	double start = now();
	long i;

	atomic_store(&stop, 0);
	atomic_store(&children, 0);
	for (i = 0; i < count; i++)
		if (pthread_create(&threads[i], NULL, cloner, &function) != 0)
			die("pthread_create");
	nanosleep(&fifth, NULL);
	atomic_store(&stop, 1);
	for (i = 0; i < count; i++)
		pthread_join(threads[i], NULL);
	printf("threads\t%ld\t%s\t%.0f\n", count, who,
	    (double)atomic_load(&children) * 1e9 / (now() - start));
	free(threads);
}

int
main(int argc, char **argv)
{
	long size = argc > 2 ? atol(argv[2]) : 0;

	*(void **)&nbclone = library_function("clone");
	*(void **)&linux1 = library_function("linux1_clone");
	if (argc != 3 || nbclone == NULL) {
		fprintf(stderr, "usage: NBCLONE_LIB=... growth "
		    "memory|descriptors|threads SIZE\n");
		return 2;
	}
	if (strcmp(argv[1], "memory") == 0)
		memory(size);
	else if (strcmp(argv[1], "descriptors") == 0)
		descriptors(size);
	else {
		throughput(size, "libc", (clone_function *)clone);
		throughput(size, "nbclone", nbclone);
	}
	return 0;
}
