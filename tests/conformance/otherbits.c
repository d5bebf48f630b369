/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Copyright (c) 2026 The nbclone developers */
/*
 * The bits that NetBSD doesn't implement: refused (policy strict), or ignored,
 * shown by what the child then is (policy netbsd).
 */
#include "suite.h"

enum { PID_BIT = 0x1000, PTRACE_BIT = 0x2000 };

typedef pid_t clone7_fn(int (*)(void *), void *, int, void *, void *, void *, void *);

/* Linux's three further arguments: nothing may touch or use them. */
static struct {
	volatile int parent_tid, child_tid;
	volatile long tls[64];
} extra;

static volatile int own_memory;
static struct gate start_gate;
static int *volatile child_errno;

static const unsigned bits[] = {0x1000,    0x2000,    0x8000,     0x10000,    0x20000,
                                0x40000,   0x80000,   0x100000,   0x200000,   0x400000,
                                0x800000,  0x1000000, 0x2000000,  0x4000000,  0x8000000,
                                0x10000000, 0x20000000, 0x40000000, 0x80000000u};
enum { N_BITS = sizeof bits / sizeof bits[0] };

enum { N_SPACES = 7 };
#ifdef __linux__
static const char *const spaces[N_SPACES] = {"uts", "ipc", "net",   "mnt",
                                             "pid", "user", "cgroup"};
#endif

static void read_spaces(volatile long *at)
{
#ifdef __linux__
	char path[40] = "/proc/self/ns/";
	struct stat s;
	size_t i;

	for (i = 0; i < N_SPACES; i++) {
		strcpy(path + 14, spaces[i]);
		at[i] = stat(path, &s) == 0 ? (long)s.st_ino : 0;
	}
#else
	(void)at;
#endif
}

static int look_around(void *arg)
{
	scratch->ran = 1;
	scratch->arg_ok = arg == (void *)&extra;
	scratch->pid = getpid();
	scratch->ppid = getppid();
	gate_wait(&start_gate);
	own_memory = 1;
	child_errno = &errno;
	scratch->cell[40] = (long)(intptr_t)child_errno;
	read_spaces(scratch->cell);
	return 7;
}

static pid_t call(unsigned word)
{
	/* Calls with more arguments than the prototype's are what Linux programs do. */
	clone7_fn *clone7 = (clone7_fn *)(void (*)(void))clone;

	fill((char *)stack_top(0) - 512, 512);
	memset((void *)&extra, 0x11, sizeof extra);
	own_memory = 0;
	return clone7(look_around, stack_top(0), (int)word, (void *)&extra,
	              (void *)&extra.parent_tid, (void *)extra.tls, (void *)&extra.child_tid);
}

static void must_refuse(const char *row, unsigned word, pid_t pid, int number)
{
	const char *got = returned(pid);

	if (pid > 0)
		gate_open(&start_gate);
	if (policy == STRICT && row != NULL)
		differs(3, strcmp(got, "-1/EINVAL") == 0, "strict, %#x: %s", word, got);
	else if (row != NULL)
		claim(3, row, "ret", got, "-1/EINVAL", number);
	differs(6, strcmp(written_below(stack_top(0), 512, 0),
	                  on_netbsd_i386 ? "-4..-1(4)" : "untouched") == 0,
	        "%#x: wrote below the stack", word);
	differs(number == 0 ? 3 : number, use_children_up() == 0, "%#x: there is a child", word);
}

static void must_ignore(const char *row, unsigned word, pid_t pid, int number)
{
	int signal = (int)(word & 0xff), i;
	volatile long mine[N_SPACES];

	if (!claim(3, row, "ret", returned(pid), "pid", number))
		return;
	read_spaces(mine);
	differs(number, strcmp(waited(pid, WALLSIG | WNOHANG), "0/0") == 0,
	        "%s: no child to wait for", row);
	gate_open(&start_gate);
	if (signal == SIGCHLD) {
		claim(3, row, "reap0", waited(pid, 0), "exit7", number);
		claim(3, row, "reapall", waited(pid, WALLSIG), "-1/ECHILD", number);
	} else {
		claim(3, row, "reap0", waited(pid, 0), "-1/ECHILD", number);
		claim(3, row, "reapall", waited(pid, WALLSIG), "exit7", number);
	}
	claim(3, row, "ran", text("%d", scratch->ran), "1", number);
	differs(number, scratch->arg_ok, "%s: argument", row);
	claim(3, row, "cpid", scratch->pid == pid ? "=ret" : "other", "=ret", number);
	claim(3, row, "ppid", scratch->ppid == getpid() ? "me" : "other", "me", number);
	claim(3, row, "mem", text("%d", own_memory), word & CLONE_VM ? "1" : "0", number);
	claim(3, row, "sig", caught(signal, "CHLD", pid),
	      exit_signal_text(signal, "CHLD", 7 << 8), number);
	differs(number, extra.parent_tid == 0x11111111 && extra.child_tid == 0x11111111,
	        "%s: wrote a tid", row);
	differs(number, scratch->cell[40] == (long)(intptr_t)&errno, "%s: another thread pointer",
	        row);
#ifdef __linux__
	for (i = 0; i < N_SPACES; i++)
		differs(number, scratch->cell[i] == mine[i], "%s: another %s namespace", row,
		        spaces[i]);
#else
	(void)i;
#endif
}

/* Older NetBSD refuses 0x1000 too; policy netbsd follows 10. */
static int is_refused(unsigned word)
{
	if (policy == STRICT || (word & PTRACE_BIT))
		return 1;
	if ((word & CLONE_SIGHAND) && !(word & CLONE_VM))
		return 1;
	return on_netbsd && !netbsd_is_10() && (word & PID_BIT);
}

static void try_word(const char *row, unsigned word)
{
	int number = word & (PID_BIT | PTRACE_BIT) ? 2 : 3;
	pid_t pid;

	if ((word & CLONE_SIGHAND) && !(word & CLONE_VM) && !(word & (PID_BIT | PTRACE_BIT)))
		number = 0;
	gate_make(&start_gate);
	catch_signals(SIGCHLD);
	if (word & CLONE_VFORK)
		gate_open(&start_gate);
	pid = call(word);
	if (is_refused(word))
		must_refuse(row, word, pid, number);
	else
		must_ignore(row, word, pid, number);
}

static void alone(long variant)
{
	try_word(text("0x%x/CHLD", bits[variant]), bits[variant] | SIGCHLD);
}

static void with_sighand(long variant)
{
	try_word(text("0x%x|VM|SIGHAND/CHLD", bits[variant]),
	         bits[variant] | CLONE_VM | CLONE_SIGHAND | SIGCHLD);
}

static const struct {
	const char *row;
	unsigned word;
} words[] = {
    {"THREAD|VM|SIGHAND|FS|FILES/0",
     0x10000 | CLONE_VM | CLONE_SIGHAND | CLONE_FS | CLONE_FILES},
    {"pthread-set-0x3d0f00/0", 0x3d0f00},
    {"THREAD|SIGHAND/CHLD", 0x10000 | CLONE_SIGHAND | SIGCHLD},
    {"0x1000|SIGHAND/255", 0x1000 | CLONE_SIGHAND | 255},
    {"0x2000|VM|VFORK/CHLD", 0x2000 | CLONE_VM | CLONE_VFORK | SIGCHLD},
    {"0xffff8000/CHLD", 0xffff8000u | SIGCHLD},
};

static void word(long variant)
{
	try_word(words[variant].row, words[variant].word);
}

void other_bit_cases(void)
{
	size_t i;

	if (policy == HOST) /* Linux's own answers: see the cases of policy host */
		return;
	for (i = 0; i < N_BITS; i++) {
		add(alone, (long)i, "other bits: 0x%x", bits[i]);
		last_may_die(3);
		add(with_sighand, (long)i, "other bits: 0x%x|VM|SIGHAND", bits[i]);
		last_may_die(3);
	}
	for (i = 0; i < sizeof words / sizeof words[0]; i++) {
		add(word, (long)i, "other bits: %s", words[i].row);
		last_may_die(3);
	}
}
