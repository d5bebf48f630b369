/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Copyright (c) 2026 The nbclone developers */
/*
 * The harness: runs each case in a process of its own, under a watchdog, and
 * writes TAP. It also works as a system's first process.
 */
#include "suite.h"

#include <stdarg.h>

#include "boot.h"
#include "guardian.h"

enum { MAX_CASES = 1024, NAME_SIZE = 96, TEXT_SIZE = 1 << 18 };

static struct test {
	char name[NAME_SIZE];
	void (*run)(long);
	long variant;
	int may_die;
} tests[MAX_CASES];
static int n_tests;

/* A case's result, in memory that it shares with the runner: it survives the case's death. */
static struct report {
	volatile int failed, skipped, finished;
	volatile uint32_t numbers;  /* differences that the case carries */
	volatile uint32_t expected; /* differences that the host's clone shows */
	char why_skipped[128];
	volatile size_t used;
	char text[TEXT_SIZE];
} *report;

enum policy policy = STRICT;
int host_libc;
struct scratch *scratch;

static int show_truth;
static int enough = MAX_CASES; /* -k: stop after so many failures */
static unsigned watchdog_seconds = 120;
static volatile sig_atomic_t watchdog_barked;
static pid_t case_pid;

void add(void (*run)(long), long variant, const char *format, ...)
{
	va_list list;
	struct test *test;

	if (n_tests == MAX_CASES) {
		fprintf(stderr, "too many cases\n");
		exit(2);
	}
	test = &tests[n_tests++];
	va_start(list, format);
	vsnprintf(test->name, sizeof test->name, format, list);
	va_end(list);
	test->run = run;
	test->variant = variant;
	test->may_die = 0;
}

void last_may_die(int difference)
{
	tests[n_tests - 1].may_die = difference;
}

static void say(const char *prefix, const char *format, va_list list)
{
	size_t room = TEXT_SIZE - report->used;
	char *at = report->text + report->used;
	int length;

	if (room < 256)
		return;
	length = snprintf(at, room, "%s", prefix);
	length += vsnprintf(at + length, room - (size_t)length - 2, format, list);
	if ((size_t)length > room - 2)
		length = (int)room - 2;
	at[length] = '\n';
	at[length + 1] = '\0';
	report->used += (size_t)length + 1;
}

static void say_plain(const char *prefix, const char *format, ...)
{
	va_list list;

	va_start(list, format);
	say(prefix, format, list);
	va_end(list);
}

static uint32_t bits(int difference)
{
	uint32_t set = 0;

	for (; difference > 0; difference /= 100)
		set |= UINT32_C(1) << (difference % 100);
	return set;
}

/* The differences that are the C library's, not the kernel's: a shim can mend them. */
static int is_the_librarys(int difference)
{
	const uint32_t mended = bits(1) | bits(2) | bits(3) | bits(5) | bits(6) |
	                        bits(7) | bits(8) | bits(THREAD_EXIT);

	return (bits(difference) & mended) != 0;
}

static int judge(int difference, int ok, const char *format, va_list list)
{
	report->numbers |= bits(difference);
	if (ok)
		return 1;
	if (host_libc && is_the_librarys(difference)) {
		report->expected |= bits(difference);
		say("expected difference: ", format, list);
	} else {
		report->failed++;
		say("failed: ", format, list);
	}
	return 0;
}

int check(int ok, const char *format, ...)
{
	va_list list;

	va_start(list, format);
	judge(0, ok, format, list);
	va_end(list);
	return ok;
}

int differs(int difference, int ok, const char *format, ...)
{
	va_list list;

	va_start(list, format);
	judge(difference, ok, format, list);
	va_end(list);
	return ok;
}

int claim(int section, const char *row, const char *field, const char *got,
          const char *want, int difference)
{
	if (show_truth)
		say_plain("truth\t", "%d\t%s\t%s\t%s\t%d", section, row, field, want, difference);
	return differs(difference, strcmp(got, want) == 0, "%s: %s is %s, not %s", row, field, got,
	               want);
}

void skip(const char *format, ...)
{
	va_list list;

	va_start(list, format);
	vsnprintf(report->why_skipped, sizeof report->why_skipped, format, list);
	va_end(list);
	report->skipped = 1;
	report->finished = 1;
	_exit(0);
}

void give_up(const char *what)
{
	check(0, "set-up: %s: %s", what, strerror(errno));
	report->finished = 1;
	_exit(0);
}

static void bark(int signal)
{
	(void)signal;
	watchdog_barked = 1;
	kill(-case_pid, SIGKILL);
	kill(case_pid, SIGKILL);
}

static void run_in_child(const struct test *test)
{
	pid_t me = getpid();
	struct rlimit no_core;

	setpgid(0, 0);
	guardian_note_case();
	signal(SIGALRM, SIG_DFL);
	no_core.rlim_cur = no_core.rlim_max = 0;
	setrlimit(RLIMIT_CORE, &no_core);
	umask(022);
	if (chdir("/") != 0)
		give_up("chdir /");
	test->run(test->variant);
	if (getpid() != me) {
		check(0, "a child came back from func into its caller");
		_exit(3);
	}
	report->finished = 1;
	_exit(0);
}

/* Runs one case; gives its process's wait status. */
static int run_case(const struct test *test)
{
	int status = 0;

	memset(report, 0, offsetof(struct report, text) + 1);
	memset(scratch, 0, sizeof *scratch);
	watchdog_barked = 0;
	fflush(stdout);
	case_pid = fork();
	if (case_pid == 0)
		run_in_child(test);
	if (case_pid == -1) {
		say_plain("failed: ", "fork: %s", strerror(errno));
		report->failed++;
		return 0;
	}
	setpgid(case_pid, case_pid);
	alarm(watchdog_seconds);
	while (waitpid(case_pid, &status, 0) == -1 && errno == EINTR)
		;
	alarm(0);
	kill_group(case_pid); /* the processes that it left behind */
	while (waitpid(-1, NULL, WALLSIG | WNOHANG) > 0)
		;
	guardian_note_none();
	if (watchdog_barked) {
		say_plain("failed: ", "hung for %u seconds", watchdog_seconds);
		report->failed++;
	} else if (WIFEXITED(status) && WEXITSTATUS(status) == 0 && report->finished) {
		return status;
	} else if (host_libc && test->may_die != 0) {
		say_plain("expected difference: ", "the caller died: %s", status_name(status));
		report->expected |= bits(test->may_die);
	} else {
		say_plain("failed: ", "the case died: %s", status_name(status));
		report->failed++;
	}
	report->numbers |= bits(test->may_die);
	return status;
}

static void print_text(void)
{
	char *line, *end;

	for (line = report->text; *line != '\0'; line = end + 1) {
		end = strchr(line, '\n');
		if (end == NULL)
			break;
		*end = '\0';
		printf("# %s\n", line);
	}
}

static void print_numbers(const char *open, uint32_t set, const char *close)
{
	int i;

	printf("%s", open);
	for (i = 1; i < 32; i++)
		if (set & (UINT32_C(1) << i) & ~bits(THREAD_EXIT))
			printf(" %d", i);
	if (set & bits(THREAD_EXIT))
		printf(" (exit of the thread only)");
	printf("%s", close);
}

static int run_all(const char *pattern)
{
	int i, planned = 0, seen = 0, passed = 0, failed = 0, skipped = 0, expected = 0;

	for (i = 0; i < n_tests; i++)
		planned += pattern == NULL || strstr(tests[i].name, pattern) != NULL;
	printf("1..%d\n", planned);
	system_print();
	for (i = 0; i < n_tests; i++) {
		const char *verdict = "ok";

		if (pattern != NULL && strstr(tests[i].name, pattern) == NULL)
			continue;
		run_case(&tests[i]);
		print_text();
		if (report->failed || report->expected)
			verdict = "not ok";
		printf("%s %d - %s", verdict, ++seen, tests[i].name);
		if (report->numbers)
			print_numbers(" [differences", report->numbers, "]");
		if (report->failed) {
			failed++;
		} else if (report->expected) {
			print_numbers(" # TODO the host's clone: differences", report->expected, "");
			expected++;
		} else if (report->skipped) {
			printf(" # SKIP %s", report->why_skipped);
			skipped++;
		} else {
			passed++;
		}
		printf("\n");
		if (failed >= enough) {
			printf("Bail out! %d failures\n", failed);
			break;
		}
	}
	if (host_libc)
		printf("# the host's own clone: expected differences=%d\n", expected);
	printf("# nbclone-conformance: done passed=%d failed=%d skipped=%d\n", passed, failed,
	       skipped);
	fflush(stdout);
	return failed > 0 || passed + expected + skipped != planned;
}

static void *shared_memory(size_t size)
{
	void *at = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANON, -1, 0);

	if (at == MAP_FAILED) {
		perror("mmap");
		exit(2);
	}
	return at;
}

static void set_policy(const char *name)
{
	if (name == NULL || strcmp(name, "strict") == 0)
		policy = STRICT;
	else if (strcmp(name, "netbsd") == 0)
		policy = NETBSD;
	else if (strcmp(name, "host") == 0)
		policy = HOST;
	else {
		fprintf(stderr, "unknown policy: %s\n", name);
		exit(2);
	}
}

static void add_all(void)
{
	flag_cases();
	exit_signal_cases();
	other_bit_cases();
	host_policy_cases();
	error_cases();
	stack_cases();
	alignment_cases();
	status_cases();
	register_cases();
	id_cases();
	signal_cases();
	waiting_cases();
	disposition_cases();
	exec_cases();
	cloexec_cases();
	sharing_cases();
	table_cases();
	orphan_cases();
	thread_cases();
	libc_cases();
}

int main(int argc, char **argv)
{
	const char *pattern = NULL;
	int option, list = 0, bare, i;
	struct sigaction action;

	if (argc > 1 && strcmp(argv[1], "-X") == 0)
		return exec_helper(argc, argv);
	bare = boot_prepare(argv[0]);
	system_find();
	set_policy(getenv("NBCLONE_POLICY"));
	while ((option = getopt(argc, argv, "lr:p:He:tw:k:")) != -1) {
		switch (option) {
		case 'l': list = 1; break;
		case 'r': pattern = optarg; break;
		case 'p': set_policy(optarg); break;
		case 'H': host_libc = 1; policy = NETBSD; break;
		case 'e':
			if (system_expect(optarg) == 0)
				break;
			fprintf(stderr, "-e NetBSD-VERSION-MACHINE, not %s\n", optarg);
			return 2;
		case 't': show_truth = 1; break;
		case 'w': watchdog_seconds = (unsigned)atoi(optarg); break;
		case 'k': enough = atoi(optarg); break;
		default:
			if (bare) /* a kernel passes words of its command line to its first process */
				break;
			fprintf(stderr, "usage: suite [-lHt] [-r text] [-p strict|netbsd|host] "
			                "[-e system] [-w seconds] [-k failures]\n");
			return 2;
		}
	}
	if (on_netbsd)
		policy = NETBSD;
	report = shared_memory(sizeof *report);
	scratch = shared_memory(sizeof *scratch);
	add_all();
	if (list) {
		for (i = 0; i < n_tests; i++)
			printf("%s\n", tests[i].name);
		return 0;
	}
	default_dispositions();
	memset(&action, 0, sizeof action);
	action.sa_handler = bark;
	sigaction(SIGALRM, &action, NULL);
	guardian_start();
	i = run_all(pattern);
	guardian_end();
	if (bare)
		boot_power_off();
	return i;
}
