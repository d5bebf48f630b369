/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Copyright (c) 2026 The nbclone developers */
/* Exit signals: which ones the suite uses, and what of them arrived. */
#include "suite.h"

int highest_signal(void)
{
#ifdef __linux__
	if (!on_netbsd)
		return SIGRTMAX;
#endif
	return 63; /* NetBSD's _NSIG - 1 */
}

/*
 * The rows of the data are named by NetBSD's numbers: 33 is its first
 * real-time signal and 63 its highest. Here they stand for this host's.
 */
const struct exit_signal *exit_signal(int index)
{
	static struct exit_signal all[N_EXIT_SIGNALS] = {
	    {"0", 0}, {"CHLD", SIGCHLD}, {"USR1", SIGUSR1}, {"33", 0}, {"63", 0}};

#ifdef __NetBSD__
	all[3].number = 33;
#else
	all[3].number = SIGRTMIN + 1;
#endif
	all[4].number = highest_signal();
	return &all[index];
}

void handle(int signal, void (*handler)(int), int flags)
{
	struct sigaction action;

	memset(&action, 0, sizeof action);
	action.sa_handler = handler;
	action.sa_flags = flags;
	sigemptyset(&action.sa_mask);
	if (sigaction(signal, &action, NULL) != 0)
		give_up("sigaction");
}

static struct {
	volatile int signal, code, status;
	volatile pid_t pid;
} records[8];
static volatile int n_records;

static void record(int signal, siginfo_t *info, void *context)
{
	int i = n_records;

	(void)context;
	if (i == (int)(sizeof records / sizeof records[0]))
		return;
	records[i].signal = signal;
	records[i].code = info->si_code;
	records[i].status = info->si_status;
	records[i].pid = info->si_pid;
	n_records = i + 1;
}

/* Installed before they are blocked: NetBSD discards blocked signals that it would ignore. */
void catch_signals(int signal)
{
	struct sigaction action;
	sigset_t set;

	memset(&action, 0, sizeof action);
	action.sa_sigaction = record;
	action.sa_flags = SA_SIGINFO;
	sigfillset(&action.sa_mask);
	sigemptyset(&set);
	sigaddset(&set, SIGCHLD);
	if (sigaction(SIGCHLD, &action, NULL) != 0)
		give_up("sigaction");
	if (signal != 0 && signal != SIGCHLD) {
		sigaddset(&set, signal);
		if (sigaction(signal, &action, NULL) != 0)
			give_up("sigaction");
	}
	n_records = 0;
	if (sigprocmask(SIG_BLOCK, &set, NULL) != 0)
		give_up("sigprocmask");
}

static const char *code_name(int code)
{
	switch (code) {
	case CLD_EXITED: return "CLD_EXITED";
	case CLD_KILLED:
	case CLD_DUMPED: return "CLD_KILLED";
	case CLD_STOPPED: return "CLD_STOPPED";
	case CLD_CONTINUED: return "CLD_CONTINUED";
	case SI_USER: return "SI_USER";
	default: return number(code);
	}
}

/*
 * Where the exit signal isn't SIGCHLD, a 64-bit Linux kernel takes a 32-bit
 * process's siginfo for SIGPOLL's (kernel/signal.c, siginfo_layout): si_status is
 * lost, and with the high half first in memory, si_pid becomes si_uid. Such a
 * status is left out of both texts.
 */
static int is_mistaken(int signal)
{
	return !on_netbsd && sizeof(void *) == 4 && signal != SIGCHLD;
}

static const char *status_text(int signal, int status)
{
	return is_mistaken(signal) ? "-" : number(status);
}

static const char *pid_text(int signal, pid_t sender, pid_t child)
{
	static const uint16_t one = 1;

	if (is_mistaken(signal) && *(const char *)&one == 0 && sender == (pid_t)getuid())
		return "child";
	return sender == child ? "child" : "other";
}

/*
 * Lets what is pending through, once, and says what came, in the data's words.
 * A child that has been waited for has sent its signal before.
 */
const char *caught(int signal, const char *row, pid_t child)
{
	sigset_t set, old;
	const char *all = NULL;
	int i;

	sigemptyset(&set);
	sigaddset(&set, SIGCHLD);
	if (signal != 0)
		sigaddset(&set, signal);
	sigprocmask(SIG_UNBLOCK, &set, &old);
	sigprocmask(SIG_SETMASK, &old, NULL);
	for (i = 0; i < n_records; i++) {
		const char *name = records[i].signal == SIGCHLD  ? "CHLD"
		                   : records[i].signal == signal ? row
		                                                 : number(records[i].signal);
		const char *one = text("%s(%s,signo=,pid=%s,st%s)", name, code_name(records[i].code),
		                       pid_text(records[i].signal, records[i].pid, child),
		                       status_text(records[i].signal, records[i].status));

		all = all == NULL ? one : text("%s+%s", all, one);
	}
	n_records = 0;
	return all == NULL ? "none" : all;
}

/* What caught() returns if all is right, for a child that ended with this wait status. */
const char *exit_signal_text(int signal, const char *row, int status)
{
	int by_signal = WIFSIGNALED(status);
	const char *code = by_signal ? "CLD_KILLED" : "CLD_EXITED";
	int value = by_signal ? WTERMSIG(status) : WEXITSTATUS(status);

	if (signal == 0)
		return "none";
	if (on_netbsd && signal != SIGCHLD) { /* difference 19 */
		code = "SI_USER";
		value = by_signal ? value : 0;
	}
	if (on_netbsd && !netbsd_has_new_siginfo() && !by_signal)
		value = status; /* difference 20 */
	return text("%s(%s,signo=,pid=child,st%s)", row, code, status_text(signal, value));
}

int exit_signal_difference(int signal)
{
	return signal == 0 || signal == SIGCHLD ? 0 : 19;
}
