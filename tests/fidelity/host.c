/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Copyright (c) 2026 The nbclone developers */
/* host.c: what the two systems do in different ways, and small tools. */
#include "probe.h"
#include <sys/syscall.h>
#include <time.h>

#ifdef __mips__
enum { MASK_SIZE = 16 }; /* bytes of the kernel's signal set */
#else
enum { MASK_SIZE = 8 };
#endif

/*
 * The libcs of Linux keep 32 and 33 for themselves and take them out of any
 * mask, but an exit signal may be either: they are blocked past the libc.
 */
static void every_signal(sigset_t *set)
{
    memset(set, 0xff, sizeof *set);
}

void block_all(void)
{
    sigset_t set;

    every_signal(&set);
#ifdef __linux__
    syscall(SYS_rt_sigprocmask, SIG_SETMASK, &set, NULL, MASK_SIZE);
#else
    sigprocmask(SIG_SETMASK, &set, NULL);
#endif
}

void only_block(const int *sigs, int n)
{
    sigset_t set;

    sigemptyset(&set);
    while (n-- > 0)
        sigaddset(&set, *sigs++);
    sigprocmask(SIG_SETMASK, &set, NULL);
}

static void change_mask(int how, int sig)
{
    sigset_t set;

    sigemptyset(&set);
    sigaddset(&set, sig);
    sigprocmask(how, &set, NULL);
}

void unblock(int sig)
{
    change_mask(SIG_UNBLOCK, sig);
}

void block(int sig)
{
    change_mask(SIG_BLOCK, sig);
}

int next_signal(siginfo_t *si, int ms)
{
    struct timespec ts;
    sigset_t set;

    every_signal(&set);
    ts.tv_sec = ms / 1000;
    ts.tv_nsec = ms % 1000 * 1000000L;
    memset(si, 0, sizeof *si);
    return sigtimedwait(&set, si, &ts);
}

static void note(int sig, siginfo_t *si, void *context)
{
    (void)si;
    (void)context;
    sh->handler_sig = sig;
    sh->handler_pid = getpid();
    sh->handler_runs++;
}

void set_handler(int sig, int flags)
{
    struct sigaction sa;

    memset(&sa, 0, sizeof sa);
    sa.sa_sigaction = note;
    sa.sa_flags = SA_SIGINFO | flags;
    sigaction(sig, &sa, NULL);
}

void set_disposition(int sig, void (*handler)(int), int flags)
{
    struct sigaction sa;

    memset(&sa, 0, sizeof sa);
    sa.sa_handler = handler;
    sa.sa_flags = flags;
    sigaction(sig, &sa, NULL);
}

/*
 * Whoever started us may have left any signal ignored.  glibc's posix_spawn,
 * by which make starts its commands, leaves 32 and 33 so, and its sigaction
 * refuses to mend that: these two go past the libc.  A disposition of zeros
 * is the default one everywhere; SPARC has the mask's size a place later.
 */
void default_dispositions(void)
{
    int sig;

    for (sig = 1; sig < NSIG; sig++)
        set_disposition(sig, SIG_DFL, 0);
#ifdef __linux__
    for (sig = 32; sig <= 34; sig++) {
        static const long zeros[32];
        long size = MASK_SIZE;

        syscall(SYS_rt_sigaction, sig, zeros, NULL, size, size);
    }
#endif
}

const char *disposition(int sig)
{
    struct sigaction sa;

    sigaction(sig, NULL, &sa);
    if (sa.sa_handler == SIG_IGN)
        return "IGN";
    if (sa.sa_handler == SIG_DFL)
        return "DFL";
    return "hnd";
}

/* The bare system call without a stack: a fork with clone's flags. */
pid_t raw_clone(unsigned flags)
{
#ifndef __linux__
    return (pid_t)syscall(SYS___clone, (int)flags, NULL);
#elif defined(__s390__)
    return (pid_t)syscall(SYS_clone, 0, (unsigned long)flags, 0, 0, 0);
#else
    return (pid_t)syscall(SYS_clone, (unsigned long)flags, 0, 0, 0, 0);
#endif
}

/*
 * Wait until another process sets the flag.  Only calls that touch no
 * thread-local storage: a child may have none (CLONE_SETTLS).
 */
int wait_flag(volatile int *flag, int ms)
{
    struct timespec from, now;

    clock_gettime(CLOCK_MONOTONIC, &from);
    while (!*flag) {
        clock_gettime(CLOCK_MONOTONIC, &now);
        if ((now.tv_sec - from.tv_sec) * 1000
                + (now.tv_nsec - from.tv_nsec) / 1000000 >= ms)
            break;
        sched_yield();
    }
    return *flag;
}

/* Until the child has ended, which is not yet reaped. */
void wait_zombie(pid_t pid)
{
    siginfo_t si;

    while (waitid(P_PID, (id_t)pid, &si, WEXITED | WNOWAIT | W_ALL) == -1
           && errno == EINTR)
        ;
}

/* A process that isn't ours: its end raises no signal here. */
void detach(void (*fn)(void *), void *arg)
{
    pid_t pid = fork();
    siginfo_t si;

    if (pid == 0) {
        if (fork() == 0)
            fn(arg);
        _exit(0);
    }
    waitpid(pid, NULL, 0);
    while (next_signal(&si, 0) > 0)
        ;
}

/* Become this program again, as helper.c's main; no environment. */
void exec_helper(const char *what, int fd1, int fd2, int fd3, int fd4)
{
    char numbers[4][12];
    char *argv[8], *envp[1];
    int fds[4], i;

    fds[0] = fd1, fds[1] = fd2, fds[2] = fd3, fds[3] = fd4;
    argv[0] = (char *)self_path;
    argv[1] = (char *)"--helper";
    argv[2] = (char *)what;
    for (i = 0; i < 4; i++) {
        snprintf(numbers[i], sizeof numbers[i], "%d", fds[i]);
        argv[3 + i] = numbers[i];
    }
    argv[7] = NULL;
    envp[0] = NULL;
    execve(self_path, argv, envp);
}
