/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Copyright (c) 2026 The nbclone developers */
/* driver.c: main, process 1, and the runner of each case. */
#include "probe.h"
#include <sys/mman.h>
#include <sys/utsname.h>
#include <time.h>
#ifdef __linux__
#include <sys/prctl.h>
#endif

struct shared *sh;
const char *self_path;
int watchdog_ms = 10000;
uid_t nobodys_uid;
static const char *filter;

static long now_ms(void)
{
    struct timespec ts;

    clock_gettime(CLOCK_MONOTONIC, &ts);
    return (long)ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}

/* Waits for the runner; NULL: it hung and has to be killed. */
static const char *runner_end(pid_t runner)
{
    long end = now_ms() + watchdog_ms, left;
    siginfo_t si;
    int status;

    for (;;) {
        if (waitpid(runner, &status, WNOHANG | W_ALL) == runner)
            return status_name(status);
        left = end - now_ms();
        if (left <= 0)
            return NULL;
        next_signal(&si, left < 1000 ? (int)left : 1000);
    }
}

/* Kills what the case left behind, so that the next starts alone. */
static void clear_up(void)
{
    kill(-1, SIGKILL);
    while (waitpid(-1, NULL, W_ALL) > 0 || errno == EINTR)
        ;
    take_signals(0);
}

void run_case(int section, const char *name, step_fn run, step_fn post,
              const struct arg *arg)
{
    const char *end;
    pid_t runner;

    if (filter && !strstr(fmt("%d\t%s", section, name), filter))
        return;
    memset(sh, 0, sizeof *sh);
    runner = fork();
    if (runner == 0) {
        sh->runner = getpid();
        setpgid(0, 0);
        /* All signals are blocked here, as in process 1. */
        /* NetBSD drops a signal that is ignored, even one that is blocked:
         * with a handler SIGCHLD is kept. */
        set_handler(SIGCHLD, 0);
        run(arg);
        _exit(0);
    }
    end = runner_end(runner);
    take_signals(0);
    if (end && post)
        post(arg);
    printf("%d\t%s%s\trunner=%s\n", section, name, sh->out,
           end ? end : "TIMEOUT");
    fflush(stdout);
    clear_up();
}

static void run_all(void)
{
    section_exit_byte();
    section_other_bits();
    section_stack();
    section_exit_values();
    section_signals();
    section_limits();
    section_exec();
    section_waits();
    section_dispositions();
    section_deaths();
    section_vfork_signals();
    section_cloexec();
    section_orphans();
    section_sharing();
    section_locks();
    section_queues();
    section_ignoring_vfork();
    section_stops();
    section_shared_handlers();
    section_oddities();
    section_reset_handlers();
    section_vfork_return();
    section_flags();
    section_threads();
}

static int drive(void)
{
    struct rlimit no_core;
    struct utsname un;

    /* clear_up kills everything there is: never outside of a namespace. */
    if (getpid() != 1)
        return 2;
    /* One byte, not none: Linux pipes a core to a program at a limit of 0,
     * but never at 1. */
    no_core.rlim_cur = no_core.rlim_max = 1;
    setrlimit(RLIMIT_CORE, &no_core);
    sh = mmap(NULL, sizeof *sh, PROT_READ | PROT_WRITE,
              MAP_SHARED | MAP_ANON, -1, 0);
    if (sh == MAP_FAILED || chdir("/")) {
        perror("probe");
        return 2;
    }
    umask(022);
    default_dispositions();
    block_all();
    set_handler(SIGCHLD, 0);
    /* The dynamic linker binds here what a child without thread-local
     * storage calls later: binding needs that storage. */
    wait_flag(&sh->go, 1);
    uname(&un);
    printf("#BEGIN %s %s %s pid=%d sizeof(void*)=%d\n", un.sysname, un.release,
           un.machine, (int)getpid(), (int)sizeof(void *));
    fflush(stdout);
    run_all();
    puts("#END");
    return fflush(stdout) ? 2 : 0;
}

int main(int argc, char **argv)
{
    static char path[4096];
    int status;
    pid_t init;

    if (argc > 2 && !strcmp(argv[1], "--helper"))
        return helper_main(argc, argv);
    filter = argc > 1 ? argv[1] : NULL;
    self_path = realpath(argv[0], path);
    if (!self_path) {
        perror(argv[0]);
        return 2;
    }
    nobodys_uid = 1900000000u + (uid_t)getpid();
    if (getpid() == 1)
        return drive();
#ifdef __linux__
    if (unshare(0x20000000)) { /* CLONE_NEWPID */
        fprintf(stderr, "SKIP: needs root, for a PID namespace, chroot and"
                        " other users' ids: %s\n", strerror(errno));
        return 77;
    }
    init = fork();
    if (init == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        setsid();
        _exit(drive());
    }
    if (init > 0 && waitpid(init, &status, 0) == init && WIFEXITED(status))
        return WEXITSTATUS(status);
    fprintf(stderr, "probe: process 1 of the namespace failed\n");
    return 2;
#else
    (void)status, (void)init;
    fprintf(stderr, "SKIP: has to be started as process 1\n");
    return 77;
#endif
}
