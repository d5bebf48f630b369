/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Copyright (c) 2026 The nbclone developers */
/*
 * The first process of a lab machine: mounts what the programs need, runs the
 * ones that /etc/lab names in turn, says on the console how each ended, and
 * switches the machine off. It's no part of what is tested, and links none of it.
 *
 * A line of /etc/lab is words: NAME=VALUE for the environment, then the program
 * and its arguments.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/reboot.h>
#include <sys/stat.h>
#include <sys/utsname.h>
#include <sys/wait.h>
#include <unistd.h>

enum { MAX_WORDS = 32 };

static void mount_at(const char *type, const char *where, const char *options)
{
    if (mount(type, where, type, 0, options) && errno != EBUSY)
        printf("# lab: no %s at %s: %s\n", type, where, strerror(errno));
}

static void run(char *line)
{
    char *argv[MAX_WORDS + 1];
    int argc = 0, status;
    pid_t child, ended;

    child = fork();
    if (child == 0) {
        setsid();
        for (char *word = strtok(line, " \n"); word && argc < MAX_WORDS; word = strtok(NULL, " \n")) {
            if (argc == 0 && strchr(word, '='))
                putenv(word);
            else
                argv[argc++] = word;
        }
        argv[argc] = NULL;
        if (argc)
            execv(argv[0], argv);
        printf("# lab: cannot run %s: %s\n", argc ? argv[0] : "(nothing)", strerror(errno));
        fflush(stdout);
        _exit(127);
    }
    if (child < 0) {
        printf("# lab: fork: %s\n", strerror(errno));
        return;
    }
    do /* orphans come here too */
        ended = waitpid(-1, &status, 0);
    while (ended != child && (ended > 0 || errno == EINTR));
    kill(-1, SIGKILL); /* whatever the program left behind */
    while (waitpid(-1, NULL, 0) > 0)
        ;
    if (ended != child)
        printf("# lab: end lost\n");
    else if (WIFSIGNALED(status))
        printf("# lab: end signal %d\n", WTERMSIG(status));
    else
        printf("# lab: end exit %d\n", WEXITSTATUS(status));
}

int main(void)
{
    struct utsname host;
    FILE *list;
    char line[1024];

    setvbuf(stdout, NULL, _IOLBF, 0);
    setenv("PATH", "/bin:/tests", 1);
    setenv("TMPDIR", "/tmp", 1);
    mount_at("proc", "/proc", NULL);
    mount_at("sysfs", "/sys", NULL);
    mount_at("tmpfs", "/tmp", "mode=1777");
    mount_at("tmpfs", "/dev/shm", "mode=1777");
    if (uname(&host) == 0)
        printf("\n# lab: kernel %s %s\n", host.release, host.machine); /* firmware may leave a line open */

    list = fopen("/etc/lab", "re");
    while (list && fgets(line, sizeof line, list)) {
        printf("# lab: begin %s", line);
        run(line);
    }
    printf("# lab: done\n");
    fflush(stdout);
    sync();
    reboot(RB_POWER_OFF);
    reboot(RB_AUTOBOOT);
    for (;;)
        pause();
}
