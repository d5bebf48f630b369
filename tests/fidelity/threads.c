/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Copyright (c) 2026 The nbclone developers */
/* threads.c: section 14: clone() in a process that has two threads. */
#include "probe.h"
#include <pthread.h>

enum { BEATS, THREAD_PID, CHILD_SAW, BEATS_AT_CALL, BEATS_AT_RETURN };

static volatile int beats, stop;

static void *beat(void *p)
{
    (void)p;
    while (!stop) {
        beats++;
        sh->v[THREAD_PID] = getpid();
        sh->v[BEATS]++;
        sched_yield();
    }
    return NULL;
}

/* Until the parent's other thread has run, as all processes can see. */
static void see_it_run(void)
{
    int from = sh->v[BEATS], i;

    for (i = 0; i < 1000 && sh->v[BEATS] < from + 3; i++)
        wait_flag(&stop, 5);
}

static int watch(void *p)
{
    const struct arg *arg = p;
    int seen = beats;

    see_it_run();
    sh->v[CHILD_SAW] = beats != seen;
    sh->cpid = getpid();
    hold(arg->flags);
    errno = 99;
    return 5;
}

static void run_threaded(const struct arg *arg)
{
    int blocked, before, after, joined;
    const char *reaped;
    pthread_t other;
    pid_t pid;

    pthread_create(&other, NULL, beat, NULL);
    wait_flag(&sh->v[BEATS], LATE);
    before = sh->v[BEATS];
    pid = start(watch, arg->flags | SIGUSR1, (void *)arg);
    blocked = sh->done;
    after = sh->v[BEATS];
    put("errno-after=%d", start_errno);
    put_ret(pid, start_errno);
    sh->returned = 1;
    reaped = wait_for(pid, W_ALL);
    put("blocked=%d", blocked);
    put("other-thread-ran-while-blocked=%d", blocked && after > before);
    put("child-saw-thread-running=%d", sh->v[CHILD_SAW]);
    put("thread-pid-is-child=%d", sh->v[THREAD_PID] == sh->cpid);
    stop = 1;
    joined = !pthread_join(other, NULL);
    put("sig=%s", take_signals(pid));
    put("reap=%s", reaped);
    put("joined=%d", joined);
}

static void *call_clone(void *p)
{
    const struct arg *arg = p;
    pid_t pid;

    sh->v[BEATS_AT_CALL] = sh->v[BEATS];
    pid = start(watch, arg->flags | SIGUSR1, p);
    sh->v[BEATS_AT_RETURN] = sh->v[BEATS];
    sh->step = sh->done;
    sh->child = pid;
    sh->returned = 1;
    return NULL;
}

static void run_second(const struct arg *arg)
{
    const char *reaped;
    pthread_t other;

    pthread_create(&other, NULL, call_clone, (void *)arg);
    while (!sh->returned) {
        beats++;
        sh->v[BEATS]++;
        sched_yield();
    }
    /* The child of a caller that isn't blocked waits for beats, too. */
    while (!sh->done) {
        sh->v[BEATS]++;
        sched_yield();
    }
    pthread_join(other, NULL);
    reaped = wait_for(sh->child, W_ALL);
    put("cloning-thread-blocked=%d", sh->step);
    put("main-ran-meanwhile=%d",
        sh->step && sh->v[BEATS_AT_RETURN] > sh->v[BEATS_AT_CALL]);
    put("sig=%s", take_signals(sh->child));
    put("reap-by-main=%s", reaped);
}

void section_threads(void)
{
    static const unsigned flags[] = {0, VM, VFORK, VM | VFORK,
                                     VM | FS | FILES | SIGHAND};
    struct arg arg = {0, 0, 0, 0, NULL};
    int i;

    for (i = 0; i < 5; i++) {
        arg.flags = flags[i];
        run_case(14, fmt("threaded-parent,%s", flag_names(arg.flags)),
                 run_threaded, NULL, &arg);
        run_case(14, fmt("clone-by-2nd-thread,%s", flag_names(arg.flags)),
                 run_second, NULL, &arg);
    }
}
