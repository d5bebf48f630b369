/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Copyright (c) 2026 The nbclone developers */
/* A child that execs: the parent of a VFORK runs on, the exit signal stays or not. */
#include "suite.h"

struct gate exec_gate;
static struct gate before_gate;
static char gate_in[16], gate_out[16];

void run_self(const char *what)
{
	extern char **environ;
	char *arguments[7];

	arguments[0] = (char *)self_path;
	arguments[1] = "-X";
	arguments[2] = (char *)what;
	arguments[3] = gate_in;
	arguments[4] = gate_out;
	arguments[5] = (char *)other_dir;
	arguments[6] = NULL;
	execve(self_path, arguments, environ);
}

/* The new program's side. */
int exec_helper(int argc, char **argv)
{
	char byte;
	int in, out;

	if (argc < 6)
		return 90;
	in = atoi(argv[3]);
	out = atoi(argv[4]);
	if (strcmp(argv[2], "wait") == 0)
		return read(in, &byte, 1) == 1 ? 9 : 91;
	if (strcmp(argv[2], "change") == 0) {
		byte = fcntl(CLOEXEC_FD, F_GETFD) == -1 ? 'C' : 'O';
		close(CLOSED_FD);
		dup2(in, OPENED_FD);
		signal(SIGUSR2, SIG_IGN);
		umask(0127);
		if (chdir(argv[5]) != 0)
			return 93;
		return write(out, &byte, 1) == 1 ? 9 : 92;
	}
	return 94;
}

static int exec_wait(void *arg)
{
	(void)arg;
	yield_while_parent_blocked();
	scratch->done = 1;
	run_self("wait");
	return 99;
}

static const int combinations[] = {0,
                                   CLONE_VM,
                                   CLONE_VFORK,
                                   CLONE_VM | CLONE_VFORK,
                                   CLONE_VM | CLONE_SIGHAND,
                                   CLONE_FS | CLONE_FILES,
                                   CLONE_VM | CLONE_FS | CLONE_FILES | CLONE_SIGHAND |
                                       CLONE_VFORK};
enum { N_COMBINATIONS = sizeof combinations / sizeof combinations[0] };

void exec_prepare(void)
{
	if (self_path == NULL)
		skip("this program's own path isn't known");
	gate_make(&exec_gate);
	snprintf(gate_in, sizeof gate_in, "%d", exec_gate.in);
	snprintf(gate_out, sizeof gate_out, "%d", exec_gate.out);
}

/*
 * Waits of one kind, once the exec is known to be over: VFORK has returned, or
 * a pipe has closed. (With FILES the parent can't close its own end alone.)
 */
static void claim_narrow_waits(const char *row, int flags, int signal, int usual, int number_9)
{
	struct gate closed;
	char byte;
	pid_t pid;

	if ((flags & CLONE_FILES) && !(flags & CLONE_VFORK))
		return;
	gate_make(&closed);
	fcntl(closed.out, F_SETFD, FD_CLOEXEC);
	pid = clone(exec_wait, stack_top(0), flags | signal, NULL);
	if (!(flags & CLONE_VFORK)) {
		close(closed.out);
		check(read(closed.in, &byte, 1) == 0, "%s: close-on-exec", row);
	}
	gate_open(&exec_gate);
	claim(8, row, "w0", waited(pid, 0), usual ? "exit9" : "-1/ECHILD", number_9);
	claim(8, row, "wclone-then", waited(pid, WALTSIG), usual ? "-1/ECHILD" : "exit9", number_9);
	waited(pid, WALLSIG);
}

static void exec_and_exit(long variant)
{
	int flags = combinations[variant / 10], done;
	const struct exit_signal *signal = exit_signal((int)variant % 10);
	const char *row = text("exec,%s/%s", combination(flags), signal->row);
	int usual = signal->number == SIGCHLD || !on_netbsd; /* difference 9 */
	int number_9 = signal->number == SIGCHLD ? 0 : 9;
	pid_t pid;

	exec_prepare();
	catch_signals(signal->number);
	pid = clone(exec_wait, stack_top(0), flags | signal->number, NULL);
	done = scratch->done;
	scratch->returned = 1;
	if (!claim(8, row, "ret", returned(pid), "pid", 0))
		return;
	/* The new program ends only after this byte, so that it was exec that released us. */
	gate_open(&exec_gate);
	if (flags & CLONE_VFORK)
		claim(8, row, "released", done ? "at-exec" : "at-once", "at-exec", 0);
	claim(8, row, "wall", waited(pid, WALLSIG), "exit9", 0);
	claim(8, row, "sig", caught(signal->number, signal->row, pid),
	      usual ? exit_signal_text(SIGCHLD, "CHLD", 9 << 8)
	            : exit_signal_text(signal->number, signal->row, 9 << 8),
	      number_9);
	claim_narrow_waits(row, flags, signal->number, usual, number_9);
}

static int exec_nothing(void *arg)
{
	char *arguments[2];

	(void)arg;
	arguments[0] = "none";
	arguments[1] = NULL;
	yield_while_parent_blocked();
	execv("/no/such/program", arguments);
	scratch->cell[0] = errno;
	yield_while_parent_blocked();
	scratch->done = 1;
	return 99;
}

static void exec_fails(long variant)
{
	const char *row = variant == 0 ? "exec-fails,VM|VFORK/USR1" : "exec-fails,VFORK/CHLD";
	int signal = variant == 0 ? SIGUSR1 : SIGCHLD;
	int flags = variant == 0 ? CLONE_VM | CLONE_VFORK : CLONE_VFORK;
	const char *name = variant == 0 ? "USR1" : "CHLD";
	pid_t pid;
	int done;

	catch_signals(signal);
	pid = clone(exec_nothing, stack_top(0), flags | signal, NULL);
	done = scratch->done;
	scratch->returned = 1;
	claim(8, row, "ret", returned(pid), "pid", 0);
	claim(8, row, "released", done ? "after-exit" : "early", "after-exit", 0);
	claim(8, row, "execerr", error_name((int)scratch->cell[0]), "ENOENT", 0);
	claim(8, row, "w0", waited(pid, 0), signal == SIGCHLD ? "exit99" : "-1/ECHILD", 0);
	claim(8, row, "wall", waited(pid, WALLSIG), signal == SIGCHLD ? "-1/ECHILD" : "exit99", 0);
	claim(8, row, "sig", caught(signal, name, pid), exit_signal_text(signal, name, 99 << 8),
	      exit_signal_difference(signal));
}

static int gate_then_exec(void *arg)
{
	(void)arg;
	gate_wait(&before_gate);
	run_self("wait");
	return 99;
}

/* A pipe that exec closes tells when it has happened. */
static void alive_across(long variant)
{
	const struct exit_signal *signal = exit_signal((int)variant);
	const char *row = text("alive-across-exec,none/%s", signal->row);
	int usual = signal->number == SIGCHLD, over = usual || !on_netbsd;
	int number_9 = usual ? 0 : 9;
	struct gate closed;
	pid_t pid;
	char byte;

	exec_prepare();
	gate_make(&before_gate);
	gate_make(&closed);
	fcntl(closed.out, F_SETFD, FD_CLOEXEC);
	if (signal->number != 0 && !usual)
		handle(signal->number, SIG_IGN, 0);
	pid = clone(gate_then_exec, stack_top(0), signal->number, NULL);
	claim(8, row, "ret", returned(pid), "pid", 0);
	close(closed.out);
	claim(8, row, "alive-w0-preexec", waited(pid, WNOHANG), usual ? "0/0" : "-1/ECHILD", 0);
	gate_open(&before_gate);
	check(read(closed.in, &byte, 1) == 0, "%s: close-on-exec", row);
	claim(8, row, "alive-w0-postexec", waited(pid, WNOHANG), over ? "0/0" : "-1/ECHILD",
	      number_9);
	claim(8, row, "alive-wclone-postexec", waited(pid, WALTSIG | WNOHANG),
	      over ? "-1/ECHILD" : "0/0", number_9);
	gate_open(&exec_gate);
	claim(8, row, "wall", waited(pid, WALLSIG), "exit9", 0);
}

void exec_cases(void)
{
	int flags, signal;

	for (flags = 0; flags < N_COMBINATIONS; flags++)
		for (signal = 0; signal < 4; signal++)
			add(exec_and_exit, flags * 10 + signal, "exec: %s, exit signal %s",
			    combination(combinations[flags]), exit_signal(signal)->row);
	add(exec_fails, 0, "exec: none such, VM|VFORK");
	add(exec_fails, 1, "exec: none such, VFORK");
	for (signal = 0; signal < 3; signal++)
		add(alive_across, signal, "exec: waits before and after it, exit signal %s",
		    exit_signal(signal)->row);
}
