/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Copyright (c) 2026 The nbclone developers */
/* flags.c: sections 1 to 3: flags, exit signals, every other bit. */
#include "probe.h"

enum { FD_TO_CLOSE = 20, FD_TO_MAKE, FD_KEPT };

static int change_everything(void *p)
{
    const struct arg *arg = p;

    sh->ran = 1;
    sh->cpid = getpid();
    sh->cppid = getppid();
    mem = 1;
    sh->v[0] = chdir("/tmp");
    umask(077);
    close(FD_TO_CLOSE);
    dup2(FD_KEPT, FD_TO_MAKE);
    set_handler(SIGUSR2, 0);
    hold(arg->flags);
    return 7;
}

static const char *wait_for_another(const struct arg *arg, int any, int options)
{
    pid_t pid = start(exit_with, arg->flags | (unsigned)arg->sig, AS_ARG(7));
    const char *got = wait_for(any ? -1 : pid, options);

    if (strncmp(got, "exit", 4))
        wait_for(pid, W_ALL);
    return got;
}

static void put_waits(const struct arg *arg)
{
    put("w0=%s", wait_for_another(arg, 0, 0));
    put("wclone=%s", wait_for_another(arg, 0, W_CLONE));
    put("wall=%s", wait_for_another(arg, 0, W_ALL));
}

static void run_flags(const struct arg *arg)
{
    int blocked, null = open("/dev/null", O_RDWR);
    const char *reaped, *signals;
    struct stat before, after;
    pid_t pid;

    dup2(null, FD_TO_CLOSE);
    dup2(null, FD_KEPT);
    stat(".", &before);
    pid = start(change_everything, arg->flags | (unsigned)arg->sig,
                (void *)arg);
    blocked = sh->done;
    sh->returned = 1;
    put_ret(pid, start_errno);
    if (pid == -1) {
        put("stk=%s", stack_below());
        return;
    }
    reaped = wait_for(pid, W_ALL);
    signals = take_signals(pid);
    stat(".", &after);
    put("blocked=%d", blocked);
    put("ran=%d", sh->ran);
    put("pidmatch=%d", sh->cpid == pid);
    put("ppid=%s", sh->cppid == getpid() ? "me" : "other");
    put("mem=%d", mem);
    put("cwd=%d", before.st_ino != after.st_ino
        || before.st_dev != after.st_dev);
    put("umask=%d", umask(022) != 022);
    put("fdclose=%d", fcntl(FD_TO_CLOSE, F_GETFD) == -1);
    put("fddup=%d", fcntl(FD_TO_MAKE, F_GETFD) != -1);
    put("sigact=%d", strcmp(disposition(SIGUSR2), "DFL") != 0);
    put("sig=%s", signals);
    put("reap=%s", reaped);
    put_waits(arg);
    put("any0=%s", wait_for_another(arg, 1, 0));
    put("anyclone=%s", wait_for_another(arg, 1, W_CLONE));
    put("anyall=%s", wait_for_another(arg, 1, W_ALL));
}

void section_flags(void)
{
    static const unsigned bits[] = {VM, FS, FILES, SIGHAND, VFORK};
    static const int sigs[] = {0, SIGCHLD, SIGUSR1, 33, 63};
    struct arg arg = {0, 0, 0, 0, NULL};
    int combination, i;

    for (combination = 0; combination < 32; combination++)
        for (i = 0; i < 5; i++) {
            int bit;

            arg.flags = 0;
            for (bit = 0; bit < 5; bit++)
                if (combination >> bit & 1)
                    arg.flags |= bits[bit];
            arg.sig = sigs[i];
            run_case(1, case_name(arg.flags, arg.sig), run_flags, NULL, &arg);
        }
}

static void run_exit_byte(const struct arg *arg)
{
    pid_t pid;
    const char *reaped;

    pid = start(exit_with, arg->flags | (unsigned)arg->sig, AS_ARG(7));
    put_ret(pid, start_errno);
    if (pid == -1) {
        put("stk=%s", stack_below());
        return;
    }
    reaped = wait_for(pid, W_ALL);
    put("sig=%s", take_signals(pid));
    put("reap=%s", reaped);
    put_waits(arg);
}

void section_exit_byte(void)
{
    static const int bytes[] = {1, 2, 31, 32, 34, 62, 64, 65, 66, 100, 127,
                                128, 129, 148, 192, 254, 255};
    struct arg arg = {0, 0, 0, 0, NULL};
    size_t i;

    for (i = 0; i < sizeof bytes / sizeof bytes[0]; i++) {
        arg.sig = bytes[i];
        run_case(2, fmt("none/byte%d", arg.sig), run_exit_byte, NULL, &arg);
    }
    arg.flags = VM | VFORK, arg.sig = 64;
    run_case(2, "VM|VFORK/byte64", run_exit_byte, NULL, &arg);
    arg.flags = SIGHAND, arg.sig = 255;
    run_case(2, "SIGHAND/byte255", run_exit_byte, NULL, &arg);
}

/*
 * A function of its own, so that errno's address isn't taken any earlier. It reads
 * only: a child that shares memory has its parent's errno, which the parent may be
 * about to look at.
 */
__attribute__((noinline)) static int touch_errno(void)
{
    return *(volatile int *)&errno;
}

/*
 * First the parent goes on, then this child reads its thread-local errno:
 * without a valid thread pointer (CLONE_SETTLS) it ends here.
 */
static int look_around(void *p)
{
    const struct arg *arg = p;

    wait_flag(&sh->returned, arg->flags & VFORK ? SOON : LATE);
    (void)touch_errno();
    mem = 1;
    sh->cpid = getpid();
    sh->cppid = getppid();
    sh->ran = 1;
    sh->done = 1;
    return 7;
}

static const char *parent_name(pid_t pid)
{
    return pid == sh->runner ? "me" : pid == getppid() ? "myparent"
        : fmt("%d", (int)pid);
}

static void run_other_bits(const struct arg *arg)
{
    const char *reap0, *reapall;
    pid_t pid;

    pid = start(look_around, arg->flags | (unsigned)arg->sig, (void *)arg);
    put_ret(pid, start_errno);
    if (pid == -1)
        return;
    put("blocked=%d", sh->done);
    sh->returned = 1;
    reap0 = wait_for(pid, 0);
    reapall = wait_for(pid, W_ALL);
    /* A thread, or somebody else's child, may be running still. */
    if (!strcmp(reapall, "-1/ECHILD") && !strcmp(reap0, reapall))
        wait_flag(&sh->done, LATE);
    put("ran=%d", sh->ran);
    if (!sh->ran)
        put("cpid=-"), put("ppid=-");
    else {
        put("cpid=%s", sh->cpid == pid ? "=ret" : sh->cpid == getpid()
            ? "=parent(thread)" : fmt("%d", (int)sh->cpid));
        put("ppid=%s", parent_name(sh->cppid));
    }
    put("mem=%d", mem);
    put("sig=%s", take_signals(pid));
    put("reap0=%s", reap0);
    put("reapall=%s", reapall);
}

static void other_bits(const char *name, unsigned flags, int sig)
{
    struct arg arg = {0, 0, 0, 0, NULL};

    arg.flags = flags, arg.sig = sig;
    run_case(3, name, run_other_bits, NULL, &arg);
}

void section_other_bits(void)
{
    unsigned with, bit;

    for (with = 0; with < 2; with++)
        for (bit = 0x1000; bit; bit <<= 1)
            if (bit != VFORK)
                other_bits(fmt("%#x%s/CHLD", bit, with ? "|VM|SIGHAND" : ""),
                           bit | (with ? VM | SIGHAND : 0), SIGCHLD);
    other_bits("THREAD|VM|SIGHAND|FS|FILES/0",
               THREAD | VM | SIGHAND | FS | FILES, 0);
    other_bits("pthread-set-0x3d0f00/0", 0x3d0f00, 0);
    other_bits("THREAD|SIGHAND/CHLD", THREAD | SIGHAND, SIGCHLD);
    other_bits("0x1000|SIGHAND/255", 0x1000 | SIGHAND, 255);
    other_bits("0x2000|VM|VFORK/CHLD", 0x2000 | VM | VFORK, SIGCHLD);
    other_bits("0xffff8000/CHLD", 0xffff8000u, SIGCHLD);
}
