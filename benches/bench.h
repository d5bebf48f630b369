/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Copyright (c) 2026 The nbclone developers */
/* What the benchmarks share: clocks, and the clones that are compared. */
#ifndef BENCH_H
#define BENCH_H

#define _GNU_SOURCE
#include <dlfcn.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/types.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

typedef int clone_function(int (*)(void *), void *, int, void *, ...);

static inline double
now(void)
{
	struct timespec time;

	clock_gettime(CLOCK_MONOTONIC, &time);
	return (double)time.tv_sec * 1e9 + (double)time.tv_nsec;
}

static inline void
die(const char *what)
{
	perror(what);
	exit(1);
}

/* A function of the library in NBCLONE_LIB, or NULL: there is none. */
static inline void *
library_function(const char *name)
{
	const char *path = getenv("NBCLONE_LIB");
	void *library = path ? dlopen(path, RTLD_NOW | RTLD_LOCAL) : NULL;

	return library ? dlsym(library, name) : NULL;
}

#endif
