/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Copyright (c) 2026 The nbclone developers */
/* helper.c: what a child becomes by exec; it always exits with 9. */
#include "probe.h"

int helper_main(int argc, char **argv)
{
    int fd[4], i;
    char byte = 'x';

    for (i = 0; i < 4; i++)
        fd[i] = argc > 3 + i ? atoi(argv[3 + i]) : -1;

    if (!strcmp(argv[2], "tell-and-wait")) {
        if (write(fd[0], &byte, 1) != 1 || read(fd[1], &byte, 1) != 1)
            return 1;
    } else if (!strcmp(argv[2], "tell")) {
        if (write(fd[0], &byte, 1) != 1)
            return 1;
    } else if (!strcmp(argv[2], "change")) {
        /* fd[0]: close-on-exec; fd[1]: to close; fd[2]: to open */
        byte = fcntl(fd[0], F_GETFD) == -1 ? 'C' : 'O';
        close(fd[1]);
        if (dup2(fd[3], fd[2]) == -1 || chdir("/tmp"))
            return 1;
        umask(0);
        if (write(fd[3], &byte, 1) != 1)
            return 1;
    } else if (!strcmp(argv[2], "tell-and-reap")) {
        if (write(fd[0], &byte, 1) != 1)
            return 1;
        while (waitpid(-1, NULL, W_ALL) == -1 && errno == EINTR)
            ;
    }
    return 9;
}
