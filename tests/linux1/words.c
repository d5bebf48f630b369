/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Copyright (c) 2026 The nbclone developers */
/* The flag word: exit signals, bits that never existed, no policies. */
#include "linux1.h"

static void nothing(void)
{
}

static void no_child(void)
{
	check(waitpid(-1, NULL, WALLSIG | WNOHANG) == -1 && errno == ECHILD, "a child all the same");
}

static void refused(void *sp, unsigned long flags)
{
	volatile long result;

	errno = 0;
	result = linux1_clone(sp, flags);
	if (result == 0)
		_exit(0);
	check(result == -1 && errno == EINVAL, "%#lx: %ld, errno %d", flags, result, errno);
	no_child();
}

static void foreign_bits(long high)
{
	unsigned bit, first = high ? 32 : 10, last = high ? 64 : 32;

	if (high && sizeof(long) == 4)
		skip("an unsigned long has 32 bits here");
	for (bit = first; bit < last; bit++) {
		unsigned long flag = 1UL << (bit % (8 * sizeof(long)));

		refused(NULL, flag | SIGCLD);
		refused(NULL, flag | SIGCLD | COPYVM);
		refused(NULL, flag | SIGCLD | COPYVM | COPYFD);
		refused(stack_top(0), flag | SIGCLD);
		refused(stack_top(0), flag);
	}
	refused(NULL, ~0UL);
}

static void bytes_beyond(long unused)
{
	unsigned long byte;

	(void)unused;
	for (byte = HIGHEST_SIGNAL + 1; byte <= CSIGNAL; byte++) {
		refused(NULL, byte);
		refused(NULL, byte | COPYVM | COPYFD);
		refused(stack_top(0), byte);
	}
}

static void one_signal(enum mode mode, unsigned long byte)
{
	void *sp = mode == FORKED ? NULL : stack_top(0);
	sigset_t pending;
	int status = 0;

	if (clone(sp, byte | (mode == SHARED ? 0 : COPYVM)) == 0)
		_exit(8);
	/* Waits, but leaves the child as it is. */
	waitid(P_ALL, 0, &(siginfo_t){0}, WEXITED | WNOWAIT | WALLSIG);
	if (byte != 0) {
		sigpending(&pending);
		check(sigismember(&pending, (int)byte), "%lu: not sent", byte);
	}
	check(waitpid(-1, &status, WNOHANG | (byte == SIGCHLD ? 0 : (int)WALTSIG)) > 0,
	      "%lu: waits with another option", byte);
	expect_exit(status, 8);
	no_child();
}

static void exit_signals(long mode)
{
	static const int signals[] = {SIGUSR1, SIGCHLD, 0, SIGTERM, HIGHEST_SIGNAL - 1,
	                              HIGHEST_SIGNAL};
	sigset_t all;
	size_t i;

	sigfillset(&all);
	for (i = 0; i < LENGTH(signals); i++) {
		pid_t probe = fork(); /* signals pend from one round to the next */
		int status;

		if (probe == 0) {
			/* The C library refuses to block those that it uses itself. */
			sigprocmask(SIG_BLOCK, &all, NULL);
			one_signal((enum mode)mode, (unsigned long)signals[i]);
			_exit(0);
		}
		waitpid(probe, &status, 0);
		expect_exit(status, 0);
	}
	check(SIGCLD == SIGCHLD && CSIGNAL == 0xff && COPYVM == 0x100 && COPYFD == 0x200, "values");
}

static int policys_child(void)
{
	answers_make();
	errno = 0;
	if (linux1_clone(NULL, SIGCLD | 0x10000) != -1 || errno != EINVAL)
		return 10;
	if (linux1_clone(NULL, SIGCLD | 0x2000) != -1 || errno != EINVAL)
		return 11;
	if (linux1_clone(NULL, 255) != -1 || errno != EINVAL)
		return 12;
	if (in_child(SHARED, 0, nothing) != 0 || in_child(FORKED, COPYFD, nothing) != 0)
		return 13;
	return 0;
}

int exec_helper(int argc, char **argv)
{
	(void)argc;
	(void)argv;
	return policys_child();
}

static void no_policy(long index)
{
	static const char *const names[] = {"strict", "netbsd", "host", "nonsense"};
	int status;
	pid_t pid = fork();

	if (pid == 0) {
		setenv("NBCLONE_POLICY", names[index], 1);
		if (index == 3)
			close(STDERR_FILENO);
		execl(self_path, self_path, "-X", (char *)NULL);
		_exit(99);
	}
	waitpid(pid, &status, 0);
	expect_exit(status, 0);
}

void word_cases(void)
{
	add(foreign_bits, 0, "EINVAL for bits 10 to 31");
	add(foreign_bits, 1, "EINVAL for bits 32 to 63");
	add(bytes_beyond, 0, "EINVAL for signals beyond the highest");
	add_modes(exit_signals, "exit signals");
	add(no_policy, 0, "NBCLONE_POLICY=strict changes nothing");
	add(no_policy, 1, "NBCLONE_POLICY=netbsd changes nothing");
	add(no_policy, 2, "NBCLONE_POLICY=host changes nothing");
	add(no_policy, 3, "an unknown NBCLONE_POLICY changes nothing");
}
