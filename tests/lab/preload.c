/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Copyright (c) 2026 The nbclone developers */
/*
 * A dynamic program as any other: it asks libc for clone() and knows nothing of
 * the library that is preloaded. Its output is TAP. What it looks at is only that
 * the preload takes effect and works; the conformance suite does the rest.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

enum { STACK = 64 * 1024, ANSWER = 42 };

static char stack[STACK] __attribute__((aligned(16)));
static volatile int seen;
static int cases, failed;

static void check(const char *name, int good)
{
    printf("%sok %d - preload: %s\n", good ? "" : "not ", ++cases, name);
    failed += !good;
}

static int child(void *arg)
{
    seen = *(int *)arg;
    return ANSWER;
}

/* 1 if clone() refuses these flags with EINVAL; a child that did start is reaped. */
static int refused(int flags)
{
    int value = 1;
    pid_t pid;

    errno = 0;
    pid = clone(child, stack + STACK, flags | SIGCHLD, &value);
    if (pid > 0)
        waitpid(pid, NULL, __WALL);
    return pid == -1 && errno == EINVAL;
}

/* 1 if the child ran, returned its value as its exit status, and wrote where it should. */
static int started(int flags, int shared)
{
    int value = 7, status = 0;
    pid_t pid;

    seen = 0;
    pid = clone(child, stack + STACK, flags | SIGCHLD, &value);
    if (pid < 0 || waitpid(pid, &status, __WALL) != pid)
        return 0;
    return WIFEXITED(status) && WEXITSTATUS(status) == ANSWER && seen == (shared ? value : 0);
}

/* 1 if the library is mapped: LD_PRELOAD of a file that won't load is only a warning. */
static int loaded(void)
{
    char line[512];
    int found = 0;
    FILE *maps = fopen("/proc/self/maps", "r");

    while (maps && fgets(line, sizeof line, maps))
        found |= strstr(line, "libnbclone") != NULL;
    if (maps)
        fclose(maps);
    return found;
}

int main(void)
{
    setvbuf(stdout, NULL, _IOLBF, 0);
    printf("1..7\n");
    check("the library is loaded", loaded());
    /* The policy's own answer: Linux would start a child in a namespace of its own. */
    check("CLONE_NEWUTS is refused", refused(CLONE_NEWUTS));
    check("CLONE_PTRACE is refused", refused(CLONE_PTRACE));
    check("CLONE_SIGHAND without CLONE_VM is refused", refused(CLONE_SIGHAND));
    check("a child with memory of its own", started(0, 0));
    check("a child with CLONE_VM", started(CLONE_VM, 1));
    check("a child with CLONE_VM and CLONE_VFORK", started(CLONE_VM | CLONE_VFORK, 1));
    printf("# preload: done passed=%d failed=%d skipped=0\n", cases - failed, failed);
    return failed != 0;
}
