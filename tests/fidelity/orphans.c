/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Copyright (c) 2026 The nbclone developers */
/* orphans.c: section 11: a grandchild's parent, before and after the child ends. */
#include "probe.h"

static int grandchild(void *p)
{
    const struct arg *arg = p;

    mem = 1;
    sh->cppid = getppid();
    sh->step = 1;
    /* A grandchild that blocks its parent cannot outlive it. */
    wait_flag(&sh->go, arg->b & (int)VFORK ? SOON : LATE);
    sh->v[0] = getppid();
    return 11;
}

static int child(void *p)
{
    const struct arg *arg = p;
    pid_t pid;

    sh->child = getpid();
    pid = start_on(stack_top(1), grandchild,
                   (unsigned)arg->b | (unsigned)arg->sig, p);
    sh->v[1] = errno;
    sh->grandchild = pid;
    if (pid > 0)
        wait_flag(&sh->step, LATE);
    if (arg->a) {
        int status = 0;

        sh->go = 1;
        sh->v[2] = waitpid(pid, &status, W_ALL) == pid;
        sh->v[3] = status;
    }
    return 4;
}

static void run_family(const struct arg *arg)
{
    const char *reaped;
    pid_t pid;

    pid = start(child, arg->flags | SIGCHLD, (void *)arg);
    reaped = wait_for(pid, W_ALL);
    put_ret(pid, start_errno);
    if (sh->grandchild > 0)
        put("gret=pid");
    else
        put("gret=-1/%s", errno_name(sh->v[1]));
    put("g-first-ppid=%s", sh->cppid == sh->child ? "child" : "other");
    if (arg->a)
        put("reaped-by-child=%d:%s", sh->v[2], status_name(sh->v[3]));
    put("me-wait-grandchild=%s", wait_for(sh->grandchild, W_ALL | WNOHANG));
    put("reap=%s", reaped);
    put("sig=%s", take_signals(pid));
    if (arg->a)
        put("mem=%d", mem);
}

/* In process 1: the grandchild is ours now. */
static void adopt(const struct arg *arg)
{
    const char *w0, *wall;
    int parent;

    (void)arg;
    sh->go = 1;
    w0 = wait_for(sh->grandchild, 0);
    parent = sh->v[0];
    wall = wait_for(sh->grandchild, W_ALL);
    put("g-later-ppid=%s", parent == 1 ? "init" : "other");
    put("init-sig=%s", take_signals(sh->grandchild));
    put("init-w0=%s", w0);
    put("init-wall=%s", wall);
}

static int wait_for_sibling(void *p)
{
    pid_t sibling = (pid_t)(intptr_t)p;

    sh->v[0] = waitpid(sibling, NULL, W_ALL);
    sh->v[1] = errno;
    return 0;
}

static void run_sibling(const struct arg *arg)
{
    pid_t one, two;

    one = start(exit_when_told, arg->flags | SIGCHLD, AS_ARG(7));
    put_ret(one, start_errno);
    two = start_on(stack_top(1), wait_for_sibling, arg->flags | SIGCHLD,
                   AS_ARG(one));
    wait_for(two, W_ALL);
    put("sibling-wait=%d/%s", sh->v[0], errno_name(sh->v[1]));
    sh->go = 1;
    put("mine=%s", wait_for(one, W_ALL));
}

void section_orphans(void)
{
    static const unsigned flags[] = {0, VM, VM | VFORK};
    static const int sigs[] = {0, SIGCHLD, SIGUSR1, 33};
    struct arg arg = {0, 0, 0, 0, NULL};
    int i;

    for (i = 0; i < 12; i++) {
        const char *name;

        arg.flags = flags[i / 4], arg.sig = sigs[i % 4];
        name = case_name(arg.flags, arg.sig);
        arg.a = 0;
        run_case(11, fmt("orphan,%s", name), run_family, adopt, &arg);
        arg.a = 1;
        run_case(11, fmt("child-reaps-grandchild,%s", name), run_family, NULL,
                 &arg);
    }
    arg.flags = 0, arg.sig = SIGUSR1, arg.a = 0, arg.b = (int)VFORK;
    run_case(11, "child-none,grandchild-VFORK/USR1", run_family, adopt, &arg);
    arg.b = 0;
    run_case(11, "sibling-wait,none", run_sibling, NULL, &arg);
    arg.flags = VM | SIGHAND;
    run_case(11, "sibling-wait,VM|SIGHAND", run_sibling, NULL, &arg);
}
