/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Copyright (c) 2026 The nbclone developers */
/* Policy host, on Linux only: every bit and all seven arguments are the kernel's. */
#include "suite.h"

#ifdef __linux__
enum {
	L_PARENT = 0x8000,
	L_THREAD = 0x10000,
	L_PARENT_SETTID = 0x100000,
	L_CHILD_CLEARTID = 0x200000,
	L_CHILD_SETTID = 0x1000000
};

typedef pid_t clone7_fn(int (*)(void *), void *, int, void *, void *, void *, void *);

static pid_t call(int (*func)(void *), int word, volatile void *parent, volatile void *child)
{
	/* Calls with more arguments than the prototype's are what Linux programs do. */
	clone7_fn *clone7 = (clone7_fn *)(void (*)(void))clone;

	return clone7(func, stack_top(0), word, NULL, (void *)parent, NULL, (void *)child);
}

static volatile int tids[4];

static int tell(void *arg)
{
	(void)arg;
	scratch->pid = getpid();
	scratch->ppid = getppid();
	scratch->done = 1;
	return 7;
}

static void settid(long unused)
{
	pid_t pid;

	(void)unused;
	pid = call(tell, L_PARENT_SETTID | SIGCHLD, &tids[0], NULL);
	check(pid > 0 && tids[0] == pid, "CLONE_PARENT_SETTID");
	waited(pid, 0);
	pid = call(tell, L_CHILD_SETTID | CLONE_VM | SIGCHLD, NULL, &tids[1]);
	check(strcmp(waited(pid, 0), "exit7") == 0, "the child");
	check(tids[1] == pid, "CLONE_CHILD_SETTID");
}

static void cleartid(long unused)
{
	pid_t pid;

	(void)unused;
	tids[2] = 1;
	pid = call(tell, L_CHILD_CLEARTID | CLONE_VM | SIGCHLD, NULL, &tids[2]);
	check(strcmp(waited(pid, 0), "exit7") == 0, "the child");
	check(tids[2] == 0, "CLONE_CHILD_CLEARTID");
}

static void parent(long unused)
{
	pid_t pid;

	(void)unused;
	pid = call(tell, L_PARENT | SIGCHLD, NULL, NULL);
	check(pid > 0, "%s", returned(pid));
	while (!scratch->done)
		give_way();
	check(scratch->ppid == getppid(), "CLONE_PARENT: the child's parent is %ld", scratch->ppid);
	check(strcmp(waited(pid, WALLSIG), "-1/ECHILD") == 0, "CLONE_PARENT: it is our child");
}

/* A thread ends alone: by exit, not exit_group. */
static void thread(long unused)
{
	volatile int *tid = &tids[3];

	(void)unused;
	*tid = 1;
	check(call(tell, L_THREAD | CLONE_VM | CLONE_SIGHAND | L_CHILD_CLEARTID, NULL, tid) > 0,
	      "CLONE_THREAD: %s", error_name(errno));
	while (*tid != 0)
		give_way();
	check(scratch->pid == getpid(), "CLONE_THREAD: the thread's process is %ld", scratch->pid);
}

void host_policy_cases(void)
{
	if (policy != HOST)
		return;
	add(settid, 0, "policy host: parent_tid, child_tid");
	add(cleartid, 0, "policy host: CLONE_CHILD_CLEARTID");
	add(parent, 0, "policy host: CLONE_PARENT");
	add(thread, 0, "policy host: CLONE_THREAD ends alone");
}
#else
void host_policy_cases(void)
{
}
#endif
