/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Copyright (c) 2026 The nbclone developers */
/*
 * NBCLONE_TRACE names the caller, by whichever name clone is called, and never
 * writes into a file that the program opened later. Nothing of this is applicable
 * to another clone.
 */
#define _GNU_SOURCE
#include "beside.h"

#include <fcntl.h>
#include <stdio.h>

#define TRACE_FD	9

static char trace[] = "/tmp/nbclone-trace-XXXXXX";

static int
gives_seven(void *arg)
{
	(void)arg;
	return 7;
}

/* In this program, loaded once more with a trace. */
static void
run_traced(const char *what, const char *target)
{
	pid_t pid = fork();

	if (pid == 0) {
		setenv("NBCLONE_TRACE", target, 1);
		execl("/proc/self/exe", "traced", "-t", what, (char *)NULL);
		_exit(2);
	}
	expect_exit(wait_for(pid), 0);
}

static void
expect_caller(const char *what)
{
	char text[4096], self[4096], *name;
	int fd;
	ssize_t length;

	if (!is_ours())
		not_applicable();
	fd = mkstemp(trace);
	if (fd == -1)
		fail("no file for the trace");
	run_traced(what, trace);
	length = read(fd, text, sizeof(text) - 1);
	close(fd);
	unlink(trace);
	text[length > 0 ? length : 0] = '\0';
	length = readlink("/proc/self/exe", self, sizeof(self) - 1);
	self[length > 0 ? length : 0] = '\0';
	name = strrchr(self, '/') + 1;
	if (strstr(text, name) == NULL || strstr(text, "libnbclone.so") != NULL)
		fail("the caller isn't %s in: %s", name, text);
}

static void caller_of_clone_without_func(void) { expect_caller("clone no func"); }
static void caller_of___clone_without_func(void) { expect_caller("__clone no func"); }
static void caller_of_clone_without_stack(void) { expect_caller("clone no stack"); }
static void caller_of___clone_without_stack(void) { expect_caller("__clone no stack"); }
static void caller_of_clone_refused(void) { expect_caller("clone no flags"); }
static void caller_of___clone_refused(void) { expect_caller("__clone no flags"); }
static void caller_of_clone_shared(void) { expect_caller("clone shared"); }
static void caller_of___clone_shared(void) { expect_caller("__clone shared"); }
static void caller_of_clone_copied(void) { expect_caller("clone copied"); }
static void caller_of___clone_copied(void) { expect_caller("__clone copied"); }

static void
descriptor_becomes_another_file(void)
{
	char number[16];
	int fd;

	if (!is_ours())
		not_applicable();
	fd = open("/dev/null", O_WRONLY);
	dup2(fd, TRACE_FD);
	close(fd);
	snprintf(number, sizeof(number), "%d", TRACE_FD);
	run_traced("file", number);
	close(TRACE_FD);
}

/* The traced program. */
static int
make_children(const char *what)
{
	int (*call)(int (*)(void *), void *, int, void *, ...) = *what == '_' ? __clone : clone;
	int flags = strstr(what, "copied") ? SIGCHLD : CLONE_VM | SIGCHLD, status;
	pid_t pid;

	if (strstr(what, "no func"))
		return call(NULL, NULL, flags, NULL) != -1;
	if (strstr(what, "no stack"))
		return call(gives_seven, NULL, flags, NULL) != -1;
	if (strstr(what, "no flags"))
		return call(gives_seven, next_stack(), CLONE_SIGHAND, NULL) != -1;
	pid = call(gives_seven, next_stack(), flags, NULL);
	return waitpid(pid, &status, 0) != pid || status != 7 << 8;
}

/* Closes what it doesn't know, and opens its own file. */
static int
own_file(void)
{
	char path[] = "/tmp/nbclone-data-XXXXXX", text[200] = "";
	int fd, failed;

	fd = mkstemp(path);
	unlink(path);
	dup2(fd, TRACE_FD);
	close(fd);
	failed = write(TRACE_FD, "header ", 7) != 7 || make_children("clone shared") ||
	    make_children("__clone copied") || write(TRACE_FD, "record", 6) != 6;
	lseek(TRACE_FD, 0, SEEK_SET);
	if (read(TRACE_FD, text, sizeof(text) - 1) < 0 || strcmp(text, "header record") != 0) {
		fprintf(stderr, "in the program's data: %s\n", text);
		failed = 1;
	}
	return failed;
}

static const struct test cases[] = {
	CASE(caller_of_clone_without_func), CASE(caller_of___clone_without_func),
	CASE(caller_of_clone_without_stack), CASE(caller_of___clone_without_stack),
	CASE(caller_of_clone_refused), CASE(caller_of___clone_refused),
	CASE(caller_of_clone_shared), CASE(caller_of___clone_shared),
	CASE(caller_of_clone_copied), CASE(caller_of___clone_copied),
	CASE(descriptor_becomes_another_file),
};

int
main(int argc, char **argv)
{
	if (argc == 3 && strcmp(argv[1], "-t") == 0)
		return strcmp(argv[2], "file") == 0 ? own_file() : make_children(argv[2]);
	return RUN(cases);
}
