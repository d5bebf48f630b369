/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Copyright (c) 2026 The nbclone developers */
/* vforks.c: section 13: whether zombie and signal are there when VFORK returns. */
#include "probe.h"

static const char *often(int n, int of)
{
    return n == of ? "always" : n ? "sometimes" : "never";
}

static void run_at_return(const struct arg *arg)
{
    int zombie = 0, not_yet = 0, bad = 0, no_signal = 0, i;

    for (i = 0; i < arg->a; i++) {
        pid_t pid = start(exit_with, arg->flags | (unsigned)arg->sig,
                          AS_ARG(7)), got;
        sigset_t set;

        sigemptyset(&set);
        sigpending(&set);
        got = waitpid(pid, NULL, W_ALL | WNOHANG);
        no_signal += sigismember(&set, arg->sig) != 1;
        zombie += got == pid;
        not_yet += got == 0;
        bad += got == -1;
        if (got == 0)
            wait_for(pid, W_ALL);
        take_signals(pid);
    }
    put("n=%d", arg->a);
    put("zombie-at-return=%s", often(zombie, arg->a));
    put("signal-pending-at-return=%s", often(arg->a - no_signal, arg->a));
    put("counts=z%d/notyet%d/bad%d/nosig%d", zombie, not_yet, bad, no_signal);
}

void section_vfork_return(void)
{
    static const struct arg cases[] = {
        {VM | VFORK, SIGCHLD, 60, 0, NULL},
        {VM | VFORK, SIGUSR1, 60, 0, NULL},
        {VFORK, SIGCHLD, 60, 0, NULL},
    };
    int i;

    for (i = 0; i < 3; i++)
        run_case(13, fmt("state-at-vfork-return,%s",
                         case_name(cases[i].flags, cases[i].sig)),
                 run_at_return, NULL, &cases[i]);
}
