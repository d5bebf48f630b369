/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Copyright (c) 2026 The nbclone developers */
/*
 * Stacks with little room, the caller's and the child's; arguments that are
 * there and that aren't; alternate signal stacks.
 */
#define _GNU_SOURCE
#include "beside.h"

#define ALTERNATE_SIZE	32768

static int
gives_seven(void *arg)
{
	(void)arg;
	return 7;
}

static int shape;
static char *childs_stack;

/* Only the call: its own frame is small, clone may use the rest of the room. */
static int
calls(void *arg)
{
	pid_t *pid = arg;

	*pid = clone(gives_seven, childs_stack, shape, NULL);
	return *pid > 0 ? 7 : 1;
}

/* The caller stands `room` bytes above memory that isn't there. */
static void
callers_room(int flags, size_t room)
{
	static pid_t pid;
	char *stack;

#ifdef FORK
	not_applicable();
#endif
	stack = new_stack();
	childs_stack = next_stack();
	shape = flags;
	expect_exit(wait_for(clone(calls, stack - STACK_SIZE + room, SHARED, &pid)), 7);
	free_stack(stack);
}

/* The child's stack is `room` bytes and no more. */
static void
childs_room(int flags, size_t room)
{
	char *stack;

#ifdef FORK
	not_applicable();
#endif
	stack = new_stack();
	expect_exit(wait_for(clone(gives_seven, stack - STACK_SIZE + room, flags, NULL)), 7);
	free_stack(stack);
}

#define ROOM(size) \
	static void callers_room_##size##_copied(void) { callers_room(COPIED, size); } \
	static void callers_room_##size##_shared(void) { callers_room(CLONE_VM | SIGCHLD, size); } \
	static void childs_room_##size##_copied(void) { childs_room(COPIED, size); } \
	static void childs_room_##size##_shared(void) { childs_room(CLONE_VM | SIGCHLD, size); }
ROOM(64) ROOM(96) ROOM(128) ROOM(192) ROOM(256) ROOM(384) ROOM(512) ROOM(1024) ROOM(2048)

/* func ends in a tail call of clone with four arguments, at its stack's end:
 * a seventh would be in memory that isn't there. */
static int __attribute__((optimize("O2", "no-stack-protector")))
ends_in_clone(void *arg)
{
	return clone(gives_seven, childs_stack, SIGCHLD, arg);
}

static int __attribute__((optimize("O2", "no-stack-protector")))
ends_in_sharing_clone(void *arg)
{
	return clone(gives_seven, childs_stack, CLONE_VM | SIGCHLD, arg);
}

static int __attribute__((optimize("O2", "no-stack-protector")))
ends_in_refused_clone(void *arg)
{
	return clone(gives_seven, childs_stack, CLONE_SIGHAND | SIGCHLD, arg);
}

/* A grandchild's id is never 0, so that its low byte rarely is. */
static void
tail_call(int (*func)(void *), int is_refused)
{
	char *stack;
	int status;

#ifdef FORK
	not_applicable();
#endif
	stack = new_stack();
	childs_stack = next_stack();
	status = wait_for(clone(func, stack, SHARED, NULL));
	if (!WIFEXITED(status))
		fail("the caller dies of signal %d", WTERMSIG(status));
	if (is_refused)
		expect("its status", WEXITSTATUS(status), 255);
	free_stack(stack);
}

static void tail_call_copied(void) { tail_call(ends_in_clone, 0); }
static void tail_call_shared(void) { tail_call(ends_in_sharing_clone, 0); }
static void tail_call_refused(void) { tail_call(ends_in_refused_clone, 1); }

/* All seven arguments reach the kernel where the caller passed seven. */
static int
finds_its_id(void *word)
{
	return *(volatile pid_t *)word == (pid_t)syscall(SYS_gettid) ? 7 : 1;
}

static void
seven_arguments(int flags)
{
	static volatile pid_t parents, childs;
	pid_t pid;

#ifdef FORK
	not_applicable();
#endif
	parents = childs = 0;
	pid = clone(finds_its_id, next_stack(), flags | CLONE_PARENT_SETTID |
	    CLONE_CHILD_SETTID | SIGCHLD, (void *)&childs, &parents, NULL, &childs);
	if (pid == -1)
		fail("errno %d", errno);
	expect_exit(wait_for(pid), 7);
	expect("the parent's word", parents, pid);
	if (flags & CLONE_VM)
		expect("the child's word", childs, pid);
	else
		expect("the child's word here", childs, 0);
}

static void seven_arguments_copied(void) { seven_arguments(0); }
static void seven_arguments_shared(void) { seven_arguments(CLONE_VM); }

/* clone(CLONE_VM) from a handler on the alternate stack. The child takes a
 * signal for that stack, too, while its parent is still on it. */
static char alternate[ALTERNATE_SIZE] __attribute__((aligned(64)));
static volatile int is_on_alternate, damaged, childs_status;

static void
childs_handler(int sig)
{
	volatile char here[2048];

	(void)sig;
	memset((void *)here, 0x55, sizeof(here));
	is_on_alternate = (char *)here >= alternate && (char *)here < alternate + ALTERNATE_SIZE;
}

static int
signals_itself(void *arg)
{
	(void)arg;
	syscall(SYS_kill, syscall(SYS_getpid), SIGUSR2);
	return 7;
}

static void
parents_handler(int sig)
{
	volatile unsigned char canary[4096];
	int status = 0;
	size_t i;
	pid_t pid;

	(void)sig;
	memset((void *)canary, 0xaa, sizeof(canary));
	pid = start(shape, signals_itself, NULL);
	syscall(SYS_wait4, pid, &status, __WALL, NULL);
	childs_status = status;
	for (i = 0; i < sizeof(canary); i++)
		damaged += canary[i] != 0xaa;
}

static void
on_alternate_stack(int flags, int extra)
{
	stack_t stack = { .ss_sp = alternate, .ss_size = ALTERNATE_SIZE, .ss_flags = extra };
	struct sigaction action;

	shape = flags;
	is_on_alternate = -1;
	memset(&action, 0, sizeof(action));
	action.sa_flags = SA_ONSTACK;
	action.sa_handler = parents_handler;
	if (sigaltstack(&stack, NULL) == -1)
		skip_case("no SS_AUTODISARM");
	sigaction(SIGUSR1, &action, NULL);
	action.sa_handler = childs_handler;
	sigaction(SIGUSR2, &action, NULL);
	raise(SIGUSR1);
	expect_exit(childs_status, 7);
	expect("bytes of the parent's frame that are damaged", damaged, 0);
	if (shape & CLONE_VM)
		expect("the child's handler is on its parent's stack", is_on_alternate, 0);
}

static void alternate_stack_in_use(void) { on_alternate_stack(CLONE_VM | SIGCHLD, 0); }
static void alternate_stack_in_use_copied(void) { on_alternate_stack(SIGCHLD, 0); }
#ifndef SS_AUTODISARM
# define SS_AUTODISARM	(1U << 31)
#endif
static void
alternate_stack_in_use_disarmed(void)
{
	on_alternate_stack(CLONE_VM | SIGCHLD, (int)SS_AUTODISARM);
}

static void
alternate_stack_in_use_with_all(void)
{
	on_alternate_stack(CLONE_VM | CLONE_FS | CLONE_FILES | CLONE_SIGHAND | SIGCHLD, 0);
}

static void thread_alternate_stack_in_use(void) { on_thread(alternate_stack_in_use); }

#define ROOMS(size) \
	CASE(callers_room_##size##_copied), CASE(callers_room_##size##_shared), \
	CASE(childs_room_##size##_copied), CASE(childs_room_##size##_shared)

static const struct test cases[] = {
	ROOMS(64), ROOMS(96), ROOMS(128), ROOMS(192), ROOMS(256), ROOMS(384), ROOMS(512),
	ROOMS(1024), ROOMS(2048),
	CASE(tail_call_copied), CASE(tail_call_shared), CASE(tail_call_refused),
	CASE(seven_arguments_copied), CASE(seven_arguments_shared),
	CASE(alternate_stack_in_use), CASE(alternate_stack_in_use_copied),
	CASE(alternate_stack_in_use_disarmed), CASE(alternate_stack_in_use_with_all),
	CASE(thread_alternate_stack_in_use),
};

int
main(int argc, char **argv)
{
	return RUN(cases);
}
