/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Copyright (c) 2026 The nbclone developers */
/* Meets the differences between NetBSD and Linux that its arguments name, or
 * comes close to one and doesn't meet it ("no-..."), each from a function of
 * its own. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/signalfd.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#define STACK_SIZE 65536

static char stack[STACK_SIZE] __attribute__((aligned(64)));
#define TOP (stack + STACK_SIZE)

static int quiet(void *arg)
{
	(void)arg;
	return 0;
}

static void handler(int number)
{
	(void)number;
}

static void informed(int number, siginfo_t *info, void *context)
{
	(void)number;
	(void)info;
	(void)context;
}

static void dispose(int number, void (*function)(int), int flags)
{
	struct sigaction action;

	memset(&action, 0, sizeof action);
	action.sa_handler = function;
	action.sa_flags = flags;
	sigaction(number, &action, NULL);
}

static void dispose_informed(int number)
{
	struct sigaction action;

	memset(&action, 0, sizeof action);
	action.sa_sigaction = informed;
	action.sa_flags = SA_SIGINFO;
	sigaction(number, &action, NULL);
}

static void block(int number)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, number);
	sigprocmask(SIG_BLOCK, &set, NULL);
}

/* Waits for a child whatever its exit signal, by no bit of wait4's: it blocks
 * on a pipe that the child alone has open to write. */
static int ends[2];

static void start(void)
{
	if (pipe2(ends, O_CLOEXEC) != 0)
		exit(100);
}

static void wait_for_end(void)
{
	char byte;

	close(ends[1]);
	while (read(ends[0], &byte, 1) == -1 && errno == EINTR)
		;
	close(ends[0]);
}

static void run(int (*function)(void *), int flags, void *arg)
{
	start();
	if (clone(function, TOP, flags, arg) == -1)
		exit(101);
	wait_for_end();
	while (wait(NULL) > 0)
		;
}

static int executes(void *arg)
{
	execl("/bin/true", "true", (char *)arg);
	_exit(1);
}

static int fails_to_execute(void *arg)
{
	execl("/does/not/exist", "none", (char *)arg);
	return 0;
}

static int executes_cd(void *arg)
{
	execl("/bin/sh", "sh", "-c", "cd / && umask 077", (char *)arg);
	_exit(1);
}

static int changes_directory(void *arg)
{
	(void)arg;
	return chdir("/");
}

static int ignores_sigchld(void *arg)
{
	(void)arg;
	dispose(SIGCHLD, SIG_IGN, 0);
	return 0;
}

static int handles_usr2(void *arg)
{
	(void)arg;
	dispose(SIGUSR2, handler, 0);
	return 0;
}

static int handles_usr2_itself(void *arg)
{
	(void)arg;
	dispose(SIGUSR2, SIG_IGN, 0);
	dispose(SIGUSR2, handler, 0);
	return 0;
}

static int defaults_usr2(void *arg)
{
	(void)arg;
	dispose(SIGUSR2, SIG_DFL, 0);
	return 0;
}

static int sets_nocldstop(void *arg)
{
	(void)arg;
	dispose(SIGCHLD, handler, SA_NOCLDSTOP);
	return 0;
}

static int kills_parent(void *arg)
{
	(void)arg;
	kill(getppid(), SIGTERM);
	return 0;
}

static int stops_itself(void *arg)
{
	(void)arg;
	dispose(SIGTSTP, SIG_DFL, 0);
	/* Somebody else is to wake it. */
	if (fork() == 0) {
		usleep(200000);
		kill(getppid(), SIGCONT);
		_exit(0);
	}
	kill(getpid(), SIGTSTP);
	return 0;
}

static int locks(void *arg)
{
	struct flock lock;
	int fd = open("/proc/self/exe", O_RDONLY);

	(void)arg;
	memset(&lock, 0, sizeof lock);
	lock.l_type = F_RDLCK;
	fcntl(fd, F_SETLK, &lock);
	return 0;
}

static int large(void *arg)
{
	(void)arg;
	return 0x1234;
}

static int pauses(void *arg)
{
	(void)arg;
	pause();
	return 0;
}

static void alternate(void)
{
	static char memory[65536];
	stack_t alternate;

	memset(&alternate, 0, sizeof alternate);
	alternate.ss_sp = memory;
	alternate.ss_size = sizeof memory;
	sigaltstack(&alternate, NULL);
}

static void call_7(void)
{
	char *memory = mmap(NULL, STACK_SIZE, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	start();
	clone(quiet, memory + STACK_SIZE, SIGCHLD, NULL);
	wait_for_end();
}

static void call_8(void)
{
	alternate();
	dispose(SIGUSR1, handler, SA_ONSTACK);
	run(quiet, CLONE_VM | CLONE_FILES | SIGCHLD, NULL);
}

static int handles_on_stack(void *arg)
{
	(void)arg;
	dispose(SIGUSR1, handler, SA_ONSTACK);
	return 0;
}

static void call_8_late(void)
{
	alternate();
	run(handles_on_stack, CLONE_VM | SIGCHLD, NULL);
}

static void call_no_8(void)
{
	alternate();
	run(quiet, CLONE_VM | SIGCHLD, NULL);
}

static void call_9(void)
{
	run(executes, SIGWINCH, NULL);
}

static void call_no_9(void)
{
	run(fails_to_execute, SIGWINCH, NULL);
	run(executes, SIGCHLD, NULL);
}

static void call_10(void)
{
	run(executes_cd, CLONE_FS | SIGCHLD, NULL);
}

static void call_no_10(void)
{
	run(executes, CLONE_FS | SIGCHLD, NULL);
	run(changes_directory, CLONE_FS | SIGCHLD, NULL);
}

static void call_11(void)
{
	dispose(SIGCHLD, SIG_IGN, 0);
	run(quiet, SIGWINCH, NULL);
}

static void call_11_late(void)
{
	pid_t pid = clone(pauses, TOP, 0, NULL);

	dispose(SIGCHLD, SIG_IGN, 0);
	kill(pid, SIGKILL);
}

static void call_12(void)
{
	dispose(SIGCHLD, handler, SA_NOCLDWAIT);
	run(quiet, SIGCHLD, NULL);
}

/* A daemon: its parent is gone before it calls. */
static void call_12_forked(void)
{
	int gone[2];
	char byte;

	dispose(SIGCHLD, handler, SA_NOCLDWAIT);
	if (pipe2(gone, O_CLOEXEC) != 0)
		exit(100);
	if (fork() != 0)
		_exit(0);
	close(gone[1]);
	if (read(gone[0], &byte, 1) != 0)
		exit(102);
	run(quiet, SIGCHLD, NULL);
}

static void call_no_11(void)
{
	dispose(SIGCHLD, SIG_IGN, 0);
	run(quiet, SIGCHLD, NULL);
}

static void call_13(void)
{
	run(ignores_sigchld, CLONE_VM | CLONE_SIGHAND | SIGCHLD, NULL);
}

static void call_no_13(void)
{
	run(ignores_sigchld, CLONE_VM | SIGCHLD, NULL);
}

static void call_14(void)
{
	dispose(SIGUSR2, SIG_IGN, 0);
	run(handles_usr2, CLONE_VM | CLONE_SIGHAND | SIGCHLD, NULL);
}

static void call_no_14(void)
{
	run(handles_usr2_itself, CLONE_VM | CLONE_SIGHAND | SIGCHLD, NULL);
}

static void call_15(void)
{
	dispose(SIGUSR2, SIG_IGN, 0);
	run(defaults_usr2, CLONE_VM | CLONE_SIGHAND | SIGCHLD, NULL);
}

static void call_16(void)
{
	run(sets_nocldstop, CLONE_VM | CLONE_SIGHAND | SIGCHLD, NULL);
}

static void call_17(void)
{
	sigset_t set;

	block(SIGCHLD);
	clone(quiet, TOP, SIGCHLD, NULL);
	sigemptyset(&set);
	sigaddset(&set, SIGCHLD);
	sigwaitinfo(&set, NULL);
}

static void call_17_pending(void)
{
	sigset_t set;

	block(SIGCHLD);
	run(quiet, SIGCHLD, NULL);
	sigpending(&set);
}

static void call_17_signalfd(void)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGCHLD);
	block(SIGCHLD);
	signalfd(-1, &set, SFD_CLOEXEC);
	run(quiet, SIGCHLD, NULL);
}

static void call_no_17(void)
{
	sigset_t set;

	dispose(SIGCHLD, handler, 0);
	block(SIGCHLD);
	clone(quiet, TOP, SIGCHLD, NULL);
	sigemptyset(&set);
	sigaddset(&set, SIGCHLD);
	sigwaitinfo(&set, NULL);
}

static void call_19(void)
{
	dispose_informed(SIGUSR1);
	run(quiet, SIGUSR1, NULL);
}

static void call_no_19(void)
{
	dispose_informed(SIGUSR1);
	dispose(SIGUSR2, handler, 0);
	run(quiet, SIGUSR2, NULL);
}

static void call_22(void)
{
	if (fork() == 0) {
		clone(kills_parent, TOP, CLONE_VM | CLONE_VFORK | SIGCHLD, NULL);
		_exit(0);
	}
	wait(NULL);
}

static void call_no_22(void)
{
	dispose(SIGTERM, handler, 0);
	run(kills_parent, CLONE_VFORK | SIGCHLD, NULL);
	run(kills_parent, SIGCHLD, NULL);
}

static void call_23(void)
{
	run(stops_itself, CLONE_VFORK | SIGCHLD, NULL);
}

static void call_25(void)
{
	run(locks, CLONE_FILES | SIGCHLD, NULL);
}

static void call_no_25(void)
{
	run(locks, SIGCHLD, NULL);
}

static void call_26(void)
{
	siginfo_t info;
	pid_t pid = clone(quiet, TOP, SIGCHLD, NULL);

	waitid(P_PID, (id_t)pid, &info, WEXITED | WNOWAIT);
	getpgid(pid);
}

static void call_27(void)
{
	clone(quiet, TOP, 0, NULL);
	waitpid(-1, NULL, __WALL);
}

static void call_28(void)
{
	run(large, SIGCHLD, NULL);
}

static void call_no_28(void)
{
	if (fork() == 0)
		exit(-1);
	run(quiet, SIGCHLD, NULL);
}

static void call_29(void)
{
	pid_t pid;

	dispose(SIGCHLD, handler, 0);
	block(SIGCHLD);
	pid = clone(pauses, TOP, SIGCHLD, NULL);
	kill(pid, SIGSTOP);
	waitpid(pid, NULL, WUNTRACED);
	kill(pid, SIGCONT);
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
}

static void call_none(void)
{
	run(quiet, CLONE_VM | CLONE_FS | CLONE_FILES | CLONE_SIGHAND | CLONE_VFORK | SIGCHLD, NULL);
	run(quiet, SIGWINCH, NULL);
}

#define CALL(name, function) { name, function }

static const struct {
	const char *name;
	void (*function)(void);
} calls[] = {
	CALL("7", call_7),
	CALL("8", call_8),
	CALL("8-late", call_8_late),
	CALL("no-8", call_no_8),
	CALL("9", call_9),
	CALL("no-9", call_no_9),
	CALL("10", call_10),
	CALL("no-10", call_no_10),
	CALL("11", call_11),
	CALL("11-late", call_11_late),
	CALL("no-11", call_no_11),
	CALL("12", call_12),
	CALL("12-forked", call_12_forked),
	CALL("13", call_13),
	CALL("no-13", call_no_13),
	CALL("14", call_14),
	CALL("no-14", call_no_14),
	CALL("15", call_15),
	CALL("16", call_16),
	CALL("17", call_17),
	CALL("17-pending", call_17_pending),
	CALL("17-signalfd", call_17_signalfd),
	CALL("no-17", call_no_17),
	CALL("19", call_19),
	CALL("no-19", call_no_19),
	CALL("22", call_22),
	CALL("no-22", call_no_22),
	CALL("23", call_23),
	CALL("25", call_25),
	CALL("no-25", call_no_25),
	CALL("26", call_26),
	CALL("27", call_27),
	CALL("28", call_28),
	CALL("no-28", call_no_28),
	CALL("29", call_29),
	CALL("none", call_none),
};

int main(int argc, char **argv)
{
	for (int argument = 1; argument < argc; argument++) {
		size_t number = 0;

		while (number < sizeof calls / sizeof *calls &&
		    strcmp(argv[argument], calls[number].name) != 0)
			number++;
		if (number == sizeof calls / sizeof *calls)
			return 99;
		calls[number].function();
	}
	return 0;
}
