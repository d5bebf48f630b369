/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Copyright (c) 2026 The nbclone developers */
/* The machinery of campaign.h. */
#define _GNU_SOURCE
#include "campaign.h"

#include <dirent.h>
#include <errno.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#define PATIENCE	60		/* seconds after which a case hangs */
#define PATTERN		0xa5
#define SKIPPED		77
#define NOT_APPLICABLE	78

static int report;			/* the pipe that a case writes its failure to */

void
fail(const char *format, ...)
{
	char text[256];
	va_list arguments;

	va_start(arguments, format);
	vsnprintf(text, sizeof(text) - 2, format, arguments);
	va_end(arguments);
	strcat(text, "; ");		/* the child's words, then its parent's */
	if (write(report, text, strlen(text)) < 0)
		_exit(2);
	_exit(1);
}

void
skip_case(const char *why)
{
	if (write(report, why, strlen(why)) < 0)
		_exit(2);
	_exit(SKIPPED);
}

void
not_applicable(void)
{
	_exit(NOT_APPLICABLE);
}

void
expect(const char *what, long seen, long wanted)
{
	if (seen != wanted)
		fail("%s is %ld, not %ld", what, seen, wanted);
}

char *
new_stack(void)
{
	size_t page = (size_t)sysconf(_SC_PAGESIZE);
	char *base = mmap(NULL, STACK_SIZE + 2 * page, PROT_NONE,
	    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (base == MAP_FAILED ||
	    mprotect(base + page, STACK_SIZE, PROT_READ | PROT_WRITE) == -1)
		fail("no memory");
	memset(base + page, PATTERN, STACK_SIZE);
	return base + page + STACK_SIZE;
}

void
expect_untouched(const char *end)
{
	size_t i;

	for (i = 1; i <= STACK_SIZE; i++)
		if ((unsigned char)end[-(long)i] != PATTERN)
			fail("wrote to the stack");
}

void
free_stack(char *end)
{
	size_t page = (size_t)sysconf(_SC_PAGESIZE);

	munmap(end - STACK_SIZE - page, STACK_SIZE + 2 * page);
}

int
wait_for(pid_t pid)
{
	int status = -1;
	pid_t got;

	while ((got = waitpid(pid, &status, __WALL)) == -1 && errno == EINTR)
		continue;
	expect("waitpid", got, pid);
	return status;
}

static int
count_entries(const char *path)
{
	DIR *dir = opendir(path);
	int count = 0;

	if (dir == NULL)
		fail("no %s", path);
	while (readdir(dir) != NULL)
		count++;
	closedir(dir);
	return count;
}

struct counts
count_all(void)
{
	struct counts counts = { count_entries("/proc/self/fd"), 0, 0 };
	FILE *maps = fopen("/proc/self/maps", "r");
	int byte;
	siginfo_t info;

	if (maps == NULL)
		fail("no /proc");
	while ((byte = fgetc(maps)) != EOF)
		counts.mappings += byte == '\n';
	fclose(maps);
	/* One zombie is enough to fail, and WNOWAIT leaves it there. */
	info.si_pid = 0;
	if (waitid(P_ALL, 0, &info, WEXITED | WNOHANG | WNOWAIT | __WALL) == 0)
		counts.children = 1;
	return counts;
}

static void
run_measured(const struct test *test)
{
	struct counts before, after;

	/* The first count makes what stdio keeps. */
	count_all();
	before = count_all();
	test->run();
	after = count_all();
	expect("descriptors after it", after.descriptors, before.descriptors);
	expect("mappings after it", after.mappings, before.mappings);
	expect("children after it", after.children, before.children);
	_exit(0);
}

static void
describe(int status, int elapsed, char *text, size_t size)
{
	if (elapsed)
		snprintf(text, size, "hangs");
	else if (WIFSTOPPED(status))
		snprintf(text, size, "the caller is stopped");
	else if (WIFSIGNALED(status))
		snprintf(text, size, "the caller dies: %s", strsignal(WTERMSIG(status)));
	else if (*text == '\0')
		snprintf(text, size, "ends with status %d", WEXITSTATUS(status));
}

static int
run_one(const struct test *test)
{
	char text[300] = "";
	int pipes[2], status = 0, elapsed = 0, is_ok, is_skip;
	size_t length = 0;
	ssize_t got;
	pid_t pid;

	if (test->is_linux1 && linux1_clone == NULL) {
		printf("%s\t-\n", test->name);
		return 0;
	}
	fflush(stdout);
	if (pipe(pipes) == -1 || (pid = fork()) == -1)
		return 1;
	if (pid == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		setpgid(0, 0);		/* signals to a group stay in the case */
		close(pipes[0]);
		report = pipes[1];
		alarm(getenv("SOAK_PATIENCE") ? (unsigned)atoi(getenv("SOAK_PATIENCE")) : PATIENCE);
		run_measured(test);
	}
	close(pipes[1]);
	/* Children that outlive a dead case hold the pipe as well. */
	if (waitpid(pid, &status, WUNTRACED) == pid && WIFSIGNALED(status))
		elapsed = WTERMSIG(status) == SIGALRM;
	kill(-pid, SIGKILL);
	if (WIFSTOPPED(status))
		waitpid(pid, NULL, 0);
	while (length < sizeof(text) - 1 && (got = read(pipes[0], text + length,
	    sizeof(text) - 1 - length)) > 0)
		length += (size_t)got;
	close(pipes[0]);
	if (length >= 2 && strcmp(text + length - 2, "; ") == 0)
		text[length - 2] = '\0';
	is_ok = WIFEXITED(status) && WEXITSTATUS(status) == 0;
	is_skip = WIFEXITED(status) && WEXITSTATUS(status) == SKIPPED;
	if (WIFEXITED(status) && WEXITSTATUS(status) == NOT_APPLICABLE) {
		printf("%s\t-\n", test->name);
		return 0;
	}
	if (!is_ok && !is_skip)
		describe(status, elapsed, text, sizeof(text));
	printf("%s\t%s%s\n", test->name, is_ok ? "ok" : is_skip ? "SKIP " : "", text);
	return !is_ok && !is_skip;
}

int
run_cases(const struct test *cases, size_t count, int argc, char **argv)
{
	int failed = 0;
	size_t i;

	for (i = 0; i < count; i++)
		if (argc == 2 && strcmp(argv[1], "-l") == 0)
			printf("%s\n", cases[i].name);
		else if (argc < 2 || strcmp(argv[1], cases[i].name) == 0)
			failed += run_one(&cases[i]);
	return failed != 0;
}
