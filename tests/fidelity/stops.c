/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Copyright (c) 2026 The nbclone developers */
/* stops.c: section 13: children that stop while VFORK blocks the parent. */
#include "probe.h"

/*
 * Somebody else's process has to wake a child whose parent is blocked.  It
 * waits until the child must have stopped, if it stops at all, and goes on
 * waking it: a SIGCONT that comes too early is lost.
 */
static void wake(void *arg)
{
    (void)arg;
    wait_flag(&sh->cpid, LATE);
    wait_flag(&sh->done, 40);
    while (!sh->done) {
        sh->v[0] = 1;
        kill(sh->cpid, SIGCONT);
        wait_flag(&sh->done, 20);
    }
    _exit(0);
}

static int raise_stop(void *p)
{
    const struct arg *arg = p;
    sigset_t set;

    unblock(arg->a);
    sh->cpid = getpid();
    kill(sh->cpid, arg->a);
    sigemptyset(&set);
    sigpending(&set);
    sh->v[1] = sigismember(&set, arg->a) == 1;
    sh->done = 1;
    return 3;
}

static void run_blocked_by_stop(const struct arg *arg)
{
    const char *reaped;
    pid_t pid;

    detach(wake, NULL);
    pid = start(raise_stop, arg->flags | SIGCHLD, (void *)arg);
    sh->v[2] = sh->done;
    sh->v[3] = sh->v[0];
    reaped = wait_for(pid, W_ALL);
    put_ret(pid, start_errno);
    put("parent-released-while-child-stopped=%d", !sh->v[2]);
    put("blocked-ms>=150=%d", sh->v[3]);
    put("child-done=%d", sh->v[2]);
    put("reap=%s", reaped);
    put("sig=%s", take_signals(pid));
}

static void run_raises(const struct arg *arg)
{
    const char *reaped;
    siginfo_t si;
    pid_t pid;

    detach(wake, NULL);
    pid = start(raise_stop, arg->flags | SIGCHLD, (void *)arg);
    reaped = wait_for(pid, W_ALL);
    next_signal(&si, 0);
    put_ret(pid, start_errno);
    put("child-stopped=%d", si.si_code == CLD_STOPPED);
    put("still-pending-in-child=%d", sh->v[1]);
    put("reap=%s", reaped);
}

static int told[2];

static int stop_then_exec(void *p)
{
    const struct arg *arg = p;

    hold(arg->flags);
    kill(getpid(), SIGSTOP);
    exec_helper("tell", told[1], -1, -1, -1);
    return 99;
}

static int has_run(int must)
{
    char byte;

    fcntl(told[0], F_SETFL, must ? 0 : O_NONBLOCK);
    return read(told[0], &byte, 1) == 1;
}

static void run_stop_then_exec(const struct arg *arg)
{
    const char *after;
    int ran;
    pid_t pid;

    if (pipe(told))
        _exit(3);
    pid = start(stop_then_exec, arg->flags | SIGCHLD, (void *)arg);
    put_ret(pid, start_errno);
    put("released=%s", sh->done ? "at-exec-or-exit" : "at-once");
    sh->returned = 1;
    after = wait_for(pid, W_ALL | WUNTRACED);
    put("after-exec=%s", after);
    put("sig=%s", take_signals(pid));
    ran = has_run(0);
    put("ran-in-150ms=%d", ran);
    kill(pid, SIGCONT);
    put("ran-after-CONT=%d", ran || has_run(1));
    put("reap=%s", wait_for(pid, W_ALL));
}

void section_stops(void)
{
    static const unsigned flags[] = {0, VFORK, VM | VFORK};
    static const int stops[] = {SIGSTOP, SIGTSTP, SIGTTIN};
    struct arg arg = {0, 0, 0, 0, NULL};
    int patience = watchdog_ms, i;

    arg.a = SIGSTOP;
    arg.flags = VM | VFORK;
    run_case(13, "VFORK-child-stops,VM|VFORK", run_blocked_by_stop, NULL,
             &arg);
    arg.flags = VFORK;
    run_case(13, "VFORK-child-stops,VFORK", run_blocked_by_stop, NULL, &arg);

    for (i = 0; i < 3; i++) {
        arg.flags = flags[i];
        /* On Linux nobody ever wakes these. */
        if (arg.flags & VFORK)
            watchdog_ms = 1500;
        run_case(13, fmt("child-raises-STOP-then-execs,%s",
                         flag_names(arg.flags)), run_stop_then_exec, NULL,
                 &arg);
    }
    watchdog_ms = patience;

    for (i = 0; i < 9; i++) {
        arg.a = stops[i / 3], arg.flags = flags[i % 3];
        run_case(13, fmt("child-raises-%s,%s", sig_name(arg.a),
                         flag_names(arg.flags)), run_raises, NULL, &arg);
    }
}
