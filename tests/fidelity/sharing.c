/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Copyright (c) 2026 The nbclone developers */
/* sharing.c: section 12: root, limits, ids, descriptors, mappings. */
#include "probe.h"
#include <sys/mman.h>

#define SHARED (VM | FS | FILES | SIGHAND)

static int change_root(void *p)
{
    (void)p;
    sh->v[0] = chroot("/tmp");
    return 0;
}

static void run_chroot(const struct arg *arg)
{
    struct stat before, after;
    pid_t pid;

    stat("/", &before);
    pid = start(change_root, arg->flags | SIGCHLD, NULL);
    wait_for(pid, W_ALL);
    stat("/", &after);
    put_ret(pid, start_errno);
    put("chroot=%d", sh->v[0]);
    put("parent-root-changed=%d", before.st_ino != after.st_ino
        || before.st_dev != after.st_dev);
}

static int change_oneself(void *p)
{
    struct rlimit rl;

    (void)p;
    getrlimit(RLIMIT_NOFILE, &rl);
    rl.rlim_cur = 77;
    setrlimit(RLIMIT_NOFILE, &rl);
    if (nice(5) == -1)
        sh->v[2] = -1;
    setpgid(0, 0);
    if (setuid(1001))
        sh->v[2] = -1;
    sh->v[0] = (int)getuid();
    sh->v[1] = getpgrp() == getpid();
    return 0;
}

static void run_process_state(const struct arg *arg)
{
    struct rlimit rl;
    int nice_before = getpriority(PRIO_PROCESS, 0);
    pid_t pid;

    pid = start(change_oneself, arg->flags | SIGCHLD, NULL);
    wait_for(pid, W_ALL);
    getrlimit(RLIMIT_NOFILE, &rl);
    put_ret(pid, start_errno);
    put("rlimit-shared=%d", rl.rlim_cur == 77);
    put("nice-shared=%d", getpriority(PRIO_PROCESS, 0) != nice_before);
    put("uid-shared=%d", getuid() != 0);
    put("child-uid=%d", sh->v[0]);
    put("child-own-pgrp=%d", sh->v[1]);
}

enum { FD_OURS = 20, FD_TO_CLOSE, FD_NEW };

static int use_descriptors(void *p)
{
    (void)p;
    dup2(FD_OURS, FD_NEW);
    fcntl(FD_OURS, F_SETFD, FD_CLOEXEC);
    sh->step = 1;
    wait_flag(&sh->go, LATE);
    sh->v[0] = fcntl(FD_TO_CLOSE, F_GETFD) == -1;
    return 0;
}

static void run_descriptors(const struct arg *arg)
{
    int null = open("/dev/null", O_RDWR);
    pid_t pid;

    dup2(null, FD_OURS);
    dup2(null, FD_TO_CLOSE);
    pid = start(use_descriptors, arg->flags | SIGCHLD, NULL);
    put_ret(pid, start_errno);
    wait_flag(&sh->step, LATE);
    put("child-new-fd-in-parent=%d", fcntl(FD_NEW, F_GETFD) != -1);
    put("child-cloexec-in-parent=%d", fcntl(FD_OURS, F_GETFD) == FD_CLOEXEC);
    close(FD_TO_CLOSE);
    sh->go = 1;
    wait_for(pid, W_ALL);
    put("parent-close-in-child=%d", sh->v[0]);
    put("fd-after-child-exit=%d", fcntl(FD_NEW, F_GETFD) != -1);
}

static int *volatile mapped;

static int map_memory(void *p)
{
    int *new = mmap(NULL, 4096, PROT_READ | PROT_WRITE,
                    MAP_PRIVATE | MAP_ANON, -1, 0);

    (void)p;
    *new = 42;
    mapped = new;
    return 0;
}

static void run_mmap(const struct arg *arg)
{
    pid_t pid;

    pid = start(map_memory, arg->flags | SIGCHLD, NULL);
    wait_for(pid, W_ALL);
    put_ret(pid, start_errno);
    put("child-mmap-in-parent-after-exit=%d", mapped && *mapped == 42);
}

static int outlive_parent(void *p)
{
    (void)p;
    wait_flag(&sh->go, LATE);
    sh->v[0] = getppid();
    sh->done = 1;
    return 0;
}

static void run_parent_exits(const struct arg *arg)
{
    sh->child = start(outlive_parent, arg->flags | (unsigned)arg->sig, NULL);
    put_ret(sh->child, start_errno);
}

static void adopt(const struct arg *arg)
{
    const char *w0;

    (void)arg;
    sh->go = 1;
    w0 = wait_for(sh->child, 0);
    put("child-survived=%d", sh->done);
    put("ppid-then=%s", sh->v[0] == 1 ? "init" : "other");
    put("init-sig=%s", take_signals(sh->child));
    put("init-w0=%s", w0);
}

/* a: so many children with one signal; b: the 30-children case's format */
static void run_many(const struct arg *arg)
{
    int i, reaped = 0, signals;

    for (i = 0; i < arg->a; i++)
        if (start(exit_with, (unsigned)arg->sig, AS_ARG(0)) == -1)
            break;
    while (waitpid(-1, NULL, W_ALL) > 0)
        reaped++;
    signals = count_signals(arg->sig);
    if (arg->b) {
        put("usr1-queued=%d", signals);
        put("n=%d", i);
    } else {
        put("children=%d", i);
        put("signals-queued=%d", signals);
    }
    put("reaped=%d", reaped);
}

static void run_blocked_default(const struct arg *arg)
{
    const char *reaped;
    pid_t pid;

    set_disposition(arg->sig, SIG_DFL, 0);
    pid = start(exit_with, (unsigned)arg->sig, AS_ARG(7));
    reaped = wait_for(pid, W_ALL);
    put_ret(pid, start_errno);
    put("sig=%s", take_signals(pid));
    put("reap=%s", reaped);
}

static void one(int section, const char *name, step_fn run, step_fn post,
                unsigned flags, int sig, int a, int b)
{
    struct arg arg;

    arg.flags = flags, arg.sig = sig, arg.a = a, arg.b = b, arg.s = NULL;
    run_case(section, name, run, post, &arg);
}

void section_sharing(void)
{
    static const unsigned roots[] = {0, FS, VM, VM | FS | VFORK};
    int i;

    for (i = 0; i < 4; i++)
        one(12, fmt("chroot,%s", flag_names(roots[i])), run_chroot, NULL,
            roots[i], 0, 0, 0);
    one(12, "rlimit/nice/uid,none", run_process_state, NULL, 0, 0, 0, 0);
    one(12, "rlimit/nice/uid,all-shared", run_process_state, NULL, SHARED, 0,
        0, 0);
    one(12, "fdtable,none", run_descriptors, NULL, 0, 0, 0, 0);
    one(12, "fdtable,FILES", run_descriptors, NULL, FILES, 0, 0, 0);
    one(12, "fdtable,FILES|VM", run_descriptors, NULL, FILES | VM, 0, 0, 0);
    one(12, "child-mmap,VM", run_mmap, NULL, VM, 0, 0, 0);
    one(12, "parent-exits-first,VM/USR1", run_parent_exits, adopt, VM,
        SIGUSR1, 0, 0);
    one(12, "parent-exits-first,all/0", run_parent_exits, adopt, SHARED, 0, 0,
        0);
    one(12, "parent-exits-first,none/33", run_parent_exits, adopt, 0, 33, 0,
        0);
    one(12, "30-children-USR1", run_many, NULL, 0, SIGUSR1, 30, 1);
    one(12, "SIGCHLD-blocked-and-DFL/CHLD", run_blocked_default, NULL, 0,
        SIGCHLD, 0, 0);
    one(12, "SIGURG-blocked-and-DFL/URG", run_blocked_default, NULL, 0,
        SIGURG, 0, 0);
    one(12, "USR1-blocked-and-DFL/USR1", run_blocked_default, NULL, 0,
        SIGUSR1, 0, 0);
}

void section_queues(void)
{
    static const int sigs[] = {SIGUSR1, SIGCHLD, 40, 63};
    int i;

    for (i = 0; i < 4; i++)
        one(13, fmt("10-children-exitsig-%s", sig_name(sigs[i])), run_many,
            NULL, 0, sigs[i], 10, 0);
}
