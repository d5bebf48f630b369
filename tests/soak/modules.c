/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Copyright (c) 2026 The nbclone developers */
/*
 * A module that clones, loaded by a program that doesn't, as it is bound now or
 * with RTLD_DEEPBIND. A flag word that strict refuses tells whose clone it is.
 *
 *	modules made|refused MODULE now|deep ...
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>

#ifdef MODULE

static int
func(void *arg)
{
	return *(int *)arg;
}

extern int call_in_module(int flags);

/* The child's pid, or -errno. */
int
call_in_module(int flags)
{
	static char stack[16384] __attribute__((aligned(16)));
	static int seven = 7;
	int pid = clone(func, stack + sizeof(stack), flags, &seven);

	return pid == -1 ? -errno : pid;
}

#else

/* Makes a child that returns 7; 0 if it did. */
static int
result_of(int pid)
{
	int status;

	if (pid < 0)
		return pid;
	return waitpid(pid, &status, 0) == pid && status == 7 << 8 ? 0 : 1;
}

int
main(int argc, char **argv)
{
	int i, wanted = argc > 1 && strcmp(argv[1], "made") == 0 ? 0 : -EINVAL;

	if (argc < 4)
		return 2;
	for (i = 3; i < argc; i++) {
		int deep = strcmp(argv[i], "deep") == 0 ? RTLD_DEEPBIND : 0, seen;
		void *module = dlopen(argv[2], RTLD_NOW | deep);
		int (*call)(int) = NULL;

		if (module != NULL)
			*(void **)&call = dlsym(module, "call_in_module");
		if (call == NULL || result_of(call(CLONE_VM | SIGCHLD)) != 0) {
			printf("%s: no child\n", argv[i]);
			return 1;
		}
		seen = result_of(call(CLONE_UNTRACED | SIGCHLD));
		if (seen != wanted) {
			printf("%s: %d, not %d\n", argv[i], seen, wanted);
			return 1;
		}
		if (dlclose(module) != 0)
			return 1;
	}
	return 0;
}

#endif
