/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Copyright (c) 2026 The nbclone developers */
/* report.c: how an answer is written: names of flags, signals, errors. */
#include "probe.h"
#include <stdarg.h>

struct named {
    int number;
    const char *name;
};

static const struct named signals[] = {
    {SIGHUP, "HUP"},   {SIGUSR1, "USR1"}, {SIGUSR2, "USR2"}, {SIGCHLD, "CHLD"},
    {SIGURG, "URG"},   {SIGALRM, "ALRM"}, {SIGTERM, "TERM"}, {SIGKILL, "KILL"},
    {SIGSEGV, "SEGV"}, {SIGABRT, "ABRT"}, {SIGSTOP, "STOP"}, {SIGCONT, "CONT"},
    {SIGSYS, "SYS"},   {SIGTSTP, "TSTP"}, {SIGTTIN, "TTIN"},
};

static const struct named errors[] = {
    {EINVAL, "EINVAL"}, {EAGAIN, "EAGAIN"}, {ECHILD, "ECHILD"},
    {ENOENT, "ENOENT"}, {ESRCH, "ESRCH"},   {EPERM, "EPERM"},
    {ENOMEM, "ENOMEM"}, {EFAULT, "EFAULT"}, {ENOSYS, "ENOSYS"},
};

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

static char *slot(void)
{
    static char text[16][512];
    static unsigned next;

    return text[next++ % 16];
}

const char *fmt(const char *f, ...)
{
    char *text = slot();
    va_list ap;

    va_start(ap, f);
    vsnprintf(text, 512, f, ap);
    va_end(ap);
    return text;
}

/* Add one field to the case's line. */
void put(const char *f, ...)
{
    size_t room = sizeof sh->out - sh->len;
    va_list ap;
    int n;

    va_start(ap, f);
    n = snprintf(sh->out + sh->len, room, "\t");
    n += vsnprintf(sh->out + sh->len + n, room - (size_t)n, f, ap);
    va_end(ap);
    if ((size_t)n < room)
        sh->len += (size_t)n;
}

void put_ret(pid_t pid, int err)
{
    if (pid > 0)
        put("ret=pid");
    else
        put("ret=%d/%s", (int)pid, errno_name(err));
}

static const char *look_up(const struct named *table, size_t n, int number)
{
    for (; n; n--, table++)
        if (table->number == number)
            return table->name;
    return fmt("%d", number);
}

const char *errno_name(int err)
{
    return look_up(errors, COUNT(errors), err);
}

const char *sig_name(int sig)
{
    return look_up(signals, COUNT(signals), sig);
}

const char *flag_names(unsigned flags)
{
    char *text = slot();

    text[0] = 0;
    if (flags & VM)
        strcat(text, "|VM");
    if (flags & FS)
        strcat(text, "|FS");
    if (flags & FILES)
        strcat(text, "|FILES");
    if (flags & SIGHAND)
        strcat(text, "|SIGHAND");
    if (flags & VFORK)
        strcat(text, "|VFORK");
    return text[0] ? text + 1 : "none";
}

const char *case_name(unsigned flags, int sig)
{
    return fmt("%s/%s", flag_names(flags), sig_name(sig));
}

const char *status_name(int status)
{
    if (WIFEXITED(status))
        return fmt("exit%d", WEXITSTATUS(status));
    if (WIFSTOPPED(status))
        return fmt("stop%s", sig_name(WSTOPSIG(status)));
    if (WIFSIGNALED(status))
        return fmt("sig%s%s", sig_name(WTERMSIG(status)),
                   WCOREDUMP(status) ? "+core" : "");
    return fmt("status%#x", (unsigned)status);
}

const char *wait_for(pid_t pid, int options)
{
    int status = 0;
    pid_t got;

    do
        got = waitpid(pid, &status, options);
    while (got == -1 && errno == EINTR);
    if (got == -1)
        return fmt("-1/%s", errno_name(errno));
    return got ? status_name(status) : "0";
}

/* The same, not waiting: 0/0 says that the child is there and alive. */
const char *alive_or(pid_t pid, int options)
{
    const char *got = wait_for(pid, options | WNOHANG);

    return strcmp(got, "0") ? got : "0/0";
}

static const char *code_name(const siginfo_t *si)
{
    switch (si->si_code) {
    case SI_USER:
        return "SI_USER";
    case CLD_EXITED:
        return "CLD_EXITED";
    case CLD_KILLED:
        return "CLD_KILLED";
    case CLD_DUMPED:
        return "CLD_DUMPED";
    case CLD_STOPPED:
        return "CLD_STOPPED";
    case CLD_CONTINUED:
        return "CLD_CONTINUED";
    }
    return fmt("code%d", si->si_code);
}

const char *sig_item(const siginfo_t *si, pid_t child)
{
    return fmt("%s(%s,signo=,pid=%s,st%d)", sig_name(si->si_signo),
               code_name(si), si->si_pid == child ? "child" : "other",
               si->si_status);
}

/* Every signal that is pending now, lowest number first. */
const char *take_signals(pid_t child)
{
    char *text = slot();
    siginfo_t si;

    text[0] = 0;
    while (next_signal(&si, 0) > 0) {
        const char *item = sig_item(&si, child);

        if (strlen(text) + strlen(item) + 2 < 512) {
            strcat(text, "+");
            strcat(text, item);
        }
    }
    return text[0] ? text + 1 : "none";
}

int count_signals(int sig)
{
    siginfo_t si;
    int n = 0;

    while (next_signal(&si, 0) > 0)
        n += si.si_signo == sig;
    return n;
}
