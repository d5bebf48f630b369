/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Copyright (c) 2026 The nbclone developers */
/* One call of each kind that its arguments name, each from a function of its
 * own, for the trace and the report to name. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <linux/sched.h>
#include <sched.h>
#include <signal.h>
#include <spawn.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <pthread.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#define STACK_SIZE 65536

extern char **environ;
extern pid_t linux1_clone(void *, unsigned long) __attribute__((weak));

static char stack[STACK_SIZE] __attribute__((aligned(64)));
#define TOP (stack + STACK_SIZE)

static int first_child(void *arg)
{
	(void)arg;
	return 0;
}

static void *thread(void *arg)
{
	return arg;
}

static pid_t call_copy(void)
{
	return clone(first_child, TOP, SIGCHLD, (void *)0x11);
}

/* The other name. */
extern int __clone(int (*)(void *), void *, int, void *, ...);

static pid_t call_underscored(void)
{
	volatile pid_t pid = __clone(first_child, TOP, SIGCHLD, (void *)0x19);

	return pid;
}

static pid_t call_share(void)
{
	return clone(first_child, TOP, CLONE_VM | CLONE_VFORK | SIGCHLD, (void *)0x12);
}

static pid_t call_sighand(void)
{
	return clone(first_child, TOP, CLONE_VM | CLONE_SIGHAND | SIGUSR1, (void *)0x13);
}

static pid_t call_namespace(void)
{
	return clone(first_child, TOP, CLONE_NEWPID | CLONE_NEWUTS | SIGCHLD, (void *)0x14);
}

static pid_t call_ptrace(void)
{
	return clone(first_child, TOP, CLONE_PTRACE | SIGCHLD, (void *)0x15);
}

static pid_t call_null_stack(void)
{
	return clone(first_child, NULL, SIGCHLD, (void *)0x16);
}

static pid_t call_null_func(void)
{
	int (*volatile none)(void *) = NULL;

	return clone(none, TOP, SIGCHLD, (void *)0x17);
}

static pid_t call_exit_signal(void)
{
	return clone(first_child, TOP, CLONE_VM | 77, (void *)0x18);
}

static pid_t call_linux1(void)
{
	pid_t pid = linux1_clone != NULL ? linux1_clone(NULL, SIGCHLD) : -1;

	if (pid == 0)
		_exit(0);
	return pid;
}

static pid_t call_linux1_flags(void)
{
	return linux1_clone != NULL ? linux1_clone(NULL, 0x400 | SIGCHLD) : -1;
}

static pid_t call_linux1_later(void)
{
	pid_t pid = linux1_clone != NULL ?
	    linux1_clone(NULL, 0xc00000 | CLONE_FS | CLONE_FILES | SIGCHLD) : -1;

	if (pid == 0)
		_exit(0);
	return pid;
}

static pid_t call_linux1_swapped(void)
{
	return linux1_clone != NULL ? linux1_clone((void *)SIGCHLD, 0) : -1;
}

static pid_t call_raw_clone(void)
{
	pid_t pid = (pid_t)syscall(SYS_clone, SIGCHLD, 0, 0, 0, 0);

	if (pid == 0)
		_exit(0);
	return pid;
}

static pid_t call_raw_clone3(void)
{
	struct clone_args arguments;
	pid_t pid;

	memset(&arguments, 0, sizeof arguments);
	arguments.flags = CLONE_FS;
	arguments.exit_signal = SIGCHLD;
	pid = (pid_t)syscall(SYS_clone3, &arguments, sizeof arguments);
	if (pid == 0)
		_exit(0);
	return pid;
}

static pid_t call_fork(void)
{
	pid_t pid = fork();

	if (pid == 0)
		_exit(0);
	return pid;
}

static pid_t call_spawn(void)
{
	static char *arguments[] = { "true", NULL };
	pid_t pid;

	return posix_spawn(&pid, "/bin/true", NULL, NULL, arguments, environ) == 0 ? pid : -1;
}

static pid_t call_thread(void)
{
	pthread_t id;

	if (pthread_create(&id, NULL, thread, NULL) != 0)
		return -1;
	pthread_join(id, NULL);
	return 0;
}

/* A module that is gone when the process ends, and before. */
static pid_t call_module(const char *path)
{
	void *module = dlopen(path, RTLD_NOW);
	pid_t (*call)(void) = NULL;
	pid_t pid;

	if (module == NULL)
		return -1;
	*(void **)&call = dlsym(module, "call_in_module");
	pid = call != NULL ? call() : -1;
	dlclose(module);
	return pid;
}

static const struct {
	const char *name;
	pid_t (*call)(void);
} calls[] = {
	{ "copy", call_copy }, { "underscored", call_underscored }, { "share", call_share }, { "sighand", call_sighand },
	{ "namespace", call_namespace }, { "ptrace", call_ptrace },
	{ "null-stack", call_null_stack }, { "null-func", call_null_func },
	{ "exit-signal", call_exit_signal }, { "linux1", call_linux1 },
	{ "linux1-flags", call_linux1_flags },
	{ "linux1-later", call_linux1_later },
	{ "linux1-swapped", call_linux1_swapped },
	{ "raw-clone", call_raw_clone },
	{ "raw-clone3", call_raw_clone3 }, { "fork", call_fork },
	{ "spawn", call_spawn }, { "thread", call_thread },
};

int main(int argc, char **argv)
{
	size_t k;
	int i;

	signal(SIGUSR1, SIG_IGN);
	for (i = 1; i < argc; i++) {
		if (argv[i][0] == '/')
			call_module(argv[i]);
		if (strncmp(argv[i], "mkdir=", 6) == 0)
			mkdir(argv[i] + 6, 0700);
		for (k = 0; k < sizeof calls / sizeof calls[0]; k++)
			if (strcmp(argv[i], calls[k].name) == 0)
				printf("%s %d\n", calls[k].name, (int)calls[k].call());
		fflush(stdout);
		while (waitpid(-1, NULL, __WALL) > 0)
			;
	}
	return 0;
}
