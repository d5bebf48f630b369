/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Copyright (c) 2026 The nbclone developers */
/* deaths.c: section 9, second half: what the exit signal does to the parent,
 * children that stop or die, signals to a parent that VFORK blocks. */
#include "probe.h"

static void run_default_action(const struct arg *arg)
{
    pid_t pid;

    if (arg->sig != SIGKILL)
        set_disposition(arg->sig, SIG_DFL, 0);
    only_block(NULL, 0);
    pid = start(exit_when_told, (unsigned)arg->sig, AS_ARG(7));
    put_ret(pid, start_errno);
    sh->go = 1;
    wait_zombie(pid);
    put("survived=1");
    put("reap=%s", wait_for(pid, W_ALL));
}

/* A parent of its own, which the runner watches. */
static void run_stopped_parent(const struct arg *arg)
{
    pid_t parent = fork();

    if (parent == 0) {
        only_block(NULL, 0);
        wait_for(start(exit_with, (unsigned)arg->sig, AS_ARG(7)), W_ALL);
        _exit(5);
    }
    put("parent-at-120ms=%s", wait_for(parent, WUNTRACED));
    kill(parent, SIGCONT);
    put("end=%s", wait_for(parent, 0));
}

static void run_parents_handler(const struct arg *arg)
{
    const char *reaped;
    pid_t pid;

    only_block(NULL, 0);
    set_handler(arg->sig, 0);
    pid = start(exit_with, (unsigned)arg->sig, AS_ARG(7));
    reaped = wait_for(pid, W_ALL);
    put_ret(pid, start_errno);
    put("handler-runs=%d", sh->handler_runs);
    put("sig=%s", sig_name(sh->handler_sig));
    put("in=%s", sh->handler_pid == getpid() ? "parent" : "other");
    put("reap=%s", reaped);
}

static int stop_oneself(void *code)
{
    kill(getpid(), SIGSTOP);
    return (int)(intptr_t)code;
}

static void run_child_stops(const struct arg *arg)
{
    const char *reaped;
    siginfo_t si;
    pid_t pid;

    pid = start(stop_oneself, (unsigned)arg->sig, AS_ARG(8));
    put_ret(pid, start_errno);
    put("sig-at-stop=%s",
        next_signal(&si, LATE) > 0 ? sig_item(&si, pid) : "none");
    put("w0|U=%s", wait_for(pid, WUNTRACED | WNOHANG));
    put("wclone|U=%s", wait_for(pid, W_CLONE | WUNTRACED | WNOHANG));
    put("wall|U=%s", wait_for(pid, W_ALL | WUNTRACED | WNOHANG));
    kill(pid, SIGCONT);
    reaped = wait_for(pid, W_ALL);
    put("sig-at-exit=%s", take_signals(pid));
    put("reap=%s", reaped);
}

static int die(void *p)
{
    const struct arg *arg = p;

    hold(arg->flags);
    if (arg->a != SIGKILL) {
        set_disposition(arg->a, SIG_DFL, 0);
        unblock(arg->a);
    }
    kill(getpid(), arg->a);
    return 1;
}

static void run_child_dies(const struct arg *arg)
{
    const char *reap0, *reap;
    pid_t pid;

    pid = start(die, arg->flags | (unsigned)arg->sig, (void *)arg);
    put_ret(pid, start_errno);
    put("released=%s", sh->done ? "after-death" : "at-once");
    sh->returned = 1;
    reap0 = wait_for(pid, 0);
    reap = wait_for(pid, W_ALL);
    put("sig=%s", take_signals(pid));
    put("reap0=%s", reap0);
    put("reap=%s", reap);
}

static void one(const char *name, step_fn run, unsigned flags, int sig, int a)
{
    struct arg arg = {0, 0, 0, 0, NULL};

    arg.flags = flags, arg.sig = sig, arg.a = a;
    run_case(9, name, run, NULL, &arg);
}

void section_deaths(void)
{
    static const int actions[] = {SIGUSR1, SIGKILL, SIGTERM, SIGCONT, SIGCHLD,
                                  SIGURG, 33, 63, 0};
    static const int handled[] = {SIGUSR1, SIGCHLD, SIGALRM};
    static const int stops[] = {0, SIGCHLD, SIGUSR1, 33};
    static const int deaths[] = {SIGSEGV, SIGKILL, SIGTERM, SIGABRT, SIGKILL};
    int i, j;

    for (i = 0; i < 9; i++)
        one(fmt("default-action/%s", sig_name(actions[i])),
            run_default_action, 0, actions[i], 0);
    one("default-action/STOP", run_stopped_parent, 0, SIGSTOP, 0);
    for (i = 0; i < 3; i++)
        one(fmt("handler-in-parent/%s", sig_name(handled[i])),
            run_parents_handler, 0, handled[i], 0);
    for (i = 0; i < 4; i++)
        one(fmt("child-stops/%s", sig_name(stops[i])), run_child_stops, 0,
            stops[i], 0);
    for (i = 0; i < 5; i++)
        for (j = 0; j < 3; j++) {
            unsigned flags = i < 4 ? VM | VFORK : 0;

            one(fmt("child-dies-%s,%s", sig_name(deaths[i]),
                    case_name(flags, stops[j])), run_child_dies, flags,
                stops[j], deaths[i]);
        }
}

/* Runs until the runner lets it, and its parent is blocked as long. */
static int keep_parent(void *p)
{
    (void)p;
    sh->step = 1;
    wait_flag(&sh->go, LATE);
    sh->done = 1;
    return 0;
}

static volatile int after_child;

static void note_order(int sig)
{
    (void)sig;
    sh->handler_runs++;
    after_child = sh->done;
}

static void run_signalled_parent(const struct arg *arg)
{
    int sig = arg->a, status = 0, at_once, tries;
    pid_t parent = fork(), got;

    if (parent == 0) {
        set_disposition(SIGCHLD, SIG_DFL, 0);
        if (sig == SIGALRM)
            set_disposition(sig, note_order, 0);
        only_block(NULL, 0);
        start(keep_parent, arg->flags | SIGCHLD, NULL);
        sh->v[0] = after_child;
        _exit(5);
    }
    wait_flag(&sh->step, LATE);
    kill(parent, sig);
    for (tries = 0; tries < (sig == SIGKILL || sig == SIGTERM ? 40 : 4);
         tries++) {
        got = waitpid(parent, &status, WUNTRACED | WNOHANG);
        if (got == parent)
            break;
        wait_flag(&sh->go, 10);
    }
    at_once = got == parent;
    sh->v[1] = sh->done;
    sh->go = 1;
    if (!at_once) {
        waitpid(parent, &status, WUNTRACED);
        sh->v[1] = sh->done;
    }
    put("parent-end=%s", status_name(status));
    put("when=%s", at_once ? "at-once" : "after-child-exit");
    put("child-done-then=%d", sh->v[1]);
    if (sig == SIGALRM) {
        put("handler-runs=%d", sh->handler_runs);
        put("handler-ran-after-child=%d", sh->v[0]);
    }
    if (WIFSTOPPED(status)) {
        kill(parent, SIGCONT);
        put("end=%s", wait_for(parent, 0));
    }
}

void section_vfork_signals(void)
{
    static const int sigs[] = {SIGKILL, SIGTERM, SIGALRM, SIGSTOP};
    int i;

    for (i = 0; i < 7; i++) {
        unsigned flags = i < 4 ? VM | VFORK : VFORK;

        one(fmt("vfork-blocked-parent-gets-%s,%s", sig_name(sigs[i % 4]),
                flag_names(flags)), run_signalled_parent, flags, 0,
            sigs[i % 4]);
    }
}
