/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Copyright (c) 2026 The nbclone developers */
/* Waits for the end of a child among other descriptors, by poll(2). */
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>
#if defined(__NetBSD__)
# include <sys/event.h>
# include <errno.h>
#endif

enum { STACK = 64 * 1024 };

static char stack[STACK] __attribute__((aligned(16)));

#ifdef LINUX_ONLY
static int descriptor;

static int
child(void *arg)
{
	(void)arg;
	return 7;
}

static pid_t
start(void)
{
	return clone(child, stack + STACK, CLONE_PIDFD | SIGCHLD, NULL, &descriptor);
}
#else
static int ends[2], descriptor;

static int
child(void *arg)
{
	(void)arg;
	close(ends[0]);
	return 7;
}

/* The child alone has the end to write: when it has ended, poll(2) finds
 * POLLHUP at the other. What the child executes keeps the end, too. */
static pid_t
start(void)
{
	pid_t pid;

	if (pipe(ends) == -1)
		return -1;
	pid = clone(child, stack + STACK, SIGCHLD, NULL);
	close(ends[1]);
	descriptor = ends[0];
	return pid;
}
#endif

#if defined(__NetBSD__)
/* The same by kqueue(2), which needs no pipe: a descriptor that has an event to
 * read when the child has ended, and -1 with ESRCH if it has ended already. */
int
watch(pid_t pid)
{
	struct kevent event;
	int queue = kqueue();

	EV_SET(&event, (uintptr_t)pid, EVFILT_PROC, EV_ADD | EV_ONESHOT, NOTE_EXIT, 0, 0);
	if (queue != -1 && kevent(queue, &event, 1, NULL, 0, NULL) == -1) {
		int why = errno;

		close(queue);
		errno = why;
		return -1;
	}
	return queue;
}
#endif

int
main(void)
{
	struct pollfd ended;
	int status;
	pid_t pid = start();

	if (pid == -1)
		return 1;
	ended.fd = descriptor;
	ended.events = POLLIN;
	if (poll(&ended, 1, -1) != 1 || waitpid(pid, &status, 0) != pid)
		return 1;
	return WEXITSTATUS(status) != 7;
}
