/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Copyright (c) 2026 The nbclone developers */
/*
 * The library itself, loaded and unloaded while the program runs:
 *
 *	reload LIBRARY TIMES		with children between, and no growth
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>

typedef int cloner(int (*)(void *), void *, int, void *, ...);

static char stack[16384] __attribute__((aligned(16)));

static int
func(void *arg)
{
	return *(int *)arg;
}

static int
mappings(void)
{
	FILE *maps = fopen("/proc/self/maps", "r");
	int lines = 0, byte;

	while ((byte = fgetc(maps)) != EOF)
		lines += byte == '\n';
	fclose(maps);
	return lines;
}

int
main(int argc, char **argv)
{
	static const int modes[] = { RTLD_NOW, RTLD_LAZY, RTLD_NOW | RTLD_GLOBAL,
		RTLD_NOW | RTLD_DEEPBIND };
	int times = argc > 2 ? atoi(argv[2]) : 0, before = 0, i;

	for (i = 0; i < times; i++) {
		void *library = dlopen(argv[1], modes[i % 4]);
		int seven = 7, status, flags = i & 4 ? SIGCHLD : CLONE_VM | SIGCHLD;
		cloner *call = NULL;
		pid_t pid;

		if (library != NULL)
			*(void **)&call = dlsym(library, "clone");
		if (call == NULL || call == clone) {
			printf("no clone of its own in %s\n", argv[1]);
			return 1;
		}
		pid = call(func, stack + sizeof(stack), flags, &seven);
		/* Under strict, so that it is not the host's. */
		if (call(func, stack + sizeof(stack), CLONE_UNTRACED | SIGCHLD, &seven) != -1 ||
		    pid == -1 || waitpid(pid, &status, 0) != pid || status != 7 << 8)
			return 1;
		if (dlclose(library) != 0)
			return 1;
		if (i == 8)
			before = mappings();
	}
	if (mappings() != before) {
		printf("%d mappings, then %d\n", before, mappings());
		return 1;
	}
	printf("%d times\n", times);
	return 0;
}
