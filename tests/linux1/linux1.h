/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Copyright (c) 2026 The nbclone developers */
/*
 * What the cases of linux1_clone share. The harness is the conformance
 * suite's: each case is a process of its own.
 */
#ifndef LINUX1_H
#define LINUX1_H

#define _GNU_SOURCE 1
/* <sched.h>'s prototype isn't the one that suite.h gives to clone. */
#define clone hosts_clone
#include <sched.h>
#undef clone
#include "suite.h"

#include <linux/sched.h>
#include <linux/unistd.h>

pid_t linux1_clone(void *sp, unsigned long flags);

#define LENGTH(array) (sizeof(array) / sizeof *(array))

/* Linux's highest signal. */
#ifdef __mips__
#define HIGHEST_SIGNAL 127
#else
#define HIGHEST_SIGNAL 64
#endif

/* How a child is made: sp, and whether COPYVM is among the flags. */
enum mode { FORKED, COPIED, SHARED, N_MODES };
extern const char *const mode_names[N_MODES];

/*
 * Runs `work` in a child and waits for it; its wait status, or -1. The parent
 * stays in the function that called clone until the child has ended.
 */
int in_child(enum mode mode, unsigned long flags, void (*work)(void));
void expect_exit(int status, int code);

/* What a child tells its parent, whatever memory they share. */
struct answers {
	int shared;         /* kcmp(): -1 unknown, 0 a copy, 1 the same description */
	int flags, cloexec; /* F_GETFL, F_GETFD */
	long long position;
	unsigned long long device, inode;
	int lost, gained, other_cloexec;
	int error;
	long number;
	char bytes[64];
};
extern struct answers *answers; /* made by answers_make */
void answers_make(void);

/* 1 if both processes' descriptor is one description, 0 if not, -1: unknown. */
int same_description(pid_t other, int fd);

/* A name in a directory of the suite's own. */
const char *temporary(const char *name);
int temporary_file(const char *name, int flags, size_t size);

void add_modes(void (*run)(long), const char *name);

/*
 * Has the parent trace this process, and stops it until traced() is called there. A
 * process that may not be traced ends.
 */
void be_traced(void);

/*
 * Traces `process` from be_traced on until it ends: its wait status. `at_stop` is
 * called before each system call of its child and behind it; `stops` counts these.
 */
int traced(pid_t process, void (*at_stop)(pid_t child), int *stops);

void return_cases(void);
void word_cases(void);
void later_cases(void);
void error_number_cases(void);
void register_value_cases(void);
void usual_cases(void);
void file_cases(void);
void stream_cases(void);
void terminal_cases(void);
void device_cases(void);
void lock_cases(void);
void limit_cases(void);
void proc_cases(void);
void filter_cases(void);
void traced_cases(void);
void waiting_open_cases(void);
void circumstance_cases(void);
void small_stack_cases(void);
void identity_cases(void);

/* The fate of one descriptor under COPYFD, in each mode. */
enum fate { IS_COPIED, STAYS_SHARED };
struct kind {
	const char *name;
	int (*make)(void);
	enum fate fate;
};
void add_kinds(const struct kind *kinds, size_t count);
void expect_fate(enum mode mode, int fd, enum fate fate);

#endif
