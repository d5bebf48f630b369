/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Copyright (c) 2026 The nbclone developers */
/*
 * The conformance suite's own header: what NetBSD's <sched.h> and <sys/wait.h>
 * give a program, under the same names on Linux, and the harness's interface.
 * It depends on no header of the library under test.
 */
#ifndef SUITE_H
#define SUITE_H

#if defined(__linux__)
#ifndef _DEFAULT_SOURCE
#define _DEFAULT_SOURCE 1
#endif
#ifndef _XOPEN_SOURCE
#define _XOPEN_SOURCE 700
#endif
#elif defined(__NetBSD__)
#ifndef _NETBSD_SOURCE
#define _NETBSD_SOURCE 1
#endif
#endif

#include <sys/types.h>

#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/select.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <sys/wait.h>

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

typedef pid_t clone_fn(int (*)(void *), void *, int, void *);
extern clone_fn clone, __clone;

#ifndef CLONE_VM
#define CLONE_VM 0x00000100
#define CLONE_FS 0x00000200
#define CLONE_FILES 0x00000400
#define CLONE_SIGHAND 0x00000800
#define CLONE_VFORK 0x00004000
#endif

/* NetBSD's two options, and what Linux calls the same thing. */
#ifndef WALTSIG
#define WALTSIG ((int)0x80000000u)
#define WALLSIG 0x40000000
#endif

#ifndef MAP_ANON
#define MAP_ANON MAP_ANONYMOUS
#endif

/*
 * The system whose answers are expected (system.c): where the suite runs, or
 * what -e says, so that the expectations can be compared with NetBSD's answers
 * anywhere. NetBSD/i386 pushes func's argument on the child's stack before the
 * call. Two steps are known between the versions that were asked, 7.99.10 and
 * 10: siginfo, in 7.99.34 by its source; the rest is there in 9.99.100.
 */
extern int on_netbsd, on_netbsd_i386;
int netbsd_has_new_siginfo(void);
int netbsd_is_10(void);
void system_find(void);
int system_expect(const char *system); /* NetBSD-10.99.12-i386; -1: no such */
void system_print(void);

enum policy { STRICT, NETBSD, HOST };
extern enum policy policy;
extern int host_libc; /* -H: no library under test, the host's own clone */

/*
 * A case is one function, run in a process of its own. add() gives it a name
 * and a number to tell its variants apart.
 */
void add(void (*run)(long), long variant, const char *format, ...);

/* The case added last may kill its process with -H: by this difference of the host's clone. */
void last_may_die(int difference);

void alignment_cases(void);
void error_cases(void);
void exec_cases(void);
void cloexec_cases(void);
void exit_signal_cases(void);
void flag_cases(void);
void host_policy_cases(void);
void id_cases(void);
void libc_cases(void);
void orphan_cases(void);
void other_bit_cases(void);
void register_cases(void);
void matrix_cases(void); /* of register_cases */
void sharing_cases(void);
void signal_cases(void);
void stack_cases(void);
void status_cases(void);
void table_cases(void);
void thread_cases(void);
void waiting_cases(void);
void disposition_cases(void);

/*
 * check() notes a failure and goes on. claim() is a check of one answer that
 * NetBSD was asked for too: row and field name it in tests/fidelity/data, and
 * truth.py compares `want` with what is written there. `difference` is 0, or the number
 * (1..29) of the difference by which this host's answer is another than NetBSD's;
 * BOTH() gives two numbers.
 */
#define BOTH(a, b) ((a)*100 + (b))
#define THREAD_EXIT 30 /* not in the list: a host's clone may end func's thread only */
int check(int ok, const char *format, ...);
int differs(int difference, int ok, const char *format, ...);
int claim(int section, const char *row, const char *field, const char *got,
          const char *want, int difference);
void skip(const char *format, ...);
void give_up(const char *what); /* the case's own set-up failed */

/*
 * Shared by the harness, a case and all its children, whatever they share
 * otherwise: a child answers here.
 */
struct scratch {
	volatile int ran, done, returned, arg_ok;
	volatile long pid, ppid, pgrp, sid;
	volatile uintptr_t sp, frame;
	volatile long cell[64];
};
extern struct scratch *scratch;

/* tools.c */
extern const char *self_path;  /* this program, for exec */
extern const char *other_dir;  /* a directory that isn't "/" */

#define STACK_SIZE 65536
void *stack_top(int which); /* 0..2, 64-byte aligned */

const char *text(const char *format, ...);
const char *number(long n);
const char *error_name(int error);
const char *returned(pid_t pid);               /* pid or -1/EINVAL */
const char *status_name(int status);           /* exit7, sigSEGV, stopSTOP */
const char *waited(pid_t pid, int options);    /* status, 0/0 or -1/ECHILD */
int wait_status(pid_t pid, int options);
const char *combination(int flags);            /* VM|FS, none */

struct gate {
	int in, out;
};
void gate_make(struct gate *gate);
void gate_open(const struct gate *gate);
void gate_wait(const struct gate *gate);

/* The exit signals, by what they are for: their name is the row's in the data. */
struct exit_signal {
	const char *row;
	int number;
};
enum { N_EXIT_SIGNALS = 5 };
const struct exit_signal *exit_signal(int index);
int highest_signal(void);

void handle(int signal, void (*handler)(int), int flags);
void catch_signals(int signal);     /* block, and record, this one and SIGCHLD */
const char *caught(int signal, const char *row, pid_t child);
const char *exit_signal_text(int signal, const char *row, int status);
int exit_signal_difference(int signal);

void give_way(void);
void yield_while_parent_blocked(void);
int use_children_up(void); /* reaps all that are left, gives their number */

void fill(void *at, size_t size);
const char *written_below(void *stack, size_t below, size_t above);

/* Cases that exec: the new program is this one, told what to do ("wait", "change"). */
enum { CLOEXEC_FD = 40, CLOSED_FD = 41, OPENED_FD = 42 };
extern struct gate exec_gate;
void exec_prepare(void);
void run_self(const char *what);
int exec_helper(int argc, char **argv);

int same_directory(const char *a, const struct stat *b);
int become_user(void); /* an ordinary user of no other process; 0 or -1 */
void *pages(size_t count); /* readable, writable, whole pages; one PROT_NONE on each side */
size_t page_size(void);
void die_alone(void);
void default_dispositions(void);

#endif
