/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Copyright (c) 2026 The nbclone developers */
/*
 * What clone and the wait for a child that returns at once cost: a raw system
 * call inline, this libc's clone, and nbclone's, in one process, one behind
 * the other in turns that change, so that whatever else the machine does
 * meets all of them.
 *
 *	latency ROUNDS CALLS	prints: shape, who, round, nanoseconds a call
 *
 * NBCLONE_LIB names the shared library. x86-64 only, for the raw call.
 */
#include "bench.h"

/* Its top at the end of a page, as that of a mapping is. */
static char stack[65536] __attribute__((aligned(4096)));

static int
func(void *arg)
{
	(void)arg;
	return 0;
}

/* Beside libc's own words about the thread: what raw_id has the kernel write. */
static __thread int own_page;

/* The least that a clone can do: no check, no errno, no register saved. */
static int
raw(int (*start)(void *), void *top, int flags, void *arg, ...)
{
	long result;
	register long tls __asm__("r8") = 0;
	register int *tid __asm__("r10") = &own_page;
	register int (*function)(void *) __asm__("r9") = start;
	register void *argument __asm__("r12") = arg;

	__asm__ volatile(
	    "syscall\n\t"
	    "test %%rax, %%rax\n\t"
	    "jnz 1f\n\t"
	    "xor %%ebp, %%ebp\n\t"
	    "mov %%r12, %%rdi\n\t"
	    "call *%%r9\n\t"
	    "mov %%eax, %%edi\n\t"
	    "mov %[exit], %%eax\n\t"
	    "syscall\n"
	    "1:"
	    : "=a"(result)
	    : "0"((long)SYS_clone), "D"((long)flags), "S"(top), "d"(0L),
	      "r"(tls), "r"(tid), "r"(function), "r"(argument),
	      [exit] "i"(SYS_exit_group)
	    : "rcx", "r11", "memory");
	return (int)result;
}

/* The same, and the child's id is written where its libc keeps such things. */
static int
raw_id(int (*start)(void *), void *top, int flags, void *arg, ...)
{
	return raw(start, top, flags | CLONE_CHILD_SETTID, arg);
}

static const struct {
	const char *name;
	int flags;
} shapes[] = {
	{ "SIGCHLD", SIGCHLD },
	{ "VM", CLONE_VM | SIGCHLD },
	{ "VM|VFORK", CLONE_VM | CLONE_VFORK | SIGCHLD },
	{ "VM|FS|FILES|SIGHAND",
	    CLONE_VM | CLONE_FS | CLONE_FILES | CLONE_SIGHAND | SIGCHLD },
};

static double
measure(clone_function *function, int flags, int calls)
{
	double start = now();
	int i;

	for (i = 0; i < calls; i++) {
		pid_t pid = function(func, stack + sizeof stack, flags, NULL);

		if (pid <= 0 || waitpid(pid, NULL, 0) != pid)
			die("clone");
	}
	return (now() - start) / calls;
}

int
main(int argc, char **argv)
{
	int rounds = argc > 1 ? atoi(argv[1]) : 21;
	int calls = argc > 2 ? atoi(argv[2]) : 500;
	struct {
		const char *name;
		clone_function *function;
	} who[4] = { { "raw", raw }, { "libc", (clone_function *)clone } };
	size_t shape, count = 2, k;
	int round;

	cpu_set_t first;

	/* On one CPU: otherwise the scheduler's choice of a CPU is measured too. */
	CPU_ZERO(&first);
	CPU_SET(0, &first);
	sched_setaffinity(0, sizeof first, &first);
	*(void **)&who[2].function = library_function("clone");
	if (who[2].function != NULL)
		who[count++].name = "nbclone";
	who[count].name = "raw-id";
	who[count].function = raw_id;
	for (shape = 0; shape < sizeof shapes / sizeof *shapes; shape++)
		for (round = -1; round < rounds; round++) {
			/* Where memory is shared, nobody writes an id. */
			size_t all = count + !(shapes[shape].flags & CLONE_VM);

			for (k = 0; k < all; k++) {
				/* Each is first as often as any other. */
				size_t turn = (k + (size_t)(round + 1)) % all;
				double cost = measure(who[turn].function,
				    shapes[shape].flags, calls);

				/* The first round only warms up. */
				if (round >= 0)
					printf("%s\t%s\t%d\t%.1f\n",
					    shapes[shape].name, who[turn].name,
					    round, cost);
			}
		}
	return 0;
}
