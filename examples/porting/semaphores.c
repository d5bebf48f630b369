/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Copyright (c) 2026 The nbclone developers */
/* A child that takes a System V semaphore for its parent. */
#include <sched.h>
#include <signal.h>
#include <sys/types.h>
#include <sys/ipc.h>
#include <sys/sem.h>
#include <sys/wait.h>

enum { STACK = 64 * 1024 };

static char stack[STACK] __attribute__((aligned(16)));
static int semaphore;

#ifdef LINUX_ONLY
/* Undone when parent and child have both ended. */
# define FLAGS (CLONE_SYSVSEM | SIGCHLD)
# define UNDO SEM_UNDO
#else
/* Not undone when the child ends: the parent gives it back itself. */
# define FLAGS SIGCHLD
# define UNDO 0
#endif

static int
take(void *arg)
{
	struct sembuf down = { 0, -1, UNDO };

	(void)arg;
	return semop(semaphore, &down, 1) == 0 ? 0 : 1;
}

int
main(void)
{
	struct sembuf up = { 0, 1, 0 };
	int status, held;
	pid_t pid;

	semaphore = semget(IPC_PRIVATE, 1, 0600);
	if (semaphore == -1 || semop(semaphore, &up, 1) == -1)
		return 1;
	pid = clone(take, stack + STACK, FLAGS, NULL);
	if (pid == -1 || waitpid(pid, &status, 0) != pid || status != 0)
		return 1;
	held = semctl(semaphore, 0, GETVAL) == 0;
	semop(semaphore, &up, 1);
	semctl(semaphore, 0, IPC_RMID);
	return !held;
}
