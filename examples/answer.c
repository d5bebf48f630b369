/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Copyright (c) 2026 The nbclone developers */
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <sys/wait.h>

static int child(void *arg)
{
    return *(int *)arg;                     /* goes to _exit(2) */
}

int main(void)
{
    static char stack[64 * 1024];
    int value = 42, status;
    pid_t pid = clone(child, stack + sizeof stack, CLONE_VM | SIGCHLD, &value);

    if (pid == -1 || waitpid(pid, &status, 0) != pid)
        return 1;
    printf("the child gave %d\n", WEXITSTATUS(status));
    return 0;
}
