/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Copyright (c) 2026 The nbclone developers */
/*
 * All 32 combinations of the five flags, each with five exit signals: what the
 * parent sees of a child that changes everything it can, which exit signal
 * comes, and which waits find the child.
 */
#include "suite.h"

enum { SPARE_FD = 40, NEW_FD = 41 };

static const int combinations = 32;
static volatile int own_memory;
static struct gate start_gate;
static int child_blocks;

static int flags_of(int index)
{
	static const int each[5] = {CLONE_VM, CLONE_FS, CLONE_FILES, CLONE_SIGHAND, CLONE_VFORK};
	int flags = 0, i;

	for (i = 0; i < 5; i++)
		if (index & (1 << i))
			flags |= each[i];
	return flags;
}

static void child_handler(int signal)
{
	(void)signal;
}

static int change_everything(void *arg)
{
	struct sigaction action;
	sigset_t set;

	scratch->ran = 1;
	scratch->arg_ok = arg == (void *)&own_memory;
	scratch->pid = getpid();
	scratch->ppid = getppid();
	if (child_blocks)
		yield_while_parent_blocked();
	else
		gate_wait(&start_gate);
	own_memory = 1;
	if (chdir(other_dir) != 0)
		scratch->ran = -1;
	umask(0127);
	close(SPARE_FD);
	dup2(start_gate.in, NEW_FD);
	memset(&action, 0, sizeof action);
	action.sa_handler = child_handler;
	sigaction(SIGUSR2, &action, NULL);
	sigemptyset(&set);
	sigaddset(&set, SIGWINCH);
	sigprocmask(SIG_BLOCK, &set, NULL);
	scratch->done = 1;
	return 7;
}

static int exit_7(void *arg)
{
	(void)arg;
	return 7;
}

static void claim_effects(const char *row, int flags)
{
	struct sigaction action;
	struct stat dir;
	sigset_t set;
	mode_t mask;

	stat(other_dir, &dir);
	claim(1, row, "mem", number(own_memory), flags & CLONE_VM ? "1" : "0", 0);
	claim(1, row, "cwd", number(same_directory(".", &dir)), flags & CLONE_FS ? "1" : "0", 0);
	mask = umask(022);
	check(mask == 0127 || mask == 022, "umask is %03o", (unsigned)mask);
	claim(1, row, "umask", number(mask == 0127), flags & CLONE_FS ? "1" : "0", 0);
	claim(1, row, "fdclose", number(fcntl(SPARE_FD, F_GETFD) == -1),
	      flags & CLONE_FILES ? "1" : "0", 0);
	claim(1, row, "fddup", number(fcntl(NEW_FD, F_GETFD) != -1),
	      flags & CLONE_FILES ? "1" : "0", 0);
	sigaction(SIGUSR2, NULL, &action);
	claim(1, row, "sigact", number(action.sa_handler == child_handler),
	      flags & CLONE_SIGHAND ? "1" : "0", 0);
	sigprocmask(SIG_BLOCK, NULL, &set);
	check(!sigismember(&set, SIGWINCH), "%s: the child's signal mask is the parent's", row);
}

static void refused(const char *row, int flags, int signal)
{
	char *stack = stack_top(0);
	pid_t pid;

	fill(stack - 512, 512);
	pid = clone(exit_7, stack, flags | signal, NULL);
	claim(1, row, "ret", returned(pid), "-1/EINVAL", 0);
	claim(1, row, "stk", written_below(stack, 512, 0),
	      on_netbsd_i386 ? "-4..-1(4)" : "untouched", 6);
	check(use_children_up() == 0, "%s: there is a child", row);
}

/* One more child for each way to wait that has to find it. */
static void claim_wait(const char *row, int word, const char *field, pid_t target, int options)
{
	pid_t pid = clone(exit_7, stack_top(1), word, NULL);

	check(pid > 0, "%s: clone: %s", row, returned(pid));
	claim(1, row, field, waited(target == 0 ? pid : target, options), "exit7", 0);
}

static void accepted(const char *row, int flags, const struct exit_signal *signal)
{
	int right = signal->number == SIGCHLD ? 0 : WALTSIG;
	int wrong = signal->number == SIGCHLD ? WALTSIG : 0;
	const char *found = right == 0 ? "w0" : "wclone", *lost = right == 0 ? "wclone" : "w0";
	const char *any_found = right == 0 ? "any0" : "anyclone";
	const char *any_lost = right == 0 ? "anyclone" : "any0";
	pid_t pid;
	int blocked;

	pid = clone(change_everything, stack_top(0), flags | signal->number, (void *)&own_memory);
	blocked = scratch->done;
	scratch->returned = 1;
	if (!claim(1, row, "ret", returned(pid), "pid", 0))
		return;
	claim(1, row, "blocked", number(blocked), flags & CLONE_VFORK ? "1" : "0", 0);
	if (!child_blocks) {
		const char *none = "0/0", *wrong_one = "-1/ECHILD";

		check(strcmp(waited(pid, right | WNOHANG), none) == 0 &&
		          strcmp(waited(pid, WALLSIG | WNOHANG), none) == 0 &&
		          strcmp(waited(-1, right | WNOHANG), none) == 0,
		      "%s: the live child isn't found", row);
		check(strcmp(waited(pid, wrong | WNOHANG), wrong_one) == 0,
		      "%s: the live child is found by the other kind of wait", row);
		gate_open(&start_gate);
	}
	claim(1, row, lost, waited(pid, wrong), "-1/ECHILD", 0);
	claim(1, row, any_lost, waited(-1, wrong), "-1/ECHILD", 0);
	claim(1, row, found, waited(pid, right), "exit7", 0);
	claim(1, row, "ran", number(scratch->ran), "1", 0);
	check(scratch->arg_ok, "%s: func got another argument", row);
	claim(1, row, "pidmatch", number(scratch->pid == pid), "1", 0);
	claim(1, row, "ppid", scratch->ppid == getpid() ? "me" : "other", "me", 0);
	claim_effects(row, flags);
	claim(1, row, "sig", caught(signal->number, signal->row, pid),
	      exit_signal_text(signal->number, signal->row, 7 << 8),
	      exit_signal_difference(signal->number));
	claim_wait(row, flags | signal->number, "wall", 0, WALLSIG);
	claim_wait(row, flags | signal->number, any_found, -1, right);
	claim_wait(row, flags | signal->number, "anyall", -1, WALLSIG);
	check(use_children_up() == 0, "%s: more children than clones", row);
}

static void one(long variant)
{
	int flags = flags_of((int)variant % combinations);
	const struct exit_signal *signal = exit_signal((int)variant / combinations);
	const char *row = text("%s/%s", combination(flags), signal->row);

	gate_make(&start_gate);
	dup2(start_gate.in, SPARE_FD);
	child_blocks = (flags & CLONE_VFORK) != 0;
	catch_signals(signal->number);
	if ((flags & CLONE_SIGHAND) && !(flags & CLONE_VM))
		refused(row, flags, signal->number);
	else
		accepted(row, flags, signal);
}

/* The same by the other name: a subset, since it is the same call. */
static int tell_argument(void *arg)
{
	scratch->arg_ok = arg == (void *)scratch;
	scratch->pid = getpid();
	return 9;
}

static void other_name(long variant)
{
	int flags = flags_of((int)variant);
	pid_t pid;

	pid = __clone(tell_argument, stack_top(0), flags | SIGCHLD, (void *)scratch);
	if ((flags & CLONE_SIGHAND) && !(flags & CLONE_VM)) {
		check(pid == -1 && errno == EINVAL, "__clone: %s", returned(pid));
		return;
	}
	check(pid > 0, "__clone: %s", returned(pid));
	check(strcmp(waited(pid, 0), "exit9") == 0, "__clone: exit status");
	check(scratch->arg_ok && scratch->pid == pid, "__clone: argument, pid");
	check(__clone(NULL, stack_top(0), flags | SIGCHLD, NULL) == -1 && errno == EINVAL,
	      "__clone: func NULL");
	check(__clone(tell_argument, NULL, flags | SIGCHLD, NULL) == -1 && errno == EINVAL,
	      "__clone: stack NULL");
	if (policy == HOST)
		return;
	differs(2, __clone(tell_argument, stack_top(0), flags | 0x2000 | SIGCHLD, NULL) == -1,
	        "__clone: 0x2000");
	differs(1, __clone(tell_argument, stack_top(0), flags | 0xff, NULL) == -1,
	        "__clone: exit signal 255");
}

void flag_cases(void)
{
	int signal, flags;

	for (signal = 0; signal < N_EXIT_SIGNALS; signal++)
		for (flags = 0; flags < combinations; flags++)
			add(one, signal * combinations + flags, "flags %s/%s",
			    combination(flags_of(flags)), exit_signal(signal)->row);
	for (flags = 0; flags < combinations; flags++)
		add(other_name, flags, "__clone %s", combination(flags_of(flags)));
}
