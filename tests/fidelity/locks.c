/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Copyright (c) 2026 The nbclone developers */
/* locks.c: section 13: who owns a record lock that a child takes. */
#include "probe.h"

static int locked_fd;

static struct flock whole_file(void)
{
    struct flock lock;

    memset(&lock, 0, sizeof lock);
    lock.l_type = F_WRLCK;
    lock.l_whence = SEEK_SET;
    return lock;
}

static int take_lock(void *p)
{
    struct flock lock = whole_file();

    (void)p;
    sh->v[0] = fcntl(locked_fd, F_SETLK, &lock);
    sh->step = 1;
    wait_flag(&sh->go, LATE);
    return 0;
}

static const char *owner(pid_t child)
{
    struct flock lock = whole_file();

    fcntl(locked_fd, F_GETLK, &lock);
    if (lock.l_type == F_UNLCK)
        return "unlocked";
    return lock.l_pid == child ? "locked-by-child" : "locked-by-other";
}

static void run_lock(const struct arg *arg)
{
    char path[] = "/tmp/probe-lock.XXXXXX";
    int other;
    pid_t pid;

    locked_fd = mkstemp(path);
    other = open(path, O_RDWR);
    unlink(path);
    pid = start(take_lock, arg->flags | SIGCHLD, NULL);
    put_ret(pid, start_errno);
    wait_flag(&sh->step, LATE);
    put("setlk=%d", sh->v[0]);
    put("parent-getlk=%s", owner(pid));
    close(other);
    put("after-parent-close-of-other-fd=%s", owner(pid));
    sh->go = 1;
    wait_for(pid, W_ALL);
    put("after-child-exit=%s", owner(pid));
}

void section_locks(void)
{
    static const unsigned flags[] = {0, FILES, VM, VM | FS | FILES | SIGHAND};
    struct arg arg = {0, 0, 0, 0, NULL};
    int i;

    for (i = 0; i < 4; i++) {
        arg.flags = flags[i];
        run_case(13, fmt("posix-lock,%s", flag_names(arg.flags)), run_lock,
                 NULL, &arg);
    }
}
