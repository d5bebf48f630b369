/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Copyright (c) 2026 The nbclone developers */
/* oddities.c: section 13: single questions, most of one answer each. */
#include "probe.h"

static int told[2];

static int await_exec(void *p)
{
    char byte;

    (void)p;
    if (read(told[0], &byte, 1) == 1) {
        sh->cppid = getppid();
        sh->done = 1;
    }
    return 0;
}

/* The runner becomes the helper, while its child shares its old memory. */
static void run_parent_execs(const struct arg *arg)
{
    pid_t pid;

    if (pipe(told))
        _exit(3);
    pid = start(await_exec, arg->flags | (unsigned)arg->sig, NULL);
    put_ret(pid, start_errno);
    exec_helper("tell-and-reap", told[1], -1, -1, -1);
}

static void after_parent_exec(const struct arg *arg)
{
    (void)arg;
    put("child-finished=%d", sh->done);
    put("ppid-then-driver/init?=%s",
        sh->cppid == sh->runner ? "runner" : "other");
}

static int hold_then_exit(void *p)
{
    const struct arg *arg = p;

    hold(arg->flags);
    return 0;
}

static void run_vfork_ignored(const struct arg *arg)
{
    int status = 0;
    pid_t pid, got;

    set_disposition(SIGCHLD, SIG_IGN, 0);
    pid = start(hold_then_exit, arg->flags | (unsigned)arg->sig, (void *)arg);
    put_ret(pid, start_errno);
    put("blocked=%d", sh->done);
    sh->returned = 1;
    got = waitpid(pid, &status, W_ALL);
    put("wait=%s", got == pid ? fmt("1/%d", status)
        : fmt("%d/%s", (int)got, errno_name(errno)));
}

void section_ignoring_vfork(void)
{
    static const struct arg parent_execs = {VM, SIGCHLD, 0, 0, NULL};
    static const struct arg ignoring[] = {
        {VM | VFORK, SIGCHLD, 0, 0, NULL},
        {VM | VFORK, SIGUSR1, 0, 0, NULL},
        {VFORK, 0, 0, 0, NULL},
    };
    int i;

    run_case(13, "parent-execs,child-VM", run_parent_execs, after_parent_exec,
             &parent_execs);
    for (i = 0; i < 3; i++)
        run_case(13, fmt("%s,SIGCHLD=IGN/%s", flag_names(ignoring[i].flags),
                         sig_name(ignoring[i].sig)), run_vfork_ignored, NULL,
                 &ignoring[i]);
}

static int set_errno(void *p)
{
    (void)p;
    errno = 123;
    return 0;
}

static void run_errno(const struct arg *arg)
{
    pid_t pid;

    errno_before = 55;
    pid = start(set_errno, arg->flags | SIGCHLD, NULL);
    put_ret(pid, start_errno);
    put("errno-after-success=%d", start_errno);
    wait_for(pid, W_ALL);
}

static void run_nothing(const struct arg *arg)
{
    (void)arg;
    put("ret=see-post");
}

static int tell_parent(void *p)
{
    (void)p;
    sh->cppid = getppid();
    return 7;
}

static void clone_in_init(const struct arg *arg)
{
    const char *w0, *wclone;
    pid_t pid = start(tell_parent, (unsigned)arg->sig, NULL);

    w0 = wait_for(pid, 0);
    wclone = wait_for(pid, W_CLONE);
    put_ret(pid, start_errno);
    put("child-ppid-parent-is-pid1=%d", sh->cppid == 1 && getpid() == 1);
    put("sig=%s", take_signals(pid));
    put("w0=%s", w0);
    put("wclone=%s", wclone);
}

static int set_uid(void *p)
{
    return setuid((uid_t)(intptr_t)p) ? 1 : 0;
}

static void run_si_uid(const struct arg *arg)
{
    siginfo_t si;
    pid_t pid = start(set_uid, (unsigned)arg->sig, AS_ARG(1001));

    put_ret(pid, start_errno);
    wait_for(pid, W_ALL);
    next_signal(&si, 0);
    put("si_uid=%d", (int)si.si_uid);
    put("si_errno=%d", si.si_errno);
}

#if defined(__x86_64__) || defined(__i386__)
static int read_fpu(void *p)
{
    unsigned short control = 0;

    (void)p;
    __asm__ volatile("fnstcw %0" : "=m"(control));
    sh->v[0] = control;
#ifdef __x86_64__
    {
        unsigned mxcsr = 0;

        __asm__ volatile("stmxcsr %0" : "=m"(mxcsr));
        sh->v[1] = (int)mxcsr;
    }
#endif
    return 0;
}

static void run_fpu(const struct arg *arg)
{
    unsigned short control = 0x0c7f; /* round to zero */
    pid_t pid;

    __asm__ volatile("fldcw %0" : : "m"(control));
#ifdef __x86_64__
    {
        unsigned mxcsr = 0x7f80;

        __asm__ volatile("ldmxcsr %0" : : "m"(mxcsr));
    }
#endif
    pid = start(read_fpu, arg->flags | SIGCHLD, NULL);
    put_ret(pid, start_errno);
    wait_for(pid, W_ALL);
    put("x87cw-inherited=%d", sh->v[0] == 0x0c7f);
#ifdef __x86_64__
    put("mxcsr-inherited=%d", sh->v[1] == 0x7f80);
#endif
}
#else
static void run_fpu(const struct arg *arg)
{
    (void)arg;
    put("SKIP=x86-only");
}
#endif

static void run_kill_zombie(const struct arg *arg)
{
    pid_t pid = start(exit_with, (unsigned)arg->sig, AS_ARG(0)), group;
    int got;

    put_ret(pid, start_errno);
    wait_zombie(pid);
    got = kill(pid, 0);
    put("kill(zombie,0)=%d/%s", got, got ? errno_name(errno) : "0");
    group = getpgid(pid);
    if (group == -1)
        put("getpgid(zombie)=-1/%s", errno_name(errno));
    else
        put("getpgid(zombie)=%s/0", group == getpgrp() ? "same" : "other");
    wait_for(pid, W_ALL);
    got = kill(pid, 0);
    put("kill-after-reap=%d/%s", got, got ? errno_name(errno) : "0");
}

static void run_option_bits(const struct arg *arg)
{
    pid_t pid = start(exit_when_told, (unsigned)arg->sig, AS_ARG(0));
    unsigned bit;

    for (bit = 1; bit; bit <<= 1)
        put("%#x=%s", bit, alive_or(pid, (int)bit));
    sh->go = 1;
}

/* a: the child's new id, or 0; b: the parent's, after the clone */
static int wait_and_set_uid(void *p)
{
    const struct arg *arg = p;

    wait_flag(&sh->go, LATE);
    return arg->a && setuid((uid_t)arg->a) ? 1 : 0;
}

static void run_other_user(const struct arg *arg)
{
    const char *reaped;
    pid_t pid = start(wait_and_set_uid, (unsigned)arg->sig, (void *)arg);

    put_ret(pid, start_errno);
    if (arg->b && setuid((uid_t)arg->b))
        _exit(3);
    sh->go = 1;
    reaped = wait_for(pid, W_ALL);
    put("sig=%s", take_signals(pid));
    put("reap=%s", reaped);
}

static void run_ignoring(const struct arg *arg)
{
    const char *w0, *wclone;
    pid_t pid;

    set_disposition(arg->sig, SIG_IGN, 0);
    if (arg->a)
        unblock(arg->sig);
    pid = start(exit_with, (unsigned)arg->sig, AS_ARG(7));
    put_ret(pid, start_errno);
    w0 = wait_for(pid, 0);
    wclone = wait_for(pid, W_CLONE);
    put("sig=%s", take_signals(pid));
    put("w0=%s", w0);
    put("wclone=%s", wclone);
}

static void one(const char *name, step_fn run, unsigned flags, int sig, int a,
                int b)
{
    struct arg arg;

    arg.flags = flags, arg.sig = sig, arg.a = a, arg.b = b, arg.s = NULL;
    run_case(13, name, run, run == run_nothing ? clone_in_init : NULL, &arg);
}

void section_oddities(void)
{
    one("errno,none", run_errno, 0, 0, 0, 0);
    one("errno,VM|VFORK", run_errno, VM | VFORK, 0, 0, 0);
    one("pid1-is-the-parent/USR1", run_nothing, 0, SIGUSR1, 0, 0);
    one("pid1-is-the-parent/0", run_nothing, 0, 0, 0, 0);
    one("pid1-is-the-parent/CHLD", run_nothing, 0, SIGCHLD, 0, 0);
    one("si_uid,child-setuid-1001/USR1", run_si_uid, 0, SIGUSR1, 0, 0);
    one("si_uid,child-setuid-1001/CHLD", run_si_uid, 0, SIGCHLD, 0, 0);
    one("fpu,none", run_fpu, 0, 0, 0, 0);
    one("fpu,VM", run_fpu, VM, 0, 0, 0);
    one("kill-zombie/0", run_kill_zombie, 0, 0, 0, 0);
    one("kill-zombie/CHLD", run_kill_zombie, 0, SIGCHLD, 0, 0);
    one("waitpid-option-bits", run_option_bits, 0, 0, 0, 0);
    one("child-setuid-1001/USR1", run_other_user, 0, SIGUSR1, 1001, 0);
    one("parent-setuid-1000,root-child/USR1", run_other_user, 0, SIGUSR1, 0,
        1000);
    one("child-setuid-1001/KILL", run_other_user, 0, SIGKILL, 1001, 0);
    one("parent-ignores-USR1,blocked/USR1", run_ignoring, 0, SIGUSR1, 0, 0);
    one("parent-ignores-USR1,unblocked/USR1", run_ignoring, 0, SIGUSR1, 1, 0);
}
