/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Copyright (c) 2026 The nbclone developers */
/*
 * A profiler's view: SIGPROF at any moment, in the parent and in its children,
 * while it clones; each handler unwinds. The parent's stack has to reach main,
 * the child's to end without it (linux1: to reach main too).
 *
 *	sampling CLONES
 */
#define _GNU_SOURCE
#include <sched.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>
#include <unwind.h>

#define DEPTH	64

extern pid_t linux1_clone(void *, unsigned long) __attribute__((weak));

static struct shared {
	volatile int parent, parent_right, child, child_right;
	volatile int child_is_fork;	/* it has its parent's frames */
	volatile int unwinding;
} *shared;

static pid_t parent;
static char stack[65536] __attribute__((aligned(64)));

int main(int, char **);

struct view {
	int depth, has_main;
	uintptr_t last;
};

static _Unwind_Reason_Code
look(struct _Unwind_Context *context, void *data)
{
	struct view *view = data;

	view->last = (uintptr_t)_Unwind_GetIP(context);
	if (view->last && (uintptr_t)_Unwind_GetRegionStart(context) == (uintptr_t)main)
		view->has_main = 1;
	return ++view->depth == DEPTH ? _URC_END_OF_STACK : _URC_NO_REASON;
}

static void
sample(int sig)
{
	struct view view = { 0, 0, 0 };
	int is_parent = syscall(SYS_getpid) == parent, tries;

	(void)sig;
	/* A child that shares memory shares the unwinder's locks, and owns them
	 * when its parent does: one waits for the other, but not for ever, since
	 * it may have crashed here. */
	for (tries = 0; tries < 100000 &&
	    __atomic_exchange_n(&shared->unwinding, 1, __ATOMIC_ACQUIRE); tries++)
		syscall(SYS_sched_yield);
	_Unwind_Backtrace(look, &view);
	__atomic_store_n(&shared->unwinding, 0, __ATOMIC_RELEASE);
	if (is_parent) {
		shared->parent++;
		shared->parent_right += view.has_main;
	} else {
		shared->child++;
		shared->child_right += shared->child_is_fork ? view.has_main :
		    !view.has_main && view.last == 0;
	}
}

static int
func(void *arg)
{
	volatile int spin;

	for (spin = 0; spin < *(int *)arg; spin++)
		continue;
	return 0;
}

/* Signals the group that the parent and all its children are in. */
static pid_t
pester(void)
{
	pid_t pid = fork();

	if (pid == 0) {
		signal(SIGPROF, SIG_IGN);
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		setpgid(0, 0);
		while (kill(-parent, SIGPROF) == 0)
			sched_yield();
		_exit(0);
	}
	return pid;
}

int
main(int argc, char **argv)
{
	static const int shapes[] = {
		CLONE_VM | CLONE_VFORK | SIGCHLD, SIGCHLD, CLONE_VM | SIGCHLD,
		CLONE_FILES | CLONE_FS | SIGCHLD, -1,
	};
	struct sigaction action = { .sa_handler = sample, .sa_flags = SA_RESTART };
	int count = argc > 1 ? atoi(argv[1]) : 1000, spins = 500, i;
	pid_t pest;

	shared = mmap(NULL, sizeof(*shared), PROT_READ | PROT_WRITE,
	    MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	setpgid(0, 0);
	parent = getpid();
	sigaction(SIGPROF, &action, NULL);
	pest = pester();
	for (i = 0; i < count; i++) {
		int flags = shapes[i % 5], status;
		pid_t pid;

		shared->child_is_fork = flags == -1;
		if (flags == -1) {
			if (linux1_clone == NULL)
				continue;
			pid = linux1_clone(NULL, 0x100 | SIGCHLD);
			if (pid == 0)
				_exit(func(&spins));
		} else {
			pid = clone(func, stack + sizeof(stack), flags, &spins);
		}
		if (pid == -1 || waitpid(pid, &status, 0) != pid || status != 0) {
			printf("sampling: no clean child, flags %#x\n", flags);
			kill(pest, SIGKILL);
			return 1;
		}
	}
	kill(pest, SIGKILL);
	waitpid(pest, NULL, 0);
	printf("sampling: %d clones; parent %d of %d, child %d of %d\n", count,
	    shared->parent_right, shared->parent, shared->child_right, shared->child);
	return shared->parent_right != shared->parent ||
	    shared->child_right != shared->child || !shared->parent || !shared->child;
}
