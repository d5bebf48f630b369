/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Copyright (c) 2026 The nbclone developers */
/* What of the parent's signals, timers and signal stack the child starts with. */
#include "suite.h"

enum { SIGNAL_STACK = 65536 };
static char signal_stack[SIGNAL_STACK] __attribute__((aligned(64)));

static volatile int handler_runs;
static volatile pid_t handler_pid;
static volatile uintptr_t handler_frame;

static void note(int signal)
{
	char here = 0;

	(void)signal;
	handler_runs++;
	handler_pid = getpid();
	handler_frame = (uintptr_t)&here;
}

enum { MASK_RIGHT, PENDING, ALT_FLAGS, ALT_SIZE, REAL, VIRT, PROF, ALARM, HANDLER, IGNORE,
       ON_STACK };

static int running(int which)
{
	struct itimerval timer;

	return getitimer(which, &timer) == 0 &&
	       (timer.it_value.tv_sec != 0 || timer.it_value.tv_usec != 0);
}

static int mask_is_ours(void)
{
	sigset_t set;

	sigprocmask(SIG_BLOCK, NULL, &set);
	return sigismember(&set, SIGUSR1) == 1 && sigismember(&set, SIGTERM) == 1 &&
	       sigismember(&set, SIGUSR2) == 0 && sigismember(&set, SIGHUP) == 0 &&
	       sigismember(&set, SIGALRM) == 0;
}

static int look(void *arg)
{
	volatile long *cell = scratch->cell;
	struct sigaction action;
	sigset_t set;
	stack_t stack;
	int signal, pending = 0;

	(void)arg;
	cell[MASK_RIGHT] = mask_is_ours();
	sigpending(&set);
	for (signal = 1; signal < 64; signal++)
		pending += sigismember(&set, signal) == 1;
	cell[PENDING] = pending;
	sigaltstack(NULL, &stack);
	cell[ALT_FLAGS] = stack.ss_flags & SS_DISABLE ? 0 : stack.ss_sp == (void *)signal_stack;
	cell[ALT_SIZE] = stack.ss_flags & SS_DISABLE ? 0 : (long)stack.ss_size;
	cell[REAL] = running(ITIMER_REAL);
	cell[VIRT] = running(ITIMER_VIRTUAL);
	cell[PROF] = running(ITIMER_PROF);
	cell[ALARM] = (long)alarm(0);
	sigaction(SIGUSR2, NULL, &action);
	cell[HANDLER] = action.sa_handler == note;
	sigaction(SIGHUP, NULL, &action);
	cell[IGNORE] = action.sa_handler == SIG_IGN;
	if (cell[ALT_FLAGS]) { /* a handler really runs on it */
		handler_frame = 0;
		kill(getpid(), SIGUSR2);
		cell[ON_STACK] = handler_frame >= (uintptr_t)signal_stack &&
		                 handler_frame < (uintptr_t)(signal_stack + SIGNAL_STACK);
	}
	return 0;
}

static void start_timers(void)
{
	struct itimerval timer;

	memset(&timer, 0, sizeof timer);
	timer.it_value.tv_sec = 10000;
	setitimer(ITIMER_REAL, &timer, NULL);
	setitimer(ITIMER_VIRTUAL, &timer, NULL);
	setitimer(ITIMER_PROF, &timer, NULL);
}

static void claim_child(const char *row, int shared_without_vfork)
{
	volatile long *cell = scratch->cell;
	/* Linux turns it off; policy netbsd turns it on again, the others leave it. */
	int off = shared_without_vfork && policy != NETBSD;

	claim(6, row, "child-mask", cell[MASK_RIGHT] ? "USR1,TERM," : "other", "USR1,TERM,", 0);
	claim(6, row, "child-npending", number(cell[PENDING]), "0", 0);
	claim(6, row, "child-altstack", cell[ALT_FLAGS] ? "inherited" : "disabled",
	      off ? "disabled" : "inherited", shared_without_vfork ? 8 : 0);
	claim(6, row, "child-altsize", cell[ALT_SIZE] ? "nonzero" : "0", off ? "0" : "nonzero",
	      shared_without_vfork ? 8 : 0);
	differs(8, off || cell[ALT_SIZE] == SIGNAL_STACK, "%s: its size is %ld", row,
	        cell[ALT_SIZE]);
	differs(8, off || cell[ON_STACK], "%s: a handler didn't run on it", row);
	claim(6, row, "child-itreal", number(cell[REAL]), "0", 0);
	claim(6, row, "child-itvirt", number(cell[VIRT]), "0", 0);
	claim(6, row, "child-itprof", number(cell[PROF]), "0", 0);
	claim(6, row, "child-alarm", number(cell[ALARM]), "0", 0);
	claim(6, row, "child-handler-kept", number(cell[HANDLER]), "1", 0);
	claim(6, row, "child-ign-kept", number(cell[IGNORE]), "1", 0);
}

static void claim_parent(const char *row)
{
	stack_t stack;
	sigset_t set;

	claim(6, row, "parent-mask-after", mask_is_ours() ? "USR1,TERM," : "other", "USR1,TERM,",
	      0);
	sigaltstack(NULL, &stack);
	claim(6, row, "parent-altstack-after",
	      stack.ss_flags & SS_DISABLE || stack.ss_sp != (void *)signal_stack ? "disabled"
	                                                                         : "enabled",
	      "enabled", 0);
	claim(6, row, "parent-itreal-after", number(running(ITIMER_REAL)), "1", 0);
	sigpending(&set);
	claim(6, row, "parent-usr1-pending", number(sigismember(&set, SIGUSR1)), "1", 0);
}

static void inherit(long flags)
{
	const char *row = text("inherit,%s", combination((int)flags));
	sigset_t set;
	stack_t stack;
	pid_t pid;

	handle(SIGUSR1, note, 0);
	handle(SIGUSR2, note, SA_ONSTACK);
	handle(SIGHUP, SIG_IGN, 0);
	sigemptyset(&set);
	sigaddset(&set, SIGUSR1);
	sigaddset(&set, SIGTERM);
	sigprocmask(SIG_SETMASK, &set, NULL);
	memset(&stack, 0, sizeof stack);
	stack.ss_sp = (void *)signal_stack;
	stack.ss_size = SIGNAL_STACK;
	claim(6, row, "setalt", number(sigaltstack(&stack, NULL)), "0", 0);
	start_timers();
	kill(getpid(), SIGUSR1);
	pid = clone(look, stack_top(0), (int)flags | SIGCHLD, NULL);
	claim(6, row, "ret", returned(pid), "pid", 0);
	check(strcmp(waited(pid, 0), "exit0") == 0, "%s: the child", row);
	claim_child(row, (flags & CLONE_VM) && !(flags & CLONE_VFORK));
	claim_parent(row);
}

/* No signal stack in the parent: none in the child, whatever is restored. */
static void no_signal_stack(long flags)
{
	pid_t pid;

	handle(SIGUSR2, note, SA_ONSTACK);
	pid = clone(look, stack_top(0), (int)flags | SIGCHLD, NULL);
	check(strcmp(waited(pid, 0), "exit0") == 0, "the child");
	check(scratch->cell[ALT_FLAGS] == 0 && scratch->cell[ALT_SIZE] == 0,
	      "the child has a signal stack of %ld bytes", scratch->cell[ALT_SIZE]);
}

static int signal_oneself(void *arg)
{
	(void)arg;
	kill(getpid(), SIGUSR1);
	scratch->cell[0] = handler_runs;
	scratch->cell[1] = handler_pid == getpid();
	return 0;
}

static void handler_in_child(long flags)
{
	const char *row = text("handler-in-child,%s", combination((int)flags));
	pid_t pid;

	catch_signals(SIGCHLD);
	handle(SIGUSR1, note, 0);
	pid = clone(signal_oneself, stack_top(0), (int)flags | SIGCHLD, NULL);
	claim(6, row, "ret", returned(pid), "pid", 0);
	claim(6, row, "reap", waited(pid, 0), "exit0", 0);
	claim(6, row, "handler-runs", number(scratch->cell[0]), "1", 0);
	claim(6, row, "in", scratch->cell[1] ? "child" : "parent", "child", 0);
	claim(6, row, "sig", caught(SIGCHLD, "CHLD", pid), exit_signal_text(SIGCHLD, "CHLD", 0),
	      0);
}

/* The mask is never shared, not even with the handlers. */
static int change_mask(void *arg)
{
	sigset_t set;

	(void)arg;
	sigfillset(&set);
	sigprocmask(SIG_BLOCK, &set, NULL);
	return 0;
}

static void mask_private(long flags)
{
	sigset_t set;
	pid_t pid;
	int signal;

	pid = clone(change_mask, stack_top(0), (int)flags | SIGCHLD, NULL);
	check(strcmp(waited(pid, 0), "exit0") == 0, "the child");
	sigprocmask(SIG_BLOCK, NULL, &set);
	for (signal = 1; signal < 64; signal++)
		check(sigismember(&set, signal) != 1, "signal %d is blocked in the parent", signal);
}

void signal_cases(void)
{
	static const int all[] = {0,
	                          CLONE_VM,
	                          CLONE_VFORK,
	                          CLONE_VM | CLONE_VFORK,
	                          CLONE_VM | CLONE_SIGHAND,
	                          CLONE_VM | CLONE_FS | CLONE_FILES | CLONE_SIGHAND,
	                          CLONE_FILES};
	size_t i;

	for (i = 0; i < sizeof all / sizeof all[0]; i++)
		add(inherit, all[i], "signals: what is inherited, %s", combination(all[i]));
	for (i = 0; i < 5; i++)
		add(no_signal_stack, all[i], "signals: no signal stack, %s", combination(all[i]));
	add(handler_in_child, 0, "signals: a handler runs in the child, none");
	add(handler_in_child, CLONE_VM, "signals: a handler runs in the child, VM");
	add(handler_in_child, CLONE_VM | CLONE_SIGHAND,
	    "signals: a handler runs in the child, VM|SIGHAND");
	add(mask_private, 0, "signals: the mask is the child's own, none");
	add(mask_private, CLONE_VM | CLONE_SIGHAND | CLONE_FS | CLONE_FILES,
	    "signals: the mask is the child's own, VM|FS|FILES|SIGHAND");
	add(mask_private, CLONE_VM | CLONE_SIGHAND | CLONE_VFORK,
	    "signals: the mask is the child's own, VM|SIGHAND|VFORK");
}
