/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Copyright (c) 2026 The nbclone developers */
/* stack.c: section 4: NULL, misaligned, unusable and absent stacks. */
#include "probe.h"
#include <sys/mman.h>

enum { NO_FUNC = 1, NO_STACK = 2 };

static void run_null(const struct arg *arg)
{
    char *stack = arg->a & NO_STACK ? NULL : stack_top(0);
    pid_t pid;

    stack_fill();
    pid = start_on(stack, arg->a & NO_FUNC ? NULL : exit_with,
                   arg->flags | (unsigned)arg->sig, AS_ARG(7));
    put_ret(pid, start_errno);
    put("stk=%s", stack_below());
}

/* The stack pointer at func's first instruction. */
static int where(void *p)
{
    char *frame = __builtin_frame_address(0);

#if defined(__x86_64__) || defined(__i386__)
    frame += sizeof(void *); /* over the saved frame pointer */
#endif
    sh->v[1] = p == (void *)sh;
    sh->v[0] = (int)((uintptr_t)frame % 4096);
    return 5;
}

static void run_misaligned(const struct arg *arg)
{
    char *stack = stack_top(0) - arg->a;
    const char *reaped;
    pid_t pid;

    stack_fill();
    pid = start_on(stack, where, VM | SIGCHLD, sh);
    reaped = wait_for(pid, W_ALL);
    put_ret(pid, start_errno);
    put("stack-sp=%d", (int)(((uintptr_t)stack - (uintptr_t)sh->v[0]) % 4096));
    put("sp%%16=%d", sh->v[0] % 16);
    put("arg=%s", sh->v[1] ? "ok" : "wrong");
    put("reap=%s", reaped);
    put("abovestack=%s", stack_above(stack));
}

static void run_raw(const struct arg *arg)
{
    const char *reap0, *reap;
    pid_t pid;

    pid = raw_clone(arg->flags | (unsigned)arg->sig);
    if (pid == 0) {
        sh->ran = 1;
        mem = 1;
        _exit(6);
    }
    put_ret(pid, errno);
    reap0 = wait_for(pid, 0);
    reap = wait_for(pid, W_ALL);
    put("ran=%d", sh->ran);
    put("mem=%d", mem);
    put("sig=%s", take_signals(pid));
    put("reap0=%s", reap0);
    put("reap=%s", reap);
}

static void run_unusable(const struct arg *arg)
{
    size_t page = (size_t)sysconf(_SC_PAGESIZE);
    char *stack = (char *)(uintptr_t)arg->a;
    pid_t pid;

    if (!stack) {
        stack = mmap(NULL, 2 * page, PROT_READ | PROT_WRITE,
                     MAP_PRIVATE | MAP_ANON, -1, 0);
        mprotect(stack, page, PROT_NONE);
        stack += page;
    }
    pid = start_on(stack, exit_with, SIGCHLD, AS_ARG(5));
    put_ret(pid, start_errno);
    if (pid > 0)
        put("reap=%s", wait_for(pid, W_ALL));
}

static void one(const char *name, step_fn run, unsigned flags, int sig, int a)
{
    struct arg arg = {0, 0, 0, 0, NULL};

    arg.flags = flags, arg.sig = sig, arg.a = a;
    run_case(4, name, run, NULL, &arg);
}

void section_stack(void)
{
    int i;

    one("func=NULL", run_null, 0, SIGCHLD, NO_FUNC);
    one("stack=NULL", run_null, 0, SIGCHLD, NO_STACK);
    one("func=NULL,stack=NULL", run_null, 0, SIGCHLD, NO_FUNC | NO_STACK);
    one("func=NULL,badflags", run_null, SIGHAND, 255, NO_FUNC);
    one("func=NULL,VM|VFORK", run_null, VM | VFORK, SIGCHLD, NO_FUNC);
    one("stack=NULL,VM|VFORK", run_null, VM | VFORK, SIGCHLD, NO_STACK);
    for (i = 0; i <= 17; i++)
        one(fmt("misaligned-by-%02d", i), run_misaligned, 0, 0, i);
    one("raw,stack=0,CHLD", run_raw, 0, SIGCHLD, 0);
    one("raw,stack=0,0", run_raw, 0, 0, 0);
    one("raw,stack=0,USR1", run_raw, 0, SIGUSR1, 0);
    one("raw,stack=0,VFORK,CHLD", run_raw, VFORK, SIGCHLD, 0);
    one("raw,stack=0,FS|FILES,CHLD", run_raw, FS | FILES, SIGCHLD, 0);
    one("stack-just-above-unwritable-page", run_unusable, 0, 0, 0);
    one("stack=1", run_unusable, 0, 0, 1);
    one("stack=4", run_unusable, 0, 0, 4);
    one("stack=16", run_unusable, 0, 0, 16);
}
