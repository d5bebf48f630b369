/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Copyright (c) 2026 The nbclone developers */
/* execs.c: sections 8 and 10: what exec does to a clone. */
#include "probe.h"

static int told[2], go_on[2];

static void pipes(void)
{
    if (pipe(told) || pipe(go_on))
        _exit(3);
}

static int exec_it(void *p)
{
    const struct arg *arg = p;

    hold(arg->flags);
    exec_helper("tell-and-wait", told[1], go_on[0], -1, -1);
    sh->v[0] = errno;
    return 99;
}

static void until_executed(void)
{
    char byte;

    if (read(told[0], &byte, 1) != 1)
        _exit(4);
}

static void let_go(void)
{
    if (write(go_on[1], "x", 1) != 1)
        _exit(4);
}

static pid_t start_exec(const struct arg *arg)
{
    pid_t pid = start(exec_it, arg->flags | (unsigned)arg->sig, (void *)arg);

    if (!sh->returned) {
        /* done is set before the exec; a zombie would have ended too. */
        sh->v[1] = sh->done;
        sh->returned = 1;
    }
    until_executed();
    return pid;
}

static void run_exec(const struct arg *arg)
{
    const char *w0, *then;
    pid_t pid;

    pipes();
    pid = start_exec(arg);
    put_ret(pid, start_errno);
    /* The helper waits for let_go: whoever is back now was released by exec
     * at the latest. */
    put("released=%s", sh->v[1] ? "at-exec" : "at-once");
    let_go();
    w0 = wait_for(pid, 0);
    then = wait_for(pid, W_CLONE);
    put("sig=%s", take_signals(pid));
    put("w0=%s", w0);
    put("wclone-then=%s", then);
    pid = start_exec(arg);
    let_go();
    put("wclone=%s", wait_for(pid, W_CLONE));
    pid = start_exec(arg);
    let_go();
    put("wall=%s", wait_for(pid, W_ALL));
}

static int exec_nothing(void *p)
{
    const struct arg *arg = p;
    char *none[1];

    none[0] = NULL;
    execve("/no-such-program", none, none);
    sh->v[0] = errno;
    hold(arg->flags);
    return 99;
}

static void run_exec_fails(const struct arg *arg)
{
    const char *w0, *wall;
    pid_t pid;

    pid = start(exec_nothing, arg->flags | (unsigned)arg->sig, (void *)arg);
    put_ret(pid, start_errno);
    put("released=%s", sh->done ? "after-exit" : "before-exit");
    sh->returned = 1;
    w0 = wait_for(pid, 0);
    wall = wait_for(pid, W_ALL);
    put("execerr=%s", errno_name(sh->v[0]));
    put("sig=%s", take_signals(pid));
    put("w0=%s", w0);
    put("wall=%s", wall);
}

static void run_alive(const struct arg *arg)
{
    pid_t pid;

    pipes();
    pid = start(exec_it, arg->flags | (unsigned)arg->sig, (void *)arg);
    put_ret(pid, start_errno);
    put("alive-w0-preexec=%s", alive_or(pid, 0));
    sh->returned = 1;
    until_executed();
    put("alive-w0-postexec=%s", alive_or(pid, 0));
    put("alive-wclone-postexec=%s", alive_or(pid, W_CLONE));
    let_go();
    put("wall=%s", wait_for(pid, W_ALL));
}

void section_exec(void)
{
    static const unsigned flags[] = {0, VM, VFORK, VM | VFORK, VM | SIGHAND,
                                     FS | FILES,
                                     VM | FS | FILES | SIGHAND | VFORK};
    static const int sigs[] = {0, SIGCHLD, SIGUSR1, 33};
    static const int alive[] = {SIGUSR1, 0, SIGCHLD};
    struct arg arg = {0, 0, 0, 0, NULL};
    int i;

    for (i = 0; i < 28; i++) {
        arg.flags = flags[i / 4], arg.sig = sigs[i % 4];
        run_case(8, fmt("exec,%s", case_name(arg.flags, arg.sig)), run_exec,
                 NULL, &arg);
    }
    arg.flags = VM | VFORK, arg.sig = SIGUSR1;
    run_case(8, "exec-fails,VM|VFORK/USR1", run_exec_fails, NULL, &arg);
    arg.flags = VFORK, arg.sig = SIGCHLD;
    run_case(8, "exec-fails,VFORK/CHLD", run_exec_fails, NULL, &arg);
    arg.flags = 0;
    for (i = 0; i < 3; i++) {
        arg.sig = alive[i];
        run_case(8, fmt("alive-across-exec,%s",
                        case_name(arg.flags, arg.sig)), run_alive, NULL, &arg);
    }
}

enum { FD_CLOEXEC_ONE = 20, FD_TO_CLOSE, FD_TO_OPEN };

static int exec_changing(void *p)
{
    (void)p;
    exec_helper("change", FD_CLOEXEC_ONE, FD_TO_CLOSE, FD_TO_OPEN, told[1]);
    return 99;
}

static int chdir_then_exec(void *p)
{
    (void)p;
    sh->v[0] = chdir("/tmp");
    umask(0);
    exec_helper("tell", told[1], -1, -1, -1);
    return 99;
}

static void put_fs(const struct stat *before)
{
    struct stat now;

    stat(".", &now);
    put("parent-cwd-changed=%d", now.st_ino != before->st_ino
        || now.st_dev != before->st_dev);
    put("parent-umask-changed=%d", umask(022) != 022);
}

static const char *kept(int fd)
{
    return fcntl(fd, F_GETFD) == -1 ? "closed" : "kept";
}

static void run_cloexec(const struct arg *arg)
{
    int null = open("/dev/null", O_RDWR);
    const char *reaped;
    struct stat before;
    char saw = '?';
    pid_t pid;

    pipes();
    dup2(null, FD_CLOEXEC_ONE);
    dup2(null, FD_TO_CLOSE);
    fcntl(FD_CLOEXEC_ONE, F_SETFD, FD_CLOEXEC);
    set_handler(SIGUSR2, 0);
    stat(".", &before);
    pid = start(exec_changing, arg->flags | SIGCHLD, NULL);
    put_ret(pid, start_errno);
    reaped = wait_for(pid, W_ALL);
    if (!strcmp(reaped, "exit9") && read(told[0], &saw, 1) != 1)
        saw = '-';
    put("exec'd-saw-cloexec-open=%c", saw);
    put("parent-cloexec-fd=%s", kept(FD_CLOEXEC_ONE));
    put("parent-closed-by-execd=%s", kept(FD_TO_CLOSE));
    put("parent-opened-by-execd=%d", fcntl(FD_TO_OPEN, F_GETFD) != -1);
    put("parent-handler=%s",
        strcmp(disposition(SIGUSR2), "hnd") ? "reset" : "kept");
    put_fs(&before);
    put("reap=%s", reaped);
    put("v=%d", mem);
}

static void run_chdir(const struct arg *arg)
{
    struct stat before;
    pid_t pid;

    pipes();
    stat(".", &before);
    pid = start(chdir_then_exec, arg->flags | SIGCHLD, NULL);
    put_ret(pid, start_errno);
    if (strcmp(wait_for(pid, W_ALL), "exit9"))
        put("exec=failed");
    put_fs(&before);
}

void section_cloexec(void)
{
    static const unsigned flags[] = {
        0, FILES, FS, VM, VM | SIGHAND, VM | FS | FILES | SIGHAND,
        VM | FS | FILES | SIGHAND | VFORK, FILES | VFORK};
    struct arg arg = {0, 0, 0, 0, NULL};
    int i;

    for (i = 0; i < 8; i++) {
        arg.flags = flags[i];
        run_case(10, fmt("exec+cloexec,%s", flag_names(arg.flags)),
                 run_cloexec, NULL, &arg);
    }
    arg.flags = FS;
    run_case(10, "FS,chdir-before-exec", run_chdir, NULL, &arg);
    arg.flags = FS | VM | VFORK;
    run_case(10, "FS|VM|VFORK,chdir-before-exec", run_chdir, NULL, &arg);
}
