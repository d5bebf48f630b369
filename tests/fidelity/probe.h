/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Copyright (c) 2026 The nbclone developers */
/*
 * probe: asks a clone(2) the 579 questions that were once put to NetBSD and
 * to Linux, and answers in the lines that data/ holds.
 *
 * Process 1 of a PID namespace of our own is the driver: init to everything
 * below it, as on the machines that were asked first.  It forks one runner
 * for each case; the runner is the parent whose clone() is examined.  All of
 * them write into one shared page, so an answer survives the death of the
 * process that gave it.
 */
#ifndef PROBE_H
#define PROBE_H

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/types.h>
#include <sys/wait.h>
#include <unistd.h>

#ifdef __linux__
#define W_CLONE __WCLONE
#define W_ALL __WALL
#else
#define W_CLONE WALTSIG
#define W_ALL WALLSIG
#endif

/* The same bits on both systems. */
#define VM 0x100u
#define FS 0x200u
#define FILES 0x400u
#define SIGHAND 0x800u
#define VFORK 0x4000u
#define THREAD 0x10000u

/*
 * Nothing is measured in time, but to show that a parent is blocked its
 * child has to keep it waiting for a while (SOON).  A parent that is not
 * blocked is waited for, up to LATE, so load makes no answer wrong.
 */
#define SOON 15
#define LATE 5000

/* What the processes of one case share, whatever they were cloned with. */
struct shared {
    char out[4096];
    volatile size_t len;
    volatile int returned;  /* clone() has returned in the parent */
    volatile int done;      /* the child is about to end */
    volatile int go;        /* somebody may go on */
    volatile int step;
    volatile int ran;
    volatile int v[32];
    volatile pid_t cpid, cppid, child, grandchild, runner;
    volatile int handler_runs, handler_sig;
    volatile pid_t handler_pid;
};
extern struct shared *sh;

/* A case's parameters; each section says what a and b mean to it. */
struct arg {
    unsigned flags;
    int sig;
    int a, b;
    const char *s;
};

/* driver.c */
typedef void (*step_fn)(const struct arg *);
extern const char *self_path;
extern int watchdog_ms;
/* For the limits of processes, where all of a user's count: a user of whom
 * nothing else runs.  The cases' names keep the id they first had. */
extern uid_t nobodys_uid;
void run_case(int section, const char *name, step_fn run, step_fn post,
              const struct arg *arg);

/* report.c: all strings returned are good for the next sixteen calls. */
#define PRINTF __attribute__((format(printf, 1, 2)))
const char *fmt(const char *f, ...) PRINTF;
void put(const char *f, ...) PRINTF;
void put_ret(pid_t pid, int err);
const char *errno_name(int err);
const char *sig_name(int sig);
const char *flag_names(unsigned flags);
const char *status_name(int status);
const char *case_name(unsigned flags, int sig);
const char *wait_for(pid_t pid, int options);
const char *alive_or(pid_t pid, int options);
const char *sig_item(const siginfo_t *si, pid_t child);
const char *take_signals(pid_t child);
int count_signals(int sig);

/* host.c */
void block_all(void);
void only_block(const int *sigs, int n);
void unblock(int sig);
void block(int sig);
int next_signal(siginfo_t *si, int ms);
void set_handler(int sig, int flags);
void set_disposition(int sig, void (*handler)(int), int flags);
void default_dispositions(void);
const char *disposition(int sig);
pid_t raw_clone(unsigned flags);
int wait_flag(volatile int *flag, int ms);
void wait_zombie(pid_t pid);
void detach(void (*fn)(void *), void *arg);
void exec_helper(const char *what, int fd1, int fd2, int fd3, int fd4);

/* child.c */
#define STACKS 34
char *stack_top(int n);
void stack_fill(void);
const char *stack_below(void);
const char *stack_above(char *from);
pid_t start_on(char *stack, int (*fn)(void *), unsigned flags, void *arg);
pid_t start(int (*fn)(void *), unsigned flags, void *arg);
extern int start_errno, errno_before; /* after and before the call */
void hold(unsigned flags);
int exit_with(void *code);
int exit_when_told(void *code);
int signal_oneself(void *arg);    /* SIGUSR2 */
extern volatile int mem;

#define AS_ARG(n) ((void *)(intptr_t)(n))

/* The sections, each in the file of its topic. */
void section_flags(void);         /* 1 */
void section_exit_byte(void);     /* 2 */
void section_other_bits(void);    /* 3 */
void section_stack(void);         /* 4 */
void section_exit_values(void);   /* 5 */
void section_signals(void);       /* 6 */
void section_limits(void);        /* 7 */
void section_exec(void);          /* 8 */
void section_waits(void);         /* 9 */
void section_dispositions(void);
void section_deaths(void);
void section_vfork_signals(void);
void section_cloexec(void);       /* 10 */
void section_orphans(void);       /* 11 */
void section_sharing(void);       /* 12 */
void section_locks(void);         /* 13 */
void section_queues(void);
void section_ignoring_vfork(void);
void section_stops(void);
void section_shared_handlers(void);
void section_oddities(void);
void section_reset_handlers(void);
void section_vfork_return(void);
void section_threads(void);       /* 14 */

int helper_main(int argc, char **argv);

#endif
