/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Copyright (c) 2026 The nbclone developers */
/* limits.c: section 7: ids, errno, and the limit of processes. */
#include "probe.h"

static int tell_ids(void *p)
{
    (void)p;
    errno = 123;
    sh->cpid = getpid();
    sh->cppid = getppid();
    sh->v[0] = getpgrp();
    sh->v[1] = getsid(0);
    return 0;
}

static void run_ids(const struct arg *arg)
{
    const char *reaped;
    pid_t pid;
    int seen;

    pid = start(tell_ids, arg->flags | (unsigned)arg->sig, NULL);
    reaped = wait_for(pid, W_ALL);
    seen = errno;
    put_ret(pid, start_errno);
    put("errno-in-parent=%d", seen);
    put("pid=ret=%d", sh->cpid == pid);
    put("ppid=%s", sh->cppid == getpid() ? "me" : "other");
    put("pgrp=%s", sh->v[0] == getpgrp() ? "same" : "other");
    put("sid=%s", sh->v[1] == getsid(0) ? "same" : "other");
    put("reap=%s", reaped);
}

static void limit(int processes, int as_user)
{
    struct rlimit rl;

    rl.rlim_cur = rl.rlim_max = (rlim_t)processes;
    if (setrlimit(RLIMIT_NPROC, &rl) || (as_user && setuid(nobodys_uid)))
        _exit(3);
}

static void run_limited(const struct arg *arg)
{
    pid_t pid;

    if (arg->a)
        limit(1, strcmp(arg->s, "root") != 0);
    pid = start(exit_with, arg->flags | (unsigned)arg->sig, AS_ARG(7));
    put_ret(pid, start_errno);
    put("stk=%s", stack_below());
    if (pid > 0)
        put("reap=%s", wait_for(pid, W_ALL));
    if (!strcmp(arg->s, "fork")) {
        pid = fork();
        if (pid == 0)
            _exit(0);
        put("fork=%d/%s", (int)pid, errno_name(errno));
    }
}

static void run_several(const struct arg *arg)
{
    int n, count = 0;
    pid_t pid[STACKS];

    limit(3, 1);
    put("limit=3");
    for (n = 0; n < STACKS; n++) {
        pid[n] = start_on(stack_top(n), exit_when_told,
                          arg->flags | (unsigned)arg->sig, AS_ARG(7));
        if (pid[n] == -1)
            break;
    }
    put("clones-ok=%d", n);
    put("then=%s", n < STACKS ? errno_name(start_errno) : "no-failure");
    sh->go = 1;
    if (arg->a) {
        int i;

        for (i = 0; i < n; i++)
            wait_zombie(pid[i]);
        pid[n] = start(exit_with, (unsigned)SIGCHLD, AS_ARG(7));
        for (i = 0; i < n; i++)
            count += !strcmp(wait_for(pid[i], W_ALL), "exit7");
        put("zombies-count=%d", count);
        put("clone-with-only-zombies=%s",
            pid[n] == -1 ? errno_name(start_errno) : "works");
    }
}

void section_limits(void)
{
    struct arg arg = {0, 0, 0, 0, NULL};

    arg.sig = SIGCHLD;
    run_case(7, "ids,none", run_ids, NULL, &arg);
    arg.flags = VM;
    run_case(7, "ids,VM", run_ids, NULL, &arg);
    arg.flags = VM | VFORK, arg.sig = 0;
    run_case(7, "ids,VM|VFORK/0", run_ids, NULL, &arg);

    arg.a = 1;
    arg.flags = 0, arg.sig = SIGCHLD, arg.s = "fork";
    run_case(7, "NPROC=1,uid1000,none", run_limited, NULL, &arg);
    arg.s = "";
    arg.flags = VM;
    run_case(7, "NPROC=1,uid1000,VM", run_limited, NULL, &arg);
    arg.flags = VM | VFORK;
    run_case(7, "NPROC=1,uid1000,VM|VFORK", run_limited, NULL, &arg);
    arg.flags = SIGHAND, arg.sig = 255;
    run_case(7, "NPROC=1,uid1000,badflags", run_limited, NULL, &arg);
    arg.flags = 0, arg.sig = SIGCHLD, arg.s = "root";
    run_case(7, "NPROC=1,root", run_limited, NULL, &arg);

    arg.a = 0;
    arg.flags = VM, arg.sig = SIGUSR1;
    run_case(7, "NPROC=3,uid1000,VM/USR1", run_several, NULL, &arg);
    arg.flags = 0, arg.sig = SIGCHLD, arg.a = 1;
    run_case(7, "NPROC=3,uid1000,none/CHLD,zombies", run_several, NULL, &arg);

    arg.flags = SIGHAND, arg.a = 0, arg.s = "";
    run_case(7, "fill-after-EINVAL", run_limited, NULL, &arg);
}
