/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Copyright (c) 2026 The nbclone developers */
/*
 * Random calls, each with its outcome predicted by an oracle of this program's
 * own and compared: the result and errno, and what the child shares.
 *
 *	random POLICY SEED CALLS
 *
 * POLICY is what the library should be under. Under strict and netbsd the
 * oracle is NetBSD's manual; under host it is the kernel itself, asked for the
 * same by a system call of this program's own. For linux1_clone it is Linux
 * 1.0's, under each of them.
 */
#define _GNU_SOURCE
#include "campaign.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#define COPYVM		0x100
#define COPYFD		0x200
#define NETBSD_SET	0x4fffU		/* the signal, VM FS FILES SIGHAND VFORK, PID, PTRACE */
#define SPARE_FD	300
#define CHILD_MASK	0123
#define SEVEN		7

enum policy { STRICT, NETBSD, HOST };

struct call {
	int name;		/* 0 clone, 1 __clone */
	int (*func)(void *);
	char *stack;
	unsigned flags;
	uintptr_t more[3];
};

static uint64_t state;
static int bystander;			/* memory that is shared or not */
static volatile int *finished;		/* memory that always is */
static int offset_fd;
static char stack[65536] __attribute__((aligned(16)));
static char words[64] __attribute__((aligned(16)));
static unsigned long refused, made;

static uint32_t
random_word(void)
{
	state = state * 6364136223846793005u + 1442695040888963407u;
	return (uint32_t)(state >> 33) ^ (uint32_t)(state >> 20);
}

static uint32_t
below(uint32_t limit)
{
	return random_word() % limit;
}

/* Changes each thing that may be shared. */
static int
leave_traces(void *arg)
{
	bystander = 1;
	umask(CHILD_MASK);
	if (dup2(0, SPARE_FD) == -1)
		return 1;
	signal(SIGURG, SIG_IGN);
	sched_yield();
	*finished = 1;
	return (int)(intptr_t)arg;
}

static int
quiet(void *arg)
{
	return (int)(intptr_t)arg;
}

/* Not SIGKILL and SIGSTOP, which can't be ignored and would end this program. */
static uint32_t
random_signal(void)
{
	uint32_t sig = below(256);

	return sig == SIGKILL || sig == SIGSTOP ? SIGCHLD : sig;
}

static uint32_t
random_flags(void)
{
	static const uint32_t known[] = { CLONE_VM, CLONE_FS, CLONE_FILES, CLONE_SIGHAND,
		CLONE_VFORK };
	uint32_t word = 0;
	size_t i;

	if (below(8) == 0)
		return (random_word() & ~0xffu) | random_signal();
	for (i = 0; i < 5; i++)
		if (below(2))
			word |= known[i];
	/* Mostly valid values, sometimes not. */
	if (word & CLONE_SIGHAND && below(4))
		word |= CLONE_VM;
	if (below(4) == 0)
		word |= 1u << (8 + below(24));
	return word | (below(3) ? SIGCHLD : random_signal());
}

static struct call
random_call(void)
{
	struct call call = { (int)below(2), leave_traces, NULL, random_flags(), { 0, 0, 0 } };
	int i;

	if (below(16) == 0)
		call.func = NULL;
	if (below(16) != 0)
		call.stack = stack + sizeof(stack) - below(64);
	/* Garbage, which none but host may look at. */
	for (i = 0; i < 3; i++)
		call.more[i] = below(2) ? ((uintptr_t)random_word() << 32 | random_word()) : 0;
	return call;
}

/* From clone(2) of NetBSD 10.0 and sys/kern_fork.c: 0 or an errno. */
static int
oracle(enum policy policy, const struct call *call)
{
	uint32_t allowed = 0x100 | 0x200 | 0x400 | 0x800 | 0x4000 | 0xff;

	if (call->func == NULL || call->stack == NULL)
		return EINVAL;
	if ((call->flags & 0xff) > 64)
		return EINVAL;
	if (call->flags & 0x800 && !(call->flags & 0x100))
		return EINVAL;
	if (call->flags & 0x2000)
		return EINVAL;
	if (policy == STRICT && (call->flags | allowed) != allowed)
		return EINVAL;
	return 0;
}

static void
describe(const struct call *call)
{
	fprintf(stderr, "%s(%s, %p, %#x, arg, %#lx, %#lx, %#lx): ",
	    call->name ? "__clone" : "clone", call->func ? "func" : "NULL", call->stack,
	    call->flags, (unsigned long)call->more[0], (unsigned long)call->more[1],
	    (unsigned long)call->more[2]);
}

static int
differs(const char *what, long seen, long wanted)
{
	if (seen != wanted)
		fprintf(stderr, "%s is %ld, not %ld\n", what, seen, wanted);
	return seen != wanted;
}

static void
clear_traces(void)
{
	bystander = 0;
	umask(022);
	close(SPARE_FD);
	signal(SIGURG, SIG_DFL);
	*finished = 0;
}

/* What the flags name is shared, everything else is the child's own. */
static int
compare_traces(uint32_t flags, int sharing_known)
{
	mode_t mask = umask(022);
	struct sigaction action;
	int bad = 0;

	sigaction(SIGURG, NULL, &action);
	bad |= differs("shared memory", bystander, !!(flags & CLONE_VM));
	if (sharing_known) {
		bad |= differs("shared umask", mask == CHILD_MASK, !!(flags & CLONE_FS));
		bad |= differs("shared descriptors", fcntl(SPARE_FD, F_GETFD) != -1,
		    !!(flags & CLONE_FILES));
		bad |= differs("shared handlers", action.sa_handler == SIG_IGN,
		    !!(flags & CLONE_SIGHAND));
	}
	return bad;
}

/* Whether the wait for it needs __WCLONE shows the exit signal. */
static int
compare_end(pid_t pid, uint32_t sig, int value)
{
	int status = 0, bad = 0;
	int wrong = sig == SIGCHLD ? (int)__WCLONE : 0, right = sig == SIGCHLD ? 0 : (int)__WCLONE;

	bad |= differs("the wrong kind of wait", waitpid(pid, &status, wrong), -1);
	bad |= differs("waitpid", waitpid(pid, &status, right), pid);
	bad |= differs("status", status, value << 8);
	return bad;
}

static int
compare_call(enum policy policy, const struct call *call)
{
	int wanted = oracle(policy, call), before = (int)below(200), bad = 0;
	int value = (int)below(256), error;
	pid_t pid;

	clear_traces();
	errno = before;
	pid = (call->name ? __clone : clone)(call->func, call->stack, (int)call->flags,
	    (void *)(intptr_t)value, call->more[0], call->more[1], call->more[2]);
	error = errno;
	if (wanted) {
		refused++;
		return differs("result", pid, -1) | differs("errno", error, wanted);
	}
	made++;
	if (differs("success", pid > 0, 1))
		return 1;
	bad |= differs("errno", error, before);
	if (call->flags & CLONE_VFORK)
		bad |= differs("the child's end when clone returns", *finished, 1);
	bad |= compare_end(pid, call->flags & 0xff, value);
	bad |= compare_traces(call->flags & 0x4fff, 1);
	return bad;
}

/* Linux 1.0: two flags, a signal, and a second return. */
static int
compare_linux1(void)
{
	unsigned long word = (below(2) ? COPYVM : 0) | (below(2) ? COPYFD : 0) |
	    (below(3) ? SIGCHLD : random_signal());
	char *sp = below(3) ? stack + sizeof(stack) - below(64) : NULL;
	int value = (int)below(256), bad = 0, valid;
	volatile pid_t pid;

	if (below(6) == 0)
		word |= 1ul << (8 + below(56));
	valid = (word & ~0x3fful) == 0 && (word & 0xff) <= 64;
	clear_traces();
	lseek(offset_fd, 5, SEEK_SET);
	errno = 0;
	pid = linux1_clone(sp, word);
	if (pid == 0) {
		lseek(offset_fd, 9, SEEK_SET);
		_exit(leave_traces((void *)(intptr_t)value));
	}
	if (!valid) {
		refused++;
		bad = differs("result", pid, -1) | differs("errno", errno, EINVAL);
	} else {
		made++;
		bad |= compare_end(pid, (uint32_t)word & 0xff, value);
		bad |= compare_traces(word & COPYVM || sp == NULL ? 0 : CLONE_VM, 1);
		bad |= differs("offset", lseek(offset_fd, 0, SEEK_CUR), word & COPYFD ? 5 : 9);
	}
	if (bad)
		fprintf(stderr, "linux1_clone(%p, %#lx)\n", (void *)sp, word);
	return bad;
}

#ifdef __x86_64__
/* The kernel's answer, by a call without a library. */
static long
ask_kernel(const struct call *call)
{
	register uintptr_t child_tid __asm__("r10") = call->more[2];
	register uintptr_t tls __asm__("r8") = call->more[1];
	long result;

	__asm__ volatile("syscall\n\t"
	    "testq %%rax, %%rax\n\t"
	    "jnz 1f\n\t"
	    "xorl %%edi, %%edi\n\t"
	    "movl $60, %%eax\n\t"
	    "syscall\n"
	    "1:"
	    : "=a"(result)
	    : "0"((long)SYS_clone), "D"((long)call->flags), "S"(call->stack),
	      "d"(call->more[0]), "r"(child_tid), "r"(tls)
	    : "rcx", "r11", "memory");
	return result;
}
#endif

/* In a process of its own: namespaces, threads and all. Errno, or 0. */
static int
answer(const struct call *call, int by_kernel)
{
	int status;
	pid_t pid = fork(), made_pid;

	if (pid == 0) {
		if (by_kernel) {
#ifdef __x86_64__
			long result = ask_kernel(call);

			_exit(result < 0 ? (int)-result : 0);
#endif
		}
		errno = 0;
		made_pid = (call->name ? __clone : clone)(call->func, call->stack,
		    (int)call->flags, NULL, call->more[0], call->more[1], call->more[2]);
		_exit(made_pid == -1 ? errno : made_pid > 0 ? 0 : 255);
	}
	if (waitpid(pid, &status, 0) != pid)
		return -1;
	return WIFEXITED(status) ? WEXITSTATUS(status) : 1000 + WTERMSIG(status);
}

static int
compare_host(void)
{
	struct call call = random_call();
	int wanted;

	if (call.func != NULL)
		call.func = quiet;
	/* Places that the kernel may write to, or not. */
	if (below(4))
		call.more[0] = (uintptr_t)words;
	if (below(4))
		call.more[2] = (uintptr_t)(words + 16);
	/* A stopped or traced child would wait for ever. */
	call.flags &= ~(unsigned)CLONE_PTRACE;
	wanted = call.func == NULL || call.stack == NULL ? EINVAL : answer(&call, 1);
	if (wanted)
		refused++;
	else
		made++;
	if (!differs("errno", answer(&call, 0), wanted))
		return 0;
	describe(&call);
	fprintf(stderr, "kernel and library differ\n");
	return 1;
}

int
main(int argc, char **argv)
{
	static const char *const names[] = { "strict", "netbsd", "host" };
	static const unsigned long ignore[8] = { (unsigned long)SIG_IGN };
	unsigned long calls, i, bad = 0;
	int policy;

	if (argc != 4)
		return 2;
	for (policy = 0; policy < HOST && strcmp(argv[1], names[policy]) != 0; policy++)
		continue;
	state = strtoull(argv[2], NULL, 10);
	calls = strtoul(argv[3], NULL, 10);
	finished = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	offset_fd = open("/proc/self/exe", O_RDONLY);
	/* libc would refuse those that it keeps for itself. */
	for (i = 1; i < 65; i++)
		if (i != SIGCHLD)
			syscall(SYS_rt_sigaction, i, ignore, NULL, 8);
	for (i = 0; i < calls && bad < 10; i++) {
		struct call call;

		if (below(4) == 0) {
			bad += (unsigned long)compare_linux1();
		} else if (policy == HOST) {
			bad += (unsigned long)compare_host();
		} else {
			call = random_call();
			if (compare_call((enum policy)policy, &call)) {
				describe(&call);
				fprintf(stderr, "policy %s\n", names[policy]);
				bad++;
			}
		}
	}
	printf("random %s, seed %s: %lu made, %lu refused, %lu wrong\n", argv[1], argv[2], made,
	    refused, bad);
	return bad != 0;
}
