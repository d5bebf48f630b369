/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Copyright (c) 2026 The nbclone developers */
/* A child with a copy of the memory, and no libc function for it. */
#include <sched.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>
#ifdef LINUX_ONLY
# include <sys/syscall.h>

static pid_t
start(void)
{
	pid_t pid = (pid_t)syscall(SYS_clone, SIGCHLD, 0, 0, 0, 0);

	if (pid == 0)
		_exit(7);
	return pid;
}
#else
/* With no stack and no sharing, the system call was a fork(2). */
static pid_t
start(void)
{
	pid_t pid = fork();

	if (pid == 0)
		_exit(7);
	return pid;
}
#endif

int
main(void)
{
	int status;
	pid_t pid = start();

	return pid == -1 || waitpid(pid, &status, 0) != pid ||
	    WEXITSTATUS(status) != 7;
}
