/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Copyright (c) 2026 The nbclone developers */
/*
 * Counts the user-space instructions of one clone, exactly, by single steps:
 *
 *	entry	from the first instruction of clone to the system call, without
 *		it
 *	child	from the child's first instruction to func's, without that
 *	return	from the parent's first instruction behind the system call to
 *		the caller's
 *
 *	instructions [FLAGS ...]	default: the four usual shapes
 *
 * Which clone it is decides who links or preloads it. x86-64 only.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/types.h>
#include <sys/user.h>
#include <sys/wait.h>
#include <unistd.h>

static char stack[65536];

static int
func(void *arg)
{
	(void)arg;
	return 0;
}

/* The traced process: one call to have everything bound, one that counts. */
static void
tracee(int flags)
{
	int i;

	for (i = 0; i < 2; i++) {
		pid_t pid;

		if (i == 1) {
			ptrace(PTRACE_TRACEME, 0, 0, 0);
			raise(SIGSTOP);
		}
		pid = clone(func, stack + sizeof stack, flags, NULL);
		if (pid == -1)
			_exit(1);
		waitpid(pid, NULL, __WALL);
	}
	_exit(0);
}

static void
die(const char *what)
{
	perror(what);
	exit(1);
}

static unsigned long
rip(pid_t pid, struct user_regs_struct *registers)
{
	if (ptrace(PTRACE_GETREGS, pid, 0, registers) == -1)
		die("PTRACE_GETREGS");
	return registers->rip;
}

static int
step(pid_t pid)
{
	int status;

	if (ptrace(PTRACE_SINGLESTEP, pid, 0, 0) == -1 ||
	    waitpid(pid, &status, __WALL) != pid || !WIFSTOPPED(status))
		die("PTRACE_SINGLESTEP");
	return status;
}

static int
is_event(int status)
{
	int event = status >> 16;

	return event == PTRACE_EVENT_CLONE || event == PTRACE_EVENT_FORK ||
	    event == PTRACE_EVENT_VFORK;
}

static unsigned long
peek(pid_t pid, unsigned long address)
{
	return (unsigned long)ptrace(PTRACE_PEEKTEXT, pid, address, 0);
}

static void
count(int flags)
{
	unsigned long entry = (unsigned long)clone, back, message, at, next;
	unsigned entered = 0, in_child = 0, returned = 0, other = 0;
	struct user_regs_struct registers;
	int status;
	pid_t pid = fork(), child;

	if (pid == 0)
		tracee(flags);
	if (waitpid(pid, &status, 0) != pid || !WIFSTOPPED(status))
		die("waitpid");
	ptrace(PTRACE_SETOPTIONS, pid, 0, PTRACE_O_TRACECLONE |
	    PTRACE_O_TRACEFORK | PTRACE_O_TRACEVFORK | PTRACE_O_EXITKILL);

	while (rip(pid, &registers) != entry)
		step(pid);
	back = peek(pid, registers.rsp);
	for (;;) {
		int is_syscall;

		rip(pid, &registers);
		is_syscall = (peek(pid, registers.rip) & 0xffff) == 0x050f;
		if (is_syscall && registers.rax != SYS_clone &&
		    registers.rax != SYS_clone3)
			other++;
		status = step(pid);
		if (is_event(status))
			break;
		entered++;
	}

	ptrace(PTRACE_GETEVENTMSG, pid, 0, &message);
	child = (pid_t)message;
	if (waitpid(child, &status, __WALL) != child)
		die("waitpid");
	for (; rip(child, &registers) != (unsigned long)func; in_child++)
		step(child);
	ptrace(PTRACE_DETACH, child, 0, 0);

	/* A step that ends where it began is the end of the system call. */
	for (at = rip(pid, &registers); at != back; at = next) {
		step(pid);
		next = rip(pid, &registers);
		if (next != at)
			returned++;
	}
	ptrace(PTRACE_DETACH, pid, 0, 0);
	waitpid(pid, &status, __WALL);

	printf("%#8x  entry %3u  child %3u  return %3u  sum %3u", (unsigned)flags,
	    entered, in_child, returned, entered + in_child + returned);
	printf(other ? "  other system calls before: %u\n" : "\n", other);
}

int
main(int argc, char **argv)
{
	static const int shapes[] = {
		SIGCHLD, CLONE_VM | SIGCHLD, CLONE_VM | CLONE_VFORK | SIGCHLD,
		CLONE_VM | CLONE_FS | CLONE_FILES | CLONE_SIGHAND | SIGCHLD,
	};
	unsigned i;

	if (argc > 1) {
		for (i = 1; i < (unsigned)argc; i++)
			count((int)strtoul(argv[i], NULL, 0));
		return 0;
	}
	for (i = 0; i < sizeof shapes / sizeof *shapes; i++)
		count(shapes[i]);
	return 0;
}
