/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Copyright (c) 2026 The nbclone developers */
/* exits.c: section 5: func's value, and what of libc runs at the end. */
#include "probe.h"

static int log_fd;
static FILE *log_file;

static void run_value(const struct arg *arg)
{
    siginfo_t si;
    int status = 0;
    pid_t pid;

    pid = start(exit_with, arg->flags | SIGCHLD, AS_ARG(arg->a));
    waitpid(pid, &status, W_ALL);
    next_signal(&si, 0);
    put_ret(pid, start_errno);
    put("status=%#x", (unsigned)status);
    put("exited=%d", WIFEXITED(status) != 0);
    put("wexit=%d", WEXITSTATUS(status));
    put("si_status=%#x", (unsigned)si.si_status);
}

static void at_exit(void)
{
    if (write(log_fd, "A", 1) != 1)
        abort();
}

static int end_somehow(void *how)
{
    fputs("childdata", log_file);
    if ((intptr_t)how == 'e')
        exit(3);
    if ((intptr_t)how == '_')
        _exit(3);
    return 3;
}

/* What has come into the file since the last look. */
static const char *news(void)
{
    static off_t seen;
    char text[64];
    ssize_t n = pread(log_fd, text, sizeof text, seen);

    if (n < 0)
        n = 0;
    seen += n;
    return fmt("[%.*s]", (int)n, text);
}

static void run_stdio(const struct arg *arg)
{
    pid_t pid;

    log_file = tmpfile();
    if (!log_file) {
        perror("tmpfile");
        _exit(3);
    }
    log_fd = fileno(log_file);
    atexit(at_exit);
    fputs("parentdata", log_file);
    pid = start(end_somehow, arg->flags | SIGCHLD, AS_ARG(arg->s[0]));
    put_ret(pid, start_errno);
    put("status=%s", wait_for(pid, W_ALL));
    put("afterchild=%s", news());
    fflush(log_file);
    put("parentflush=%s", news());
}

void section_exit_values(void)
{
    /* The last two are what int8_t 127 and -128 leave in a byte. */
    static const int values[] = {0, 1, 0x7f, 0x80, 0xff, 0x100, 0x101, -1,
                                 -256, 0x1234, 0x7fffffff, 0x7f, 0x80};
    static const struct arg stdio[] = {
        {0, 0, 0, 0, "return"},    {VM, 0, 0, 0, "return"},
        {VM | VFORK, 0, 0, 0, "return"},
        {0, 0, 0, 0, "exit()"},    {VM | VFORK, 0, 0, 0, "exit()"},
        {0, 0, 0, 0, "_exit()"},   {VM, 0, 0, 0, "_exit()"},
    };
    struct arg arg = {0, 0, 0, 0, NULL};
    size_t i;

    for (i = 0; i < sizeof values / sizeof values[0]; i++) {
        arg.a = values[i];
        arg.flags = 0;
        run_case(5, fmt("ret=%#x", (unsigned)arg.a), run_value, NULL, &arg);
        arg.flags = VM;
        run_case(5, fmt("ret=%#x,VM", (unsigned)arg.a), run_value, NULL, &arg);
    }
    for (i = 0; i < sizeof stdio / sizeof stdio[0]; i++)
        run_case(5, fmt("atexit/stdio,%s,%s", stdio[i].s,
                        flag_names(stdio[i].flags)), run_stdio, NULL,
                 &stdio[i]);
}
