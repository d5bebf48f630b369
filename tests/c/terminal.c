/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Copyright (c) 2026 The nbclone developers */
/* A terminal with a shell's job control, for one job: terminal KEYS COMMAND...
 *
 * Each time the job writes the word "ready", the next of KEYS happens: C, Z and
 * \ are typed with the control key held down, w changes the size of the window.
 * A job that stops is continued in the foreground. Prints what a shell would
 * learn of the job, then what the job wrote. */
#define _GNU_SOURCE
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/wait.h>
#include <termios.h>
#include <unistd.h>

static void fail(const char *what)
{
	perror(what);
	exit(100);
}

/* The shell: leads the session, and is never the terminal's foreground but when
 * the job has stopped. */
static void shell(const char *terminal, char **command)
{
	pid_t job;
	int status, slave;

	signal(SIGTTOU, SIG_IGN);
	setsid();
	slave = open(terminal, O_RDWR);
	if (slave < 0)
		fail(terminal);
	job = fork();
	if (job == 0) {
		setpgid(0, 0);
		tcsetpgrp(slave, getpid());
		signal(SIGTTOU, SIG_DFL);
		dup2(slave, 0);
		dup2(slave, 1);
		dup2(slave, 2);
		if (slave > 2)
			close(slave);
		execvp(command[0], command);
		_exit(127);
	}
	setpgid(job, job);
	while (waitpid(job, &status, WUNTRACED) == job) {
		if (WIFSTOPPED(status)) {
			printf("stopped by %d\n", WSTOPSIG(status));
			tcsetpgrp(slave, getpgrp());
			tcsetpgrp(slave, job);
			kill(-job, SIGCONT);
		} else {
			if (WIFSIGNALED(status))
				printf("ended by %d\n", WTERMSIG(status));
			else
				printf("exit status %d\n", WEXITSTATUS(status));
			break;
		}
	}
	fflush(stdout);
	_exit(0);
}

int main(int argc, char **argv)
{
	static char text[65536];
	size_t length = 0, looked = 0;
	int master = posix_openpt(O_RDWR | O_NOCTTY), status;
	const char *keys;
	struct termios settings;
	ssize_t count;
	pid_t pid;

	if (argc < 3 || master < 0 || grantpt(master) != 0 || unlockpt(master) != 0)
		fail("a terminal");
	keys = argv[1];
	tcgetattr(master, &settings);
	settings.c_lflag &= (tcflag_t)~ECHO;
	tcsetattr(master, TCSANOW, &settings);
	fflush(stdout);
	pid = fork();
	if (pid == 0)
		shell(ptsname(master), argv + 2);
	/* At the end of the session a read fails. */
	while (length < sizeof text - 1
	    && (count = read(master, text + length, sizeof text - 1 - length)) > 0) {
		char *ready;

		length += (size_t)count;
		while (*keys != '\0' && (ready = strstr(text + looked, "ready")) != NULL) {
			char key = (char)(*keys++ & 0x1f);
			struct winsize size = { 40, 100, 0, 0 };

			looked = (size_t)(ready - text) + 5;
			if (keys[-1] == 'w')
				ioctl(master, TIOCSWINSZ, &size);
			else if (write(master, &key, 1) != 1)
				fail("typing");
		}
	}
	waitpid(pid, &status, 0);
	fputs(text, stdout);
	return 0;
}
