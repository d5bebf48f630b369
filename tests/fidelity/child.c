/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Copyright (c) 2026 The nbclone developers */
/* child.c: stacks, the call itself, and the children used everywhere. */
#include "probe.h"

#define SIZE 65536
#define ABOVE 64
#define BELOW 512

static char stacks[STACKS][SIZE + ABOVE] __attribute__((aligned(64)));
static unsigned char pattern = 0xa5;
volatile int mem;
int start_errno, errno_before;

/* The address to hand to clone(): ABOVE bytes of the block lie over it. */
char *stack_top(int n)
{
    return stacks[n] + SIZE;
}

void stack_fill(void)
{
    memset(stack_top(0) - BELOW, pattern, BELOW + ABOVE);
}

/* Which bytes below the stack argument a call has changed. */
const char *stack_below(void)
{
    const unsigned char *top = (unsigned char *)stack_top(0);
    int first = 0, last = 0, changed = 0, i;

    for (i = -BELOW; i < 0; i++) {
        if (top[i] == pattern)
            continue;
        if (!changed++)
            first = i;
        last = i;
    }
    return changed ? fmt("%d..%d(%d)", first, last, changed) : "untouched";
}

const char *stack_above(char *from)
{
    const char *end = stack_top(0) + ABOVE;

    for (; from < end; from++)
        if ((unsigned char)*from != pattern)
            return "written";
    return "untouched";
}

/* The pattern has no value that a libc may store there: every store shows. */
static void choose_pattern(int (*fn)(void *), void *arg)
{
    unsigned char bytes[sizeof fn + sizeof arg];

    memcpy(bytes, &fn, sizeof fn);
    memcpy(bytes + sizeof fn, &arg, sizeof arg);
    for (pattern = 0xa5; memchr(bytes, pattern, sizeof bytes); pattern++)
        ;
}

/*
 * The call.  Linux's own clone takes three more arguments; they are given
 * where the host has them, valid but for the thread pointer, so that a flag
 * that reads them does the same at every call.
 */
pid_t start_on(char *stack, int (*fn)(void *), unsigned flags, void *arg)
{
    pid_t pid;
#ifdef __linux__
    static int parent_tid, child_tid;
#endif

    errno = errno_before;
#ifdef __linux__
    pid = clone(fn, stack, (int)flags, arg, &parent_tid, NULL, &child_tid);
#else
    pid = clone(fn, stack, (int)flags, arg);
#endif
    start_errno = errno;
    return pid;
}

pid_t start(int (*fn)(void *), unsigned flags, void *arg)
{
    choose_pattern(fn, arg);
    stack_fill();
    return start_on(stack_top(0), fn, flags, arg);
}

/* In the child: let the parent return first, if it can. */
void hold(unsigned flags)
{
    wait_flag(&sh->returned, flags & VFORK ? SOON : LATE);
    sh->done = 1;
}

int exit_with(void *code)
{
    return (int)(intptr_t)code;
}

int exit_when_told(void *code)
{
    wait_flag(&sh->go, LATE);
    return (int)(intptr_t)code;
}

int signal_oneself(void *arg)
{
    (void)arg;
    unblock(SIGUSR2);
    kill(getpid(), SIGUSR2);
    return 0;
}
