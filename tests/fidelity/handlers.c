/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Copyright (c) 2026 The nbclone developers */
/* handlers.c: section 13: whether a disposition that one process sets holds for
 * another. */
#include "probe.h"

enum { IGNORE, HANDLER, DEFAULT, NO_STOPS };

static void dispose(int sig, int how)
{
    if (how == HANDLER || how == NO_STOPS)
        set_handler(sig, how == NO_STOPS ? SA_NOCLDSTOP : 0);
    else
        set_disposition(sig, how == IGNORE ? SIG_IGN : SIG_DFL, 0);
}

/* Sets what it is told, then answers every go with a step. */
static int dispose_and_answer(void *p)
{
    const struct arg *arg = p;

    dispose(arg->sig, arg->b);
    sh->step = 1;
    while (wait_flag(&sh->go, LATE) && sh->go != 3)
        sh->step = sh->go = 0, sh->step = 2;
    return 0;
}

static int is_alive(pid_t pid)
{
    siginfo_t si;

    memset(&si, 0, sizeof si);
    return waitid(P_PID, (id_t)pid, &si,
                  WEXITED | WNOWAIT | WNOHANG | W_ALL) == 0 && si.si_pid == 0;
}

/* Send it; the child has taken it when it answers, if it lives. */
static void put_signal_to_child(int sig, pid_t pid)
{
    int runs = sh->handler_runs;

    kill(pid, sig);
    sh->step = 0;
    sh->go = 1;
    while (sh->step != 2 && is_alive(pid))
        sched_yield();
    put("signal-to-child=%s",
        sh->handler_runs > runs ? "handler-ran" : "nothing");
    put("child-alive=%d", is_alive(pid));
}

static int is_pending(int sig)
{
    sigset_t set;

    sigemptyset(&set);
    sigpending(&set);
    return sigismember(&set, sig) == 1;
}

static void put_signal_to_parent(int sig)
{
    kill(getpid(), sig);
    put("signal-to-parent=%s", sh->handler_runs ? "handler-ran" : "nothing");
    put("by=%s", !sh->handler_runs ? "-"
        : sh->handler_pid == getpid() ? "parent" : "other");
    block(sig);
    kill(getpid(), sig);
    put("parent-pending-when-blocked=%d", is_pending(sig));
}

static void run_shared(const struct arg *arg)
{
    int deadly = arg->sig == SIGUSR2 && arg->b == DEFAULT;
    pid_t pid;

    dispose(arg->sig, arg->a);
    unblock(arg->sig);
    pid = start(dispose_and_answer, arg->flags, (void *)arg);
    put_ret(pid, start_errno);
    wait_flag(&sh->step, LATE);
    put("parent-reads=%s", disposition(arg->sig));
    if (!deadly)
        put_signal_to_parent(arg->sig);
    put_signal_to_child(arg->sig, pid);
    if (deadly) {
        kill(getpid(), arg->sig);
        put("parent-survived-DFL=1");
    }
}

/*
 * A forked child stops and continues. SIGCHLD is blocked from the continue to
 * the end, so that both are one signal; the stop is a signal of its own.
 */
static void run_sigchld(const struct arg *arg)
{
    pid_t pid, kid;
    const char *end;

    dispose(SIGCHLD, arg->a);
    pid = start(dispose_and_answer, arg->flags, (void *)arg);
    put_ret(pid, start_errno);
    wait_flag(&sh->step, LATE);
    unblock(SIGCHLD);
    kid = fork();
    if (kid == 0) {
        kill(getpid(), SIGSTOP);
        _exit(4);
    }
    wait_for(kid, WUNTRACED);
    put("handler-runs-on-stop=%d", sh->handler_runs);
    block(SIGCHLD);
    kill(kid, SIGCONT);
    end = wait_for(kid, 0);
    unblock(SIGCHLD);
    put("handler-runs-total=%d", sh->handler_runs);
    put("kid=%s", end);
    sh->go = 3;
    put("clone-child=%s", wait_for(pid, W_ALL));
}

static void run_reset(const struct arg *arg)
{
    pid_t pid;

    set_handler(SIGUSR2, SA_RESETHAND);
    pid = start(signal_oneself, arg->flags | SIGCHLD, NULL);
    wait_for(pid, W_ALL);
    put_ret(pid, start_errno);
    put("handler-runs=%d", sh->handler_runs);
    put("parent-disp-after=%s", strcmp(disposition(SIGUSR2), "hnd")
        ? "DFL(reset)" : "handler");
}

void section_reset_handlers(void)
{
    static const unsigned flags[] = {0, VM, VM | SIGHAND};
    struct arg arg = {0, 0, 0, 0, NULL};
    int i;

    for (i = 0; i < 3; i++) {
        arg.flags = flags[i];
        run_case(13, fmt("RESETHAND,%s", flag_names(arg.flags)), run_reset,
                 NULL, &arg);
    }
}

void section_shared_handlers(void)
{
    static const char *const names[] = {"IGN", "handler", "DFL", "NOCLDSTOP"};
    static const struct arg cases[] = {
        {VM | SIGHAND, SIGUSR2, IGNORE, HANDLER, "VM|SIGHAND"},
        {VM | SIGHAND, SIGUSR2, HANDLER, IGNORE, "VM|SIGHAND"},
        {VM | SIGHAND, SIGUSR2, DEFAULT, HANDLER, "VM|SIGHAND"},
        {VM | SIGHAND, SIGUSR2, HANDLER, DEFAULT, "VM|SIGHAND"},
        {VM | SIGHAND, SIGUSR2, DEFAULT, IGNORE, "VM|SIGHAND"},
        {VM | SIGHAND, SIGUSR2, IGNORE, DEFAULT, "VM|SIGHAND"},
        {VM | SIGHAND, SIGURG, DEFAULT, HANDLER, "VM|SIGHAND"},
        {VM | SIGHAND, SIGURG, HANDLER, DEFAULT, "VM|SIGHAND"},
        {VM, SIGUSR2, IGNORE, HANDLER, "VM"},
        {VM | SIGHAND | FS | FILES, SIGUSR2, IGNORE, HANDLER,
         "VM|SIGHAND|FS|FILES"},
        {VM | SIGHAND, SIGCHLD, DEFAULT, HANDLER, "VM|SIGHAND"},
        {VM | SIGHAND, SIGCHLD, HANDLER, NO_STOPS, "VM|SIGHAND"},
        {VM, SIGCHLD, HANDLER, NO_STOPS, "VM"},
    };
    size_t i;

    for (i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        const struct arg *arg = &cases[i];

        run_case(13, fmt("%s%s:parent=%s,child-sets-%s,%s",
                         arg->sig == SIGCHLD ? "SIG" : "", sig_name(arg->sig),
                         names[arg->a], names[arg->b], arg->s),
                 arg->sig == SIGCHLD ? run_sigchld : run_shared, NULL, arg);
    }
}
