/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Copyright (c) 2026 The nbclone developers */
/* waits.c: section 9, first half: which wait gets which child, and when. */
#include "probe.h"

/* Ends when the parent is back from its wait, or is kept waiting (a: ms). */
static int wait_for_parent(void *p)
{
    const struct arg *arg = p;

    wait_flag(&sh->returned, arg->a);
    sh->done = 1;
    return 7;
}

enum { WAIT, ANY, PID, GROUP0, ANY_CLONE, PID_CLONE, ANY_ALL, PID_ALL, WAIT3,
       ANY_BOTH, GROUP_ALL, HOWS };

static const struct {
    const char *name;
    int options;
} hows[HOWS] = {
    {"wait()", 0},
    {"waitpid(-1,0)", 0},
    {"waitpid(pid,0)", 0},
    {"waitpid(0,0)", 0},
    {"waitpid(-1,WCLONE)", W_CLONE},
    {"waitpid(pid,WCLONE)", W_CLONE},
    {"waitpid(-1,WALL)", W_ALL},
    {"waitpid(pid,WALL)", W_ALL},
    {"wait3(0)", 0},
    {"waitpid(-1,WALL|WCLONE)", W_ALL | W_CLONE},
    {"waitpid(-pgrp,WALL)", W_ALL},
};

static pid_t wait_in_a_way(int how, pid_t pid, int *status)
{
    switch (how) {
    case WAIT:
        return wait(status);
    case WAIT3:
        return wait3(status, 0, NULL);
    case PID: case PID_CLONE: case PID_ALL:
        return waitpid(pid, status, hows[how].options);
    case GROUP0:
        return waitpid(0, status, 0);
    case GROUP_ALL:
        return waitpid(-getpgrp(), status, W_ALL);
    default:
        return waitpid(-1, status, hows[how].options);
    }
}

static void put_waited(void)
{
    put("waited=%s", sh->done ? "until-exit" : "no");
    sh->returned = 1;
}

static void run_blocking(const struct arg *arg)
{
    int status = 0, err;
    pid_t pid, got;

    pid = start(wait_for_parent, (unsigned)arg->sig, (void *)arg);
    put_ret(pid, start_errno);
    got = wait_in_a_way(arg->b, pid, &status);
    err = errno;
    put("res=%s", got == pid ? fmt("reaped:%s", status_name(status))
        : fmt("%d/%s", (int)got, errno_name(err)));
    put_waited();
    wait_for(pid, W_ALL);
}

static int end_on_go(void *p)
{
    (void)p;
    return 7;
}

static void one_of_two(const char *what, int options, pid_t child, pid_t forked)
{
    int status;
    pid_t got = waitpid(-1, &status, options);

    if (got == -1)
        put("%s=%s:-", what, errno_name(errno));
    else
        put("%s=%s:%s", what, got == child ? "clone" : got == forked
            ? "forked" : "other", status_name(status));
}

/* The clone has ended before the first wait; the forked child ends before it
 * only where a plain wait has no right to the clone. */
static void run_mixed(const struct arg *arg)
{
    pid_t pid, forked;

    forked = fork();
    if (forked == 0) {
        wait_flag(&sh->go, LATE);
        _exit(3);
    }
    pid = start(end_on_go, (unsigned)arg->sig, NULL);
    put_ret(pid, start_errno);
    wait_zombie(pid);
    sh->go = arg->sig != SIGCHLD;
    one_of_two("first", 0, pid, forked);
    sh->go = 1;
    one_of_two("second", 0, pid, forked);
    one_of_two("third-WCLONE", W_CLONE, pid, forked);
}

void section_waits(void)
{
    static const int sigs[] = {0, SIGCHLD, SIGUSR1, 33};
    struct arg arg = {0, 0, 0, 0, NULL};
    int i;

    for (i = 0; i < 4; i++)
        for (arg.b = 0; arg.b < HOWS; arg.b++) {
            int options = hows[arg.b].options;

            arg.sig = sigs[i];
            /* Patience where an answer is due at once, see probe.h. */
            arg.a = options & (int)W_ALL || (options == (int)W_CLONE)
                == (arg.sig != SIGCHLD) ? SOON : LATE;
            run_case(9, fmt("blocking,%s/%s", hows[arg.b].name,
                            sig_name(arg.sig)), run_blocking, NULL, &arg);
        }
    for (i = 0; i < 4; i++) {
        arg.sig = sigs[i];
        run_case(9, fmt("mixed-fork+clone/%s", sig_name(arg.sig)), run_mixed,
                 NULL, &arg);
    }
}

enum { IGNORED, NOWAIT_DEFAULT, NOWAIT_HANDLER };

static void dispose(int how)
{
    if (how == IGNORED)
        set_disposition(SIGCHLD, SIG_IGN, 0);
    else if (how == NOWAIT_DEFAULT)
        set_disposition(SIGCHLD, SIG_DFL, SA_NOCLDWAIT);
    else
        set_handler(SIGCHLD, SA_NOCLDWAIT);
}

static void run_disposed(const struct arg *arg)
{
    const char *w0, *wclone, *wall;
    pid_t pid;

    dispose(arg->b);
    pid = start(exit_with, (unsigned)arg->sig, AS_ARG(7));
    sh->child = pid;
    put_ret(pid, start_errno);
    w0 = wait_for(pid, 0);
    wclone = wait_for(pid, W_CLONE);
    wall = wait_for(pid, W_ALL);
    put("sig=%s", take_signals(pid));
    put("w0=%s", w0);
    put("wclone=%s", wclone);
    put("wall=%s", wall);
}

static void run_disposed_blocking(const struct arg *arg)
{
    int status = 0;
    pid_t pid, got;

    dispose(arg->b);
    pid = start(wait_for_parent, (unsigned)arg->sig, (void *)arg);
    sh->child = pid;
    put_ret(pid, start_errno);
    got = waitpid(pid, &status, W_ALL);
    put("blocking-wait=%s", got == pid
        ? fmt("reaped/%s", status_name(status))
        : fmt("%d/%s", (int)got, errno_name(errno)));
    put_waited();
}

static void init_reaps(const struct arg *arg)
{
    (void)arg;
    put("pid1-reaps=%s", wait_for(sh->child, W_ALL | WNOHANG));
}

void section_dispositions(void)
{
    static const char *const names[] = {"SIGCHLD=IGN", "NOCLDWAIT+DFL",
                                        "NOCLDWAIT+handler"};
    static const int sigs[] = {0, SIGCHLD, SIGUSR1, 33};
    struct arg arg = {0, 0, 0, 0, NULL};
    int i;

    arg.a = SOON;
    for (arg.b = IGNORED; arg.b <= NOWAIT_HANDLER; arg.b++)
        for (i = 0; i < 4; i++) {
            arg.sig = sigs[i];
            run_case(9, fmt("%s/%s", names[arg.b], sig_name(arg.sig)),
                     run_disposed, init_reaps, &arg);
            run_case(9, fmt("%s/%s,blocking", names[arg.b],
                            sig_name(arg.sig)),
                     run_disposed_blocking, init_reaps, &arg);
        }
}
