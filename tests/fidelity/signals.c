/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Copyright (c) 2026 The nbclone developers */
/* signals.c: section 6: what a child inherits, and what it shares. */
#include "probe.h"
#include <sys/time.h>

enum { MASK_USR1, MASK_TERM, PENDING, ALT_ON, ALT_SAME, ALT_SIZE, REAL, VIRT,
       PROF, ALARM, HANDLER, IGNORE };

static char alt_stack[65536];

static int armed(int which)
{
    struct itimerval it;

    getitimer(which, &it);
    return it.it_value.tv_sec || it.it_value.tv_usec;
}

static const char *masked(void)
{
    sigset_t set;

    sigprocmask(SIG_BLOCK, NULL, &set);
    return fmt("%s%s%s", sigismember(&set, SIGUSR1) == 1 ? "USR1," : "",
               sigismember(&set, SIGTERM) == 1 ? "TERM," : "",
               sigismember(&set, SIGCHLD) == 1 ? "CHLD," : "");
}

static int pending_count(void)
{
    sigset_t set;
    int sig, n = 0;

    sigemptyset(&set);
    sigpending(&set);
    for (sig = 1; sig < 64; sig++)
        n += sigismember(&set, sig) == 1;
    return n;
}

static int inspect(void *arg)
{
    stack_t alt;

    (void)arg;
    put("child-mask=%s", masked());
    put("child-npending=%d", pending_count());
    sigaltstack(NULL, &alt);
    put("child-altstack=%s", alt.ss_flags & SS_DISABLE ? "disabled"
        : alt.ss_sp == alt_stack ? "inherited" : "another");
    put("child-altsize=%s", alt.ss_size ? "nonzero" : "0");
    put("child-itreal=%d", armed(ITIMER_REAL));
    put("child-itvirt=%d", armed(ITIMER_VIRTUAL));
    put("child-itprof=%d", armed(ITIMER_PROF));
    put("child-alarm=%u", alarm(0));
    put("child-handler-kept=%d", !strcmp(disposition(SIGUSR2), "hnd"));
    put("child-ign-kept=%d", !strcmp(disposition(SIGHUP), "IGN"));
    return 0;
}

static void run_inherit(const struct arg *arg)
{
    static const int blocked[] = {SIGUSR1, SIGTERM};
    struct itimerval it;
    stack_t alt;
    size_t mark;
    sigset_t set;
    pid_t pid;

    memset(&alt, 0, sizeof alt);
    alt.ss_sp = alt_stack;
    alt.ss_size = sizeof alt_stack;
    put("setalt=%d", sigaltstack(&alt, NULL));
    only_block(blocked, 2);
    set_handler(SIGUSR2, 0);
    set_disposition(SIGHUP, SIG_IGN, 0);
    kill(getpid(), SIGUSR1);
    memset(&it, 0, sizeof it);
    it.it_value.tv_sec = 1000;
    setitimer(ITIMER_REAL, &it, NULL);
    setitimer(ITIMER_VIRTUAL, &it, NULL);
    setitimer(ITIMER_PROF, &it, NULL);
    /* The child writes its fields itself; "ret" has to stand before. */
    mark = sh->len;
    put("ret=pid");
    pid = start(inspect, arg->flags | SIGCHLD, NULL);
    if (pid == -1) {
        sh->len = mark;
        put_ret(pid, start_errno);
        return;
    }
    wait_for(pid, W_ALL);
    put("parent-mask-after=%s", masked());
    sigaltstack(NULL, &alt);
    put("parent-altstack-after=%s",
        alt.ss_flags & SS_DISABLE ? "disabled" : "enabled");
    put("parent-itreal-after=%d", armed(ITIMER_REAL));
    sigemptyset(&set);
    sigpending(&set);
    put("parent-usr1-pending=%d", sigismember(&set, SIGUSR1) == 1);
}

static void run_handler(const struct arg *arg)
{
    const char *reaped;
    pid_t pid;

    set_handler(SIGUSR2, 0);
    pid = start(signal_oneself, arg->flags | SIGCHLD, NULL);
    reaped = wait_for(pid, W_ALL);
    put_ret(pid, start_errno);
    put("handler-runs=%d", sh->handler_runs);
    put("in=%s", sh->handler_pid == pid ? "child" : "other");
    put("reap=%s", reaped);
    put("sig=%s", take_signals(pid));
}

static int set_sigchld(void *p)
{
    const struct arg *arg = p;

    if (arg->a)
        set_disposition(SIGCHLD, SIG_DFL, SA_NOCLDWAIT);
    else
        set_disposition(SIGCHLD, SIG_IGN, 0);
    sh->step = 1;
    return 0;
}

static void run_child_sets(const struct arg *arg)
{
    struct sigaction sa;
    pid_t pid, kid;

    pid = start(set_sigchld, arg->flags | SIGCHLD, (void *)arg);
    put_ret(pid, start_errno);
    wait_flag(&sh->step, LATE);
    sigaction(SIGCHLD, NULL, &sa);
    put("parent-disp=%s%s", sa.sa_handler == SIG_IGN ? "IGN"
        : sa.sa_handler == SIG_DFL ? "DFL" : "?",
        sa.sa_flags & SA_NOCLDWAIT ? "+NOCLDWAIT" : "");
    kid = fork();
    if (kid == 0)
        _exit(4);
    put("forked-child=%s", wait_for(kid, 0));
    put("clone-child=%s", wait_for(pid, W_ALL));
}

void section_signals(void)
{
    static const unsigned inherit[] = {
        0, VM, VFORK, VM | VFORK, VM | SIGHAND, VM | FS | FILES | SIGHAND,
        FILES};
    static const unsigned handler[] = {VM | SIGHAND, VM, 0};
    struct arg arg = {0, 0, 0, 0, NULL};
    int i;

    for (i = 0; i < 7; i++) {
        arg.flags = inherit[i];
        run_case(6, fmt("inherit,%s", flag_names(arg.flags)), run_inherit,
                 NULL, &arg);
    }
    for (i = 0; i < 3; i++) {
        arg.flags = handler[i];
        run_case(6, fmt("handler-in-child,%s", flag_names(arg.flags)),
                 run_handler, NULL, &arg);
    }
    arg.flags = VM | SIGHAND;
    run_case(6, "child-sets-SIGCHLD-IGN,VM|SIGHAND", run_child_sets, NULL,
             &arg);
    arg.flags = VM;
    run_case(6, "child-sets-SIGCHLD-IGN,VM", run_child_sets, NULL, &arg);
    arg.flags = VM | SIGHAND, arg.a = 1;
    run_case(6, "child-sets-NOCLDWAIT,VM|SIGHAND", run_child_sets, NULL,
             &arg);
}
