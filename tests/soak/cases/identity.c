/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Copyright (c) 2026 The nbclone developers */
/*
 * Who libc in a child with copied memory believes to be, wherever the child
 * was made: raise(3), pthread_kill(3) and mutexes act on the child, and its
 * parent is still itself afterwards. After fork(2) all of this holds.
 */
#define _GNU_SOURCE
#include "beside.h"

#include <sys/prctl.h>

static struct {
	pthread_mutex_t held, free;
	volatile pid_t handled_by;
} *shared;

static int *own_word;			/* what a program gives to set_tid_address(2) */
static int own_value;

static pid_t
real_pid(void)
{
	return (pid_t)syscall(SYS_getpid);
}

static void
note(int sig)
{
	(void)sig;
	shared->handled_by = real_pid();
}

static int
is_itself(void *arg)
{
	(void)arg;
	expect("getpid", getpid(), real_pid());
	shared->handled_by = 0;
	expect("raise", raise(SIGUSR1), 0);
	expect("who handles raise's signal", shared->handled_by, real_pid());
	shared->handled_by = 0;
	expect("pthread_kill", pthread_kill(pthread_self(), SIGUSR1), 0);
	expect("who handles pthread_kill's signal", shared->handled_by, real_pid());
	expect("unlock of its parent's mutex", pthread_mutex_unlock(&shared->held), EPERM);
	expect("trylock of it", pthread_mutex_trylock(&shared->held), EBUSY);
	expect("lock", pthread_mutex_lock(&shared->free), 0);
	expect("a second lock", pthread_mutex_lock(&shared->free), EDEADLK);
	expect("unlock", pthread_mutex_unlock(&shared->free), 0);
	if (own_word != NULL)
		expect("the program's own word", *own_word, own_value);
	return 7;
}

static void
make_mutexes(void)
{
	pthread_mutexattr_t attributes;

	pthread_mutexattr_init(&attributes);
	pthread_mutexattr_settype(&attributes, PTHREAD_MUTEX_ERRORCHECK);
	pthread_mutexattr_setpshared(&attributes, PTHREAD_PROCESS_SHARED);
	pthread_mutex_init(&shared->held, &attributes);
	pthread_mutex_init(&shared->free, &attributes);
}

static void
check(void)
{
	make_mutexes();
	expect("lock", pthread_mutex_lock(&shared->held), 0);
	expect_exit(wait_for(start(SIGCHLD, is_itself, NULL)), 7);
	expect("unlock by its owner", pthread_mutex_unlock(&shared->held), 0);
	if (own_word != NULL)
		expect("the program's own word", *own_word, own_value);
}

static void from_the_first_thread(void) { check(); }
static void from_another_thread(void) { on_thread(check); }
static void from_a_sharing_child(void) { in_sharing_child(check); }
static void from_a_raw_child(void) { in_raw_child(check); }
static void check_in_sharing_child(void) { in_sharing_child(check); }
static void from_a_sharing_child_of_a_thread(void) { on_thread(check_in_sharing_child); }
static void check_in_raw_child(void) { in_raw_child(check); }
static void from_a_raw_child_of_a_thread(void) { on_thread(check_in_raw_child); }
static void from_a_sharing_child_of_a_raw_child(void) { in_raw_child(check_in_sharing_child); }

static int
check_in_child(void *arg)
{
	(void)arg;
	check();
	return 0;
}

static void
from_a_copied_child(void)
{
	take_over(wait_for(start(SIGCHLD, check_in_child, NULL)));
}

static void
from_a_vfork_child(void)
{
	pid_t pid = vfork();

	if (pid == 0) {
		check();
		_exit(0);
	}
	take_over(wait_for(pid));
}

static void
check_in_handler(int sig)
{
	(void)sig;
	check();
}

static void
from_a_signal_handler(void)
{
	signal(SIGUSR2, check_in_handler);
	raise(SIGUSR2);
}

static void
from_an_alternate_stack(void)
{
	struct sigaction action;
	stack_t stack = { .ss_sp = next_stack() - STACK_SIZE, .ss_size = STACK_SIZE };

	memset(&action, 0, sizeof(action));
	action.sa_handler = check_in_handler;
	action.sa_flags = SA_ONSTACK;
	expect("sigaltstack", sigaltstack(&stack, NULL), 0);
	sigaction(SIGUSR2, &action, NULL);
	raise(SIGUSR2);
}

/* The child of one thread, while the other is in libc's list of threads. */
static void *
sleeps(void *arg)
{
	while (!*(volatile int *)arg)
		sched_yield();
	return NULL;
}

static void
beside_another_thread(void)
{
	static char stack[STACK_SIZE] __attribute__((aligned(4096)));
	static volatile int go;
	pthread_attr_t attributes;
	pthread_t thread;

	pthread_attr_init(&attributes);
	pthread_attr_setstack(&attributes, stack, sizeof(stack));
	expect("pthread_create", pthread_create(&thread, &attributes, sleeps, (void *)&go), 0);
	check();
	go = 1;
	pthread_join(thread, NULL);
}

/* libc's pthread_join waits for libc's word, so the case restores it at the end. */
static void
with_tid_address(void *word)
{
	void *before = NULL;

	if (prctl(PR_GET_TID_ADDRESS, &before, 0, 0, 0) == -1)
		skip_case("no PR_GET_TID_ADDRESS");
	syscall(SYS_set_tid_address, word);
	check();
	check();
	syscall(SYS_set_tid_address, before);
}

static void
with_own_word(int *word)
{
	own_word = word;
	own_value = *word;
	with_tid_address(word);
}

static void
after_set_tid_address(void)
{
	static int word = 0x5a5a5a5a;

	with_own_word(&word);
}

/* As a checkpoint's restorer may have it. */
static void
after_set_tid_address_that_holds_the_id(void)
{
	static int word;

	word = (int)syscall(SYS_gettid);
	with_own_word(&word);
}

static void
after_set_tid_address_of_nothing(void)
{
	with_tid_address(NULL);
}

static void
after_set_tid_address_of_no_memory(void)
{
	char *page = mmap(NULL, 65536, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	with_tid_address(page);
	munmap(page, 65536);
	check();
}

static void
after_set_tid_address_of_read_only_memory(void)
{
	char *page = mmap(NULL, 65536, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	with_tid_address(page);
	munmap(page, 65536);
}

static void threads_after_set_tid_address(void) { on_thread(after_set_tid_address); }

/* The list of robust mutexes is the program's own, or nobody's. */
static void
after_set_robust_list(void)
{
	static struct {
		void *next;
		long offset;
		void *pending;
	} head;
	size_t size = sizeof(head);
	void *before = NULL;

	syscall(SYS_get_robust_list, 0, &before, &size);
	head.next = &head;
	syscall(SYS_set_robust_list, &head, sizeof(head));
	check();
	syscall(SYS_set_robust_list, NULL, sizeof(head));
	check();
	syscall(SYS_set_robust_list, before, sizeof(head));
	check();
}

/* The caller is process 1 of a namespace; the child is process 1 of a new one. */
static int
check_as_first(void *arg)
{
	(void)arg;
	expect("getpid", getpid(), 1);
	check();
	return 0;
}

static void
make_namespace(void)
{
	if (unshare(CLONE_NEWPID) == -1)
		skip_case("wants root");
	take_over(wait_for(start(SIGCHLD, check_as_first, NULL)));
}

static void in_a_pid_namespace(void) { in_process(make_namespace); }

static int
aborts(void *arg)
{
	(void)arg;
	prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
	abort();
}

static void
abort_ends_the_child(void)
{
	expect_death(wait_for(start(SIGCHLD, aborts, NULL)), SIGABRT);
}

static const struct test cases[] = {
	CASE(from_the_first_thread), CASE(from_another_thread), CASE(from_a_sharing_child),
	CASE(from_a_raw_child), CASE(from_a_copied_child), CASE(from_a_vfork_child),
	CASE(from_a_sharing_child_of_a_thread), CASE(from_a_raw_child_of_a_thread),
	CASE(from_a_sharing_child_of_a_raw_child), CASE(from_a_signal_handler),
	CASE(from_an_alternate_stack), CASE(beside_another_thread),
	CASE(after_set_tid_address), CASE(after_set_tid_address_that_holds_the_id),
	CASE(after_set_tid_address_of_nothing), CASE(after_set_tid_address_of_no_memory),
	CASE(after_set_tid_address_of_read_only_memory), CASE(threads_after_set_tid_address),
	CASE(after_set_robust_list), CASE(in_a_pid_namespace), CASE(abort_ends_the_child),
};

int
main(int argc, char **argv)
{
	shared = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (shared == MAP_FAILED)
		return 2;
	signal(SIGUSR1, note);
	return RUN(cases);
}
