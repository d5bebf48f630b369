/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Copyright (c) 2026 The nbclone developers */
/*
 * Linux 1.3's clone: flags first, each of which means "share"; by the words that
 * the headers make of it, and by the header's macro.
 */
#include "linux1.h"

#include <fcntl.h>

/* Here rather than in linux1.h: this file alone has the arguments in that order. */
static __inline__ _syscall2(int, clone, unsigned long, flags, void *, sp)

enum { MARK = 0x00c00000, VM = 0x100, FS = 0x200, FILES = 0x400, SIGHAND = 0x800 };

static volatile int memory;
static int descriptor;

static void handler(int signal)
{
	(void)signal;
}

static void change_everything(void)
{
	struct sigaction action = {.sa_handler = handler};

	memory = 1;
	if (chdir("/") != 0 || close(descriptor) != 0 || sigaction(SIGUSR2, &action, NULL) != 0)
		_exit(1);
}

/* What the parent sees of it. */
static unsigned long seen(void)
{
	struct sigaction action;
	char place[256];

	if (getcwd(place, sizeof place) == NULL)
		give_up("getcwd");
	sigaction(SIGUSR2, NULL, &action);
	return (memory ? VM : 0) | (strcmp(place, "/") == 0 ? FS : 0) |
	       (fcntl(descriptor, F_GETFD) == -1 ? FILES : 0) |
	       (action.sa_handler == handler ? SIGHAND : 0);
}

static unsigned long outcome(void *sp, unsigned long flags)
{
	int status = -1;

	memory = 0;
	signal(SIGUSR2, SIG_DFL);
	if (chdir("/tmp") != 0 && chdir("/proc") != 0)
		give_up("chdir");
	descriptor = open("/", O_RDONLY);
	if (clone(flags | SIGCLD, sp) == 0) {
		change_everything();
		_exit(3);
	}
	waitpid(-1, &status, 0);
	expect_exit(status, 3);
	return seen();
}

static void every_combination(long own_stack)
{
	unsigned long bits;

	for (bits = 0; bits < 16; bits++) {
		unsigned long flags = bits << 8, expected = flags, got;

		/* Memory and handlers on a stack of the child's own only. */
		if (own_stack)
			expected &= ~(unsigned long)(VM | SIGHAND);
		else if ((flags & (VM | SIGHAND)) == SIGHAND)
			continue; /* Linux has none of these now */
		got = outcome(own_stack ? NULL : stack_top(0), flags);
		check(got == expected, "%#lx: shared are %#lx, not %#lx", flags, got, expected);
	}
}

static void refused(void *sp, unsigned long word)
{
	long result;

	errno = 0;
	result = linux1_clone(sp, word);
	if (result == 0)
		_exit(0);
	check(result == -1 && errno == EINVAL, "%p, %#lx: %ld, errno %d", sp, word, result, errno);
}

/* The mark alone brings no other bit with it; half of it is none. */
static void other_bits(long unused)
{
	unsigned bit;

	(void)unused;
	for (bit = 12; bit < 8 * sizeof(long); bit++) {
		if (MARK >> bit & 1) {
			refused(NULL, (unsigned long)(MARK ^ 1 << bit) | SIGCLD);
		} else {
			refused(NULL, MARK | 1UL << bit | SIGCLD);
			refused(stack_top(0), MARK | VM | 1UL << bit | SIGCLD);
		}
	}
	refused(NULL, MARK | (HIGHEST_SIGNAL + 1));
}

/* The flags where sp should be, undeclared: no child that dies of it. */
static void swapped(long unused)
{
	(void)unused;
	refused((void *)(uintptr_t)SIGCLD, 0);
	refused((void *)(uintptr_t)(SIGCLD | FS | FILES), 0);
	refused((void *)(uintptr_t)(SIGCLD | VM), (uintptr_t)stack_top(0));
	refused((void *)4095, SIGCLD);
}

/* COPYFD's bit is CLONE_FS's there: descriptors aren't copied. */
static void no_copies(long unused)
{
	int fd = temporary_file("later", O_RDONLY, 20), status;

	(void)unused;
	if (clone(FS | SIGCLD, NULL) == 0) {
		lseek(fd, 5, SEEK_SET);
		_exit(0);
	}
	waitpid(-1, &status, 0);
	check(lseek(fd, 0, SEEK_CUR) == 5, "the descriptor was copied");
}

void later_cases(void)
{
	add(every_combination, 0, "1.3: every combination, on a stack");
	add(every_combination, 1, "1.3: every combination, sp 0");
	add(other_bits, 0, "1.3: EINVAL for other bits");
	add(swapped, 0, "1.3: EINVAL for flags in the place of sp");
	add(no_copies, 0, "1.3: CLONE_FS isn't COPYFD");
}
