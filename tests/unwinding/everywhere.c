/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Copyright (c) 2026 The nbclone developers */
/*
 * Unwinds at every instruction of clone, __clone and linux1_clone, in the
 * parent and in the child, with the unwinder of the compiler's own runtime.
 *
 * A trap replaces one instruction; each shape of a call is made; whoever comes
 * to the trap puts the instruction back and unwinds from there. Then the next
 * instruction. The parent has to see the frames that it saw before the call,
 * up to the start of the program; the child of clone has to see the end of its
 * stack, and none of its parent's frames. That needs no single steps and no
 * tracer, so that it runs wherever a static program does.
 *
 * tests/unwinding/build writes the instructions' addresses into `places`.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <sched.h>
#include <setjmp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>
#include <unwind.h>
#include "../soak/refuse.h"
#include "machine.h"

#define MAX_FRAMES	64
#define MAX_PLACES	16384
#define STACK		65536
#define REFUSED		SIGUSR2		/* this exit signal gets EAGAIN */
#define NO_FUNC		0		/* these flags get a NULL func */
#define PEOPLE		2
#define NAMES_OF	{ "parent", "child" }

extern int __clone(int (*)(void *), void *, int, void *, ...);
extern pid_t linux1_clone(void *, unsigned long) __attribute__((weak));

/* "address name+offset\n", one an instruction, filled in by objcopy. */
__attribute__((section(".places"), used))
volatile char places[1 << 19] = "\n";

struct frame {
	uintptr_t pc, region, cfa;
};

struct trace {
	int count;
	struct frame frames[MAX_FRAMES];
};

enum person { PARENT, CHILD };

/* Shared with children that have memory of their own. */
static struct shared {
	volatile int hits[PEOPLE], right[PEOPLE];
	struct trace wrong;
	enum person who;
} *shared;

struct shape {
	const char *name;
	int (*call)(const struct shape *);
	int (*clone)(int (*)(void *), void *, int, void *, ...);
	int flags;
	int child_has_parents_frames;
};

static char stack[STACK] __attribute__((aligned(64)));
static pid_t parent;
static uintptr_t armed;
static unsigned char original[LONGEST_TRAP];
static struct trace before;		/* from the calling function upwards */
static const struct shape *shape;
static int complete = 1;
static int all_hits[PEOPLE], all_right[PEOPLE];
static int unwinding;
static sigjmp_buf lost;
static volatile int in_unwinder;

int main(int, char **);

static _Unwind_Reason_Code
take_frame(struct _Unwind_Context *context, void *data)
{
	struct trace *trace = data;
	struct frame *frame = &trace->frames[trace->count];
	int is_before = 0;

	if (trace->count == MAX_FRAMES)
		return _URC_END_OF_STACK;
	frame->pc = (uintptr_t)_Unwind_GetIPInfo(context, &is_before);
	frame->region = frame->pc ? (uintptr_t)_Unwind_GetRegionStart(context) : 0;
	frame->cfa = (uintptr_t)_Unwind_GetCFA(context);
	trace->count++;
	return _URC_NO_REASON;
}

static void
unwind(struct trace *trace)
{
	trace->count = 0;
	_Unwind_Backtrace(take_frame, trace);
}

/* The end of a stack: the unwinder gives a last frame without an address.
 * Where it lost its way it ends too, but with the address that it lost it at.
 * (So it does at the start of a static program, for which crt1.o has frame
 * information that crtbeginT.o doesn't register.) */
static int
ends(const struct trace *trace)
{
	return trace->count > 0 && trace->frames[trace->count - 1].pc == 0;
}

static int
find(const struct trace *trace, uintptr_t region)
{
	int i;

	for (i = 0; i < trace->count; i++)
		if (trace->frames[i].region == region)
			return i;
	return -1;
}

/* Called by the function that calls clone: what is above it. */
static void
remember(uintptr_t region)
{
	static struct trace all;
	int at, i;

	unwind(&all);
	at = find(&all, region);
	if (at < 0 || find(&all, (uintptr_t)main) < at) {
		printf("the unwinder doesn't work here at all\n");
		exit(2);
	}
	before.count = 0;
	for (i = at; i < all.count; i++)
		before.frames[before.count++] = all.frames[i];
}

/* From the trap to the caller of clone, then what was there before. */
static int
is_parents(const struct trace *trace, int at)
{
	int from = find(trace, before.frames[0].region), i;

	if (from < at || trace->count - from != before.count)
		return 0;
	for (i = 1; i < before.count; i++)
		if (trace->frames[from + i].pc != before.frames[i].pc ||
		    trace->frames[from + i].cfa != before.frames[i].cfa)
			return 0;
	/* The caller's own stack pointer is another on another stack. */
	return shape->child_has_parents_frames ||
	    trace->frames[from].cfa == before.frames[0].cfa;
}

static int
is_right(const struct trace *trace, enum person who)
{
	int at;

	for (at = 0; at < trace->count; at++)
		if (trace->frames[at].pc == armed + UNWIND_PAST)
			break;
	if (at == trace->count)
		return 0;
	if (who == PARENT || shape->child_has_parents_frames)
		return is_parents(trace, at);
	return ends(trace) && find(trace, before.frames[0].region) < 0;
}

static void
put(const unsigned char *bytes)
{
	unsigned char *place = (unsigned char *)armed;

	memcpy(place, bytes, TRAP_LENGTH);
	__builtin___clear_cache((char *)place, (char *)place + TRAP_LENGTH);
}

/* Frame information that is wrong can lead the unwinder anywhere. */
static void
faulted(int sig)
{
	if (in_unwinder)
		siglongjmp(lost, 1);
	signal(sig, SIG_DFL);
}

static void
trapped(int sig, siginfo_t *info, void *data)
{
	struct trace trace;
	enum person who;
	int tries;

	(void)sig;
	(void)info;
	put(original);		/* before anything that might be a place */
	who = syscall(SYS_getpid) == parent ? PARENT : CHILD;
	if (!UNWIND_BEHIND)
		go_back(data, armed);
	/* Parent and child may share the unwinder's memory and its locks' owner,
	 * so one waits for the other; not for ever: it may have crashed there. */
	for (tries = 0; tries < 100000 &&
	    __atomic_exchange_n(&unwinding, 1, __ATOMIC_ACQUIRE); tries++)
		syscall(SYS_sched_yield);
	in_unwinder = 1;
	if (sigsetjmp(lost, 1) == 0)
		unwind(&trace);
	in_unwinder = 0;
	__atomic_store_n(&unwinding, 0, __ATOMIC_RELEASE);
	go_back(data, armed);
	__atomic_fetch_add(&shared->hits[who], 1, __ATOMIC_RELAXED);
	if (is_right(&trace, who)) {
		__atomic_fetch_add(&shared->right[who], 1, __ATOMIC_RELAXED);
	} else {
		shared->wrong = trace;
		shared->who = who;
	}
}

/* For what comes behind func and, where it waits for the child, the parent. */
static int
func(void *arg)
{
	(void)arg;
	put(trap_start);
	return 0;
}

/* The parent runs meanwhile, on the same text. */
static int
func_beside_parent(void *arg)
{
	(void)arg;
	return 0;
}

/* Waits before the caller returns: a Linux 1.x child may be in its frame. */
static int
settle(pid_t pid)
{
	int status;

	if (pid < 0)			/* musl's __clone returns -errno */
		return 0;
	return waitpid(pid, &status, __WALL) == pid && status == 0 ? 0 : -1;
}

static int __attribute__((noinline))
call_clone(const struct shape *that)
{
	int beside = (that->flags & (CLONE_VM | CLONE_VFORK)) == CLONE_VM;
	volatile int pid;		/* no tail call, which leaves no frame */

	remember((uintptr_t)call_clone);
	pid = that->clone(that->flags == NO_FUNC ? NULL : beside ? func_beside_parent :
	    func, stack + sizeof(stack), that->flags, NULL);
	return settle(pid);
}

/* alloca makes a frame pointer, through which the child on its new stack
 * finds its locals, and the unwinder this frame. */
static int __attribute__((noinline, optimize("no-omit-frame-pointer")))
call_linux1(const struct shape *that)
{
	volatile char *frame = __builtin_alloca(64);
	volatile pid_t pid;

	frame[0] = 0;
	remember((uintptr_t)call_linux1);
	pid = linux1_clone(that->clone == NULL ? NULL : stack + sizeof(stack),
	    (unsigned long)that->flags);
	if (pid == 0)
		_exit(0);
	return settle(pid);
}

static int
no_func(int (*f)(void *), void *s, int flags, void *arg, ...)
{
	(void)f;
	(void)s;
	(void)flags;
	(void)arg;
	return -1;
}

/* linux1_clone's shapes use `clone` to say whether there is a new stack. */
static const struct shape shapes[] = {
	{ "clone VM|VFORK", call_clone, clone, CLONE_VM | CLONE_VFORK | SIGCHLD, 0 },
	{ "clone", call_clone, clone, SIGCHLD, 0 },
	{ "clone VM", call_clone, clone, CLONE_VM | SIGCHLD, 0 },
	{ "clone, EINVAL", call_clone, clone, CLONE_SIGHAND | SIGCHLD, 0 },
	{ "clone, no func", call_clone, clone, NO_FUNC, 0 },
	{ "clone, EAGAIN", call_clone, clone, CLONE_VM | REFUSED, 0 },
	{ "__clone VM|VFORK", call_clone, __clone, CLONE_VM | CLONE_VFORK | SIGCHLD, 0 },
	{ "__clone", call_clone, __clone, SIGCHLD, 0 },
	{ "__clone VM", call_clone, __clone, CLONE_VM | SIGCHLD, 0 },
	{ "__clone, EINVAL", call_clone, __clone, CLONE_SIGHAND | SIGCHLD, 0 },
	{ "__clone, no func", call_clone, __clone, NO_FUNC, 0 },
	{ "__clone, EAGAIN", call_clone, __clone, CLONE_VM | REFUSED, 0 },
	{ "linux1 fork", call_linux1, NULL, 0x100 | SIGCHLD, 1 },
	{ "linux1 COPYVM, sp", call_linux1, no_func, 0x100 | SIGCHLD, 1 },
	{ "linux1 COPYVM|COPYFD, sp", call_linux1, no_func, 0x300 | SIGCHLD, 1 },
	{ "linux1 COPYFD, sp", call_linux1, no_func, 0x200 | SIGCHLD, 1 },
	{ "linux1 sp", call_linux1, no_func, SIGCHLD, 1 },
	{ "linux1, EINVAL", call_linux1, NULL, 0x400, 1 },
	{ "linux1, EAGAIN", call_linux1, NULL, 0x100 | REFUSED, 1 },
};
#define SHAPES	(sizeof(shapes) / sizeof(shapes[0]))

static void
tell(const char *name)
{
	static const char *const names[] = NAMES_OF;
	const struct trace *trace = &shared->wrong;
	int i;

	printf("  WRONG in the %s at %s:", names[shared->who], name);
	for (i = 0; i < trace->count; i++)
		printf(" %#lx", (unsigned long)trace->frames[i].pc);
	printf("\n");
}

/* One shape with a trap at one place. */
static int
visit(const struct shape *that, uintptr_t place)
{
	int result;

	shape = that;
	unwinding = 0;
	armed = place;
	memset(shared, 0, sizeof(*shared));
	memcpy(original, (void *)place, TRAP_LENGTH);
	put(trap_start);
	result = that->call(that);
	put(original);
	return result;
}

static int
visit_everywhere(const struct shape *that, char *reached, int verbose)
{
	int hits[PEOPLE] = { 0, 0 }, right[PEOPLE] = { 0, 0 }, who, bad = 0;
	const char *line = (const char *)places;
	size_t index = 0;

	for (; *line > ' '; line = strchr(line, '\n') + 1, index++) {
		char name[256];
		unsigned long address;

		sscanf(line, "%lx %255s", &address, name);
		if (visit(that, address) == -1) {
			printf("  WRONG: no clean child with a trap at %s\n", name);
			bad++;
		}
		for (who = 0; who < PEOPLE; who++) {
			hits[who] += shared->hits[who];
			right[who] += shared->right[who];
			bad += shared->hits[who] - shared->right[who];
			if (shared->hits[who])
				reached[index] = 1;
		}
		if (verbose && shared->wrong.count)
			tell(name);
	}
	printf("%-26s parent %d of %d, child %d of %d\n", that->name,
	    right[PARENT], hits[PARENT], right[CHILD], hits[CHILD]);
	for (who = 0; who < PEOPLE; who++) {
		all_hits[who] += hits[who];
		all_right[who] += right[who];
	}
	fflush(stdout);
	return bad;
}

/* The entries' instructions must have been reached, all of them: names in
 * `places` that start with '!'. Of the rest, branches may stay unseen, and
 * with another policy than strict the straight way to the kernel does. */
static int
count_unreached(const char *reached)
{
	const char *line = (const char *)places;
	int unreached = 0;
	size_t index = 0;

	for (; *line > ' '; line = strchr(line, '\n') + 1, index++) {
		const char *name = strchr(line, ' ') + 1;
		const char *policy = getenv("NBCLONE_POLICY");

		if (reached[index])
			continue;
		unreached++;
		if ((*name == '!' && policy == NULL) ||
		    (*name == '?' && policy != NULL && strcmp(policy, "host") == 0)) {
			printf("  NOT REACHED: %.*s\n", (int)strcspn(name, "\n"), name);
			complete = 0;
		}
	}
	return unreached;
}

static void
make_text_writable(void)
{
	uintptr_t page = (uintptr_t)sysconf(_SC_PAGESIZE);
	const char *line = (const char *)places;

	for (; *line > ' '; line = strchr(line, '\n') + 1) {
		uintptr_t start = strtoul(line, NULL, 16) / page * page;

		if (mprotect((void *)start, 2 * page, PROT_READ | PROT_WRITE | PROT_EXEC))
			perror("mprotect"), exit(2);
	}
}

int
main(int argc, char **argv)
{
	static char reached[MAX_PLACES];
	/* No SA_ONSTACK: the handler runs on the stack that is unwound. */
	struct sigaction action = { .sa_flags = SA_SIGINFO | SA_NODEFER };
	stack_t alternate = { .ss_size = STACK };
	int bad = 0;
	size_t i;

	parent = getpid();
	shared = mmap(NULL, sizeof(*shared), PROT_READ | PROT_WRITE,
	    MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	/* Policy netbsd gives it to the child, by some more code. */
	alternate.ss_sp = malloc(STACK);
	if (shared == MAP_FAILED || sigaltstack(&alternate, NULL) == -1)
		return 2;
	action.sa_sigaction = trapped;
	sigaction(SIGTRAP, &action, NULL);
	sigaction(SIGILL, &action, NULL);
	signal(SIGSEGV, faulted);
	signal(SIGBUS, faulted);
	if (refuse_exit_signal(REFUSED, EAGAIN) == -1) {
		perror("seccomp");
		return 2;
	}
	make_text_writable();
	for (i = 0; i < SHAPES; i++)
		if (shapes[i].call != call_linux1 || linux1_clone != NULL)
			bad += visit_everywhere(&shapes[i], reached,
			    argc < 2 || strcmp(argv[1], "-q") != 0);
	printf("%d instructions never reached\n", count_unreached(reached));
	printf("all: parent %d of %d, child %d of %d\n", all_right[PARENT],
	    all_hits[PARENT], all_right[CHILD], all_hits[CHILD]);
	return bad != 0 || !complete;
}
