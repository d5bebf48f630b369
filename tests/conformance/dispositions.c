/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Copyright (c) 2026 The nbclone developers */
/* What the parent does with signals, and the child with shared handlers. */
#include "suite.h"

static volatile int runs, run_signal, done_before;
static volatile pid_t run_pid;

static void note(int signal)
{
	runs++;
	run_signal = signal;
	run_pid = getpid();
	done_before = scratch->done;
}

static int exit_7(void *arg)
{
	(void)arg;
	return 7;
}

static void handler_in_parent(long variant)
{
	static const struct {
		const char *name;
		int signal;
	} all[] = {{"USR1", SIGUSR1}, {"CHLD", SIGCHLD}, {"ALRM", SIGALRM}};
	const char *row = text("handler-in-parent/%s", all[variant].name);
	pid_t pid;

	handle(all[variant].signal, note, 0);
	pid = clone(exit_7, stack_top(0), CLONE_VM | all[variant].signal, NULL);
	claim(9, row, "ret", returned(pid), "pid", 0);
	claim(9, row, "reap", waited(pid, WALLSIG), "exit7", 0);
	claim(9, row, "handler-runs", number(runs), "1", 0);
	claim(9, row, "sig", run_signal == all[variant].signal ? all[variant].name : "other",
	      all[variant].name, 0);
	claim(9, row, "in", run_pid == getpid() ? "parent" : "child", "parent", 0);
}

enum how { IGNORED, NOCLDWAIT, NOCLDWAIT_HANDLER };

/* NetBSD's parent then gets no zombie of any child; Linux's gets none of SIGCHLD children. */
static void no_zombies(long variant)
{
	static const char *const names[] = {"SIGCHLD=IGN", "NOCLDWAIT+DFL", "NOCLDWAIT+handler"};
	enum how how = (enum how)(variant / 10);
	const struct exit_signal *signal = exit_signal((int)variant % 10);
	const char *row = text("%s/%s", names[how], signal->row);
	int reaped = !on_netbsd && signal->number != SIGCHLD;
	pid_t pid;

	if (signal->number != 0 && signal->number != SIGCHLD)
		handle(signal->number, SIG_IGN, 0);
	handle(SIGCHLD, how == IGNORED ? SIG_IGN : how == NOCLDWAIT ? SIG_DFL : note,
	       how == IGNORED ? 0 : SA_NOCLDWAIT);
	pid = clone(exit_7, stack_top(0), signal->number, NULL);
	claim(9, row, "ret", returned(pid), "pid", 0);
	claim(9, row, "w0", waited(pid, 0), "-1/ECHILD", 0);
	claim(9, row, "wclone", waited(pid, WALTSIG), reaped ? "exit7" : "-1/ECHILD", 11);
	claim(9, row, "wall", waited(pid, WALLSIG), "-1/ECHILD", 0);
	if (how == NOCLDWAIT_HANDLER)
		differs(12, runs == (!on_netbsd && signal->number == SIGCHLD),
		        "%s: the handler ran %d times", row, runs);
}

static void ignored_exit_signal(long unused)
{
	const char *row = "parent-ignores-USR1,unblocked/USR1";
	pid_t pid;

	(void)unused;
	handle(SIGUSR1, SIG_IGN, 0);
	pid = clone(exit_7, stack_top(0), SIGUSR1, NULL);
	claim(13, row, "ret", returned(pid), "pid", 0);
	claim(13, row, "w0", waited(pid, 0), "-1/ECHILD", 0);
	claim(13, row, "wclone", waited(pid, WALTSIG), "exit7", 0);
}

static int signal_parent(void *arg)
{
	(void)arg;
	kill(getppid(), SIGALRM);
	yield_while_parent_blocked();
	scratch->done = 1;
	return 0;
}

static void handler_after_vfork(long flags)
{
	const char *row = text("vfork-blocked-parent-gets-ALRM,%s", combination((int)flags));
	pid_t pid;

	handle(SIGALRM, note, 0);
	pid = clone(signal_parent, stack_top(0), (int)flags | SIGCHLD, NULL);
	scratch->returned = 1;
	claim(9, row, "child-done-then", number(scratch->done), "1", 0);
	claim(9, row, "handler-runs", number(runs), "1", 0);
	claim(9, row, "handler-ran-after-child", number(done_before), "1", 0);
	waited(pid, 0);
}

static int signal_oneself(void *arg)
{
	(void)arg;
	kill(getpid(), SIGUSR2);
	scratch->cell[0] = runs;
	return 0;
}

static void reset_hand(long flags)
{
	const char *row = text("RESETHAND,%s", combination((int)flags));
	struct sigaction action;
	pid_t pid;

	handle(SIGUSR2, note, (int)SA_RESETHAND);
	pid = clone(signal_oneself, stack_top(0), (int)flags | SIGCHLD, NULL);
	claim(13, row, "ret", returned(pid), "pid", 0);
	check(strcmp(waited(pid, 0), "exit0") == 0, "%s: the child", row);
	claim(13, row, "handler-runs", number(scratch->cell[0]), "1", 0);
	sigaction(SIGUSR2, NULL, &action);
	claim(13, row, "parent-disp-after", action.sa_handler == SIG_DFL ? "DFL(reset)" : "handler",
	      flags & CLONE_SIGHAND ? "DFL(reset)" : "handler", 0);
}

static void (*volatile wanted)(int);

static int set_wanted(void *arg)
{
	(void)arg;
	handle(SIGUSR2, wanted, 0);
	return 0;
}

static const struct {
	const char *row;
	void (*before)(int), (*after)(int);
	int flags, reaches; /* a signal to the parent then runs its handler */
} shared_handlers[] = {
    {"USR2:parent=DFL,child-sets-handler,VM|SIGHAND", SIG_DFL, note,
     CLONE_VM | CLONE_SIGHAND, 1},
    {"USR2:parent=handler,child-sets-IGN,VM|SIGHAND", note, SIG_IGN,
     CLONE_VM | CLONE_SIGHAND, 0},
    {"USR2:parent=DFL,child-sets-IGN,VM|SIGHAND", SIG_DFL, SIG_IGN,
     CLONE_VM | CLONE_SIGHAND, 0},
    {"USR2:parent=IGN,child-sets-handler,VM", SIG_IGN, note, CLONE_VM, 0},
    /* NetBSD still discards it there: the handler runs on Linux only. */
    {"USR2:parent=IGN,child-sets-handler,VM|SIGHAND", SIG_IGN, note,
     CLONE_VM | CLONE_SIGHAND, 14},
    {"USR2:parent=IGN,child-sets-handler,VM|SIGHAND|FS|FILES", SIG_IGN, note,
     CLONE_VM | CLONE_SIGHAND | CLONE_FS | CLONE_FILES, 14},
};

static const char *disposition(void (*handler)(int))
{
	return handler == SIG_DFL ? "DFL" : handler == SIG_IGN ? "IGN" : "hnd";
}

/* A disposition set by the child is the parent's, and acts on signals to the parent. */
static void acts_on_parent(long variant)
{
	const char *row = shared_handlers[variant].row;
	int flags = shared_handlers[variant].flags, reaches = shared_handlers[variant].reaches;
	int difference = reaches > 1 ? reaches : 0;
	struct sigaction action;
	pid_t pid;

	if (difference)
		reaches = !on_netbsd;
	wanted = shared_handlers[variant].after;
	handle(SIGUSR2, shared_handlers[variant].before, 0);
	pid = clone(set_wanted, stack_top(0), flags | SIGCHLD, NULL);
	claim(13, row, "ret", returned(pid), "pid", 0);
	check(strcmp(waited(pid, 0), "exit0") == 0, "%s: the child", row);
	sigaction(SIGUSR2, NULL, &action);
	claim(13, row, "parent-reads", disposition(action.sa_handler),
	      disposition(flags & CLONE_SIGHAND ? wanted : shared_handlers[variant].before), 0);
	kill(getpid(), SIGUSR2);
	claim(13, row, "signal-to-parent", runs ? "handler-ran" : "nothing",
	      reaches ? "handler-ran" : "nothing", difference);
}

static volatile int install;

static int set_chld(void *arg)
{
	handle(SIGCHLD, *(volatile int *)arg ? SIG_DFL : SIG_IGN,
	       *(volatile int *)arg ? SA_NOCLDWAIT : 0);
	return 0;
}

static void set_by_child(long variant)
{
	static const char *const rows[] = {"child-sets-SIGCHLD-IGN,VM|SIGHAND",
	                                   "child-sets-SIGCHLD-IGN,VM",
	                                   "child-sets-NOCLDWAIT,VM|SIGHAND"};
	const char *row = rows[variant];
	int shared = variant != 1;
	pid_t pid, forked;

	install = variant == 2;
	pid = clone(set_chld, stack_top(0), CLONE_VM | (shared ? CLONE_SIGHAND : 0) | SIGCHLD,
	            (void *)&install);
	claim(6, row, "ret", returned(pid), "pid", 0);
	claim(6, row, "clone-child", waited(pid, 0), shared && !on_netbsd ? "-1/ECHILD" : "exit0",
	      13);
	forked = fork();
	if (forked == 0)
		_exit(4);
	claim(6, row, "forked-child", waited(forked, 0),
	      shared && !on_netbsd ? "-1/ECHILD" : "exit4", 13);
}

void disposition_cases(void)
{
	static const char *const hows[] = {"ignored", "NOCLDWAIT", "NOCLDWAIT and a handler"};
	int how, i;

	add(handler_in_parent, 0, "dispositions: a handler runs in the parent, USR1");
	add(handler_in_parent, 1, "dispositions: a handler runs in the parent, CHLD");
	add(handler_in_parent, 2, "dispositions: a handler runs in the parent, ALRM");
	for (how = 0; how < 3; how++)
		for (i = 0; i < 4; i++)
			add(no_zombies, how * 10 + i, "dispositions: SIGCHLD %s, exit signal %s",
			    hows[how], exit_signal(i)->row);
	add(ignored_exit_signal, 0, "dispositions: the exit signal is ignored");
	add(handler_after_vfork, CLONE_VM | CLONE_VFORK,
	    "dispositions: a handler waits for the end of VFORK, VM|VFORK");
	add(handler_after_vfork, CLONE_VFORK,
	    "dispositions: a handler waits for the end of VFORK, VFORK");
	add(reset_hand, 0, "dispositions: SA_RESETHAND, none");
	add(reset_hand, CLONE_VM, "dispositions: SA_RESETHAND, VM");
	add(reset_hand, CLONE_VM | CLONE_SIGHAND, "dispositions: SA_RESETHAND, VM|SIGHAND");
	for (i = 0; i < (int)(sizeof shared_handlers / sizeof shared_handlers[0]); i++)
		add(acts_on_parent, i, "dispositions: %s", shared_handlers[i].row);
	add(set_by_child, 0, "dispositions: the child ignores SIGCHLD, VM|SIGHAND");
	add(set_by_child, 1, "dispositions: the child ignores SIGCHLD, VM");
	add(set_by_child, 2, "dispositions: the child sets SA_NOCLDWAIT, VM|SIGHAND");
}
