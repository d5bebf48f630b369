/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Copyright (c) 2026 The nbclone developers */
/*
 * The system calls that a call makes besides its own: by the parent before the
 * child is there, by the child before func, by the parent before it returns.
 * A tracer of its own writes them down, by number:
 *
 *	systemcalls clone|__clone|fork FLAGS [alternate]
 *
 * prints "parent-before", "child" and "parent-after", each with its numbers.
 * alternate: the caller has an alternate signal stack.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <sched.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/types.h>
#include <sys/wait.h>
#include <unistd.h>

/* Linux 5.3's PTRACE_GET_SYSCALL_INFO. Its struct has other names in each libc. */
#define GET_SYSCALL_INFO	0x420e
#define AT_ENTRY		1

struct info {
	uint8_t op, pad[3];
	uint32_t arch;
	uint64_t pc, sp, number, arguments[6];
};

#define TRACEE_STACK	65536
#define MOST		64

/* What the tracer knows the ends of a phase by: no libc makes it by itself. */
#define MARK		SYS_getpgid
#define IN_CALLER	101
#define IN_CHILD	102

extern int __clone(int (*)(void *), void *, int, void *, ...) __attribute__((weak));

static char stack[TRACEE_STACK] __attribute__((aligned(64)));
static char alternate[TRACEE_STACK];

static int
func(void *arg)
{
	(void)arg;
	syscall(MARK, IN_CHILD);
	_exit(0);
}

static void
call(const char *what, int flags)
{
	pid_t pid;

	if (strcmp(what, "fork") == 0) {
		pid = fork();
		if (pid == 0)
			func(NULL);
	} else {
		pid = (*what == '_' ? __clone : clone)(func, stack + sizeof(stack), flags, NULL);
	}
	syscall(MARK, IN_CALLER);
	if (pid > 0)
		waitpid(pid, NULL, __WALL);
	else
		_exit(1);
}

static void
tracee(const char *what, int flags, int has_alternate)
{
	stack_t own = { .ss_sp = alternate, .ss_size = sizeof(alternate) };

	if (has_alternate)
		sigaltstack(&own, NULL);
	ptrace(PTRACE_TRACEME, 0, 0, 0);
	raise(SIGSTOP);
	/* The first call is what a program pays; a second one is traced too. */
	syscall(MARK, IN_CALLER);
	call(what, flags);
	_exit(0);
}

struct calls {
	int count;
	long numbers[MOST];
};

static void
print(const char *name, const struct calls *calls)
{
	int i;

	printf("%s", name);
	for (i = 0; i < calls->count; i++)
		printf(" %ld", calls->numbers[i]);
	putchar('\n');
}

static void
die(const char *what)
{
	perror(what);
	exit(2);
}

static int
makes_children(long number)
{
#ifdef SYS_fork
	if (number == SYS_fork || number == SYS_vfork)
		return 1;
#endif
#ifdef SYS_clone3
	if (number == SYS_clone3)
		return 1;
#endif
	return number == SYS_clone;
}

int
main(int argc, char **argv)
{
	static struct calls before, in_child, after;
	enum { EARLY, BEFORE, AFTER, OVER } parent = EARLY;
	int status, child_is_done = 0, flags;
	pid_t pid, who;

	if (argc < 3)
		return 2;
	flags = (int)strtol(argv[2], NULL, 0);
	pid = fork();
	if (pid == 0)
		tracee(argv[1], flags, argc > 3);
	if (waitpid(pid, &status, 0) != pid || !WIFSTOPPED(status))
		die("waitpid");
	if (ptrace(PTRACE_SETOPTIONS, pid, 0, PTRACE_O_TRACESYSGOOD | PTRACE_O_TRACECLONE |
	    PTRACE_O_TRACEFORK | PTRACE_O_TRACEVFORK | PTRACE_O_EXITKILL) == -1)
		die("PTRACE_SETOPTIONS");
	ptrace(PTRACE_SYSCALL, pid, 0, 0);

	while ((who = waitpid(-1, &status, __WALL)) > 0) {
		struct info info;
		int sig = 0;

		if (!WIFSTOPPED(status))
			continue;
		memset(&info, 0, sizeof(info));
		if (WSTOPSIG(status) == (SIGTRAP | 0x80)) {
			if (ptrace(GET_SYSCALL_INFO, who, (void *)sizeof(info), &info) == -1)
				die("PTRACE_GET_SYSCALL_INFO");
		} else if (status >> 16 == 0 && WSTOPSIG(status) != SIGSTOP) {
			sig = WSTOPSIG(status);
		}
		if (info.op == AT_ENTRY) {
			long number = (long)info.number;
			int is_mark = number == MARK, where = (int)info.arguments[0];
			struct calls *calls = NULL;

			if (who != pid) {
				child_is_done |= is_mark && where == IN_CHILD;
				calls = child_is_done ? NULL : &in_child;
			} else if (is_mark && where == IN_CALLER) {
				parent = parent == EARLY ? BEFORE : OVER;
			} else if (parent == BEFORE && makes_children(number)) {
				parent = AFTER;
			} else if (parent == BEFORE) {
				calls = &before;
			} else if (parent == AFTER) {
				calls = &after;
			}
			if (calls != NULL && calls->count < MOST)
				calls->numbers[calls->count++] = number;
		}
		ptrace(PTRACE_SYSCALL, who, 0, (void *)(intptr_t)sig);
	}
	if (parent != OVER || !child_is_done) {
		fprintf(stderr, "the call wasn't seen\n");
		return 2;
	}
	print("parent-before", &before);
	print("child", &in_child);
	print("parent-after", &after);
	return 0;
}
