/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Copyright (c) 2026 The nbclone developers */
/*
 * What libc makes by its own __clone: pthread_create, posix_spawn, system,
 * popen. They have to work, and to fail with the right errno, in a program
 * whose __clone is ours. clone3 is refused, so that glibc takes clone.
 *
 *	libc_calls		as said
 *	libc_calls clone	clone fails as well, with EAGAIN
 *	libc_calls plain	nothing is refused
 *	libc_calls limit	an ordinary user has no process left
 */
#define _GNU_SOURCE
#include <errno.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <spawn.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

/* A user that has no other processes. */
#define ORDINARY 64735

/* glibc before 2.36 takes the -1 of __clone for -errno (its bug 29109). */
#ifdef __GLIBC__
# if !__GLIBC_PREREQ(2, 36)
#  define NO_SPAWN EPERM
# endif
#endif
#ifndef NO_SPAWN
# define NO_SPAWN EAGAIN
#endif

extern char **environ;
extern int __clone(int (*)(void *), void *, int, void *, ...);
static int failed;

static void
expect(const char *what, long seen, long wanted)
{
	if (seen != wanted) {
		printf("%s: %ld, not %ld\n", what, seen, wanted);
		failed = 1;
	}
}

static void
refuse(long number, int error)
{
	struct sock_filter code[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS,
		    offsetof(struct seccomp_data, nr)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, (unsigned)number, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | (unsigned)error),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
	};
	struct sock_fprog program = { sizeof code / sizeof *code, code };

	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0 ||
	    prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) != 0) {
		perror("seccomp");
		exit(2);
	}
}

static __thread int local = 5;

static void *
thread(void *arg)
{
	local++;
	errno = 99;
	return (char *)arg + local;
}

static int
child(void *arg)
{
	return *(int *)arg;
}

static int
spawn(const char *path, int *status)
{
	char *argv[] = { (char *)(size_t)path, NULL };
	pid_t pid = -1;
	int error = posix_spawn(&pid, path, NULL, NULL, argv, environ);

	*status = -1;
	if (error == 0)
		waitpid(pid, status, 0);
	return error;
}

static void
opened(void)
{
	FILE *stream = popen("read word && test \"$word\" = a && exit 5", "w");

	expect("popen", stream != NULL, 1);
	if (stream == NULL)
		return;
	expect("a write to it", fputs("a\n", stream) >= 0, 1);
	expect("its status", pclose(stream), 5 << 8);
	stream = popen("echo line", "r");
	expect("popen to read", stream != NULL, 1);
	if (stream == NULL)
		return;
	expect("its first character", getc(stream), 'l');
	pclose(stream);
}

static void
working(void)
{
	pthread_t threads[8];
	char base[16];
	void *value;
	int i, status;

	for (i = 0; i < 8; i++)
		expect("pthread_create", pthread_create(&threads[i], NULL,
		    thread, base), 0);
	for (i = 0; i < 8; i++) {
		expect("pthread_join", pthread_join(threads[i], &value), 0);
		expect("a thread's value", (char *)value - base, 6);
	}
	expect("the main thread's own", local, 5);
	expect("posix_spawn", spawn("/bin/true", &status), 0);
	expect("its status", status, 0);
	expect("posix_spawn of nothing", spawn("/nonexistent", &status), ENOENT);
	expect("system", system("exit 3"), 3 << 8);
	opened();
}

/* What RLIMIT_NPROC does to all of them. */
static void
limited(void)
{
	static char stack[65536];
	struct rlimit none = { 0, 0 };
	pthread_t unused;
	int value = 0, status;

	if (setrlimit(RLIMIT_NPROC, &none) != 0 ||
	    (geteuid() == 0 && (setgid(ORDINARY) != 0 || setuid(ORDINARY) != 0))) {
		perror("to be an ordinary user without processes");
		exit(2);
	}
	expect("pthread_create", pthread_create(&unused, NULL, thread, NULL),
	    EAGAIN);
	expect("posix_spawn", spawn("/bin/true", &status), NO_SPAWN);
	/* glibc says ENOMEM here, musl EAGAIN. */
	expect("popen", popen("true", "r") == NULL, 1);
	errno = 0;
	expect("clone", clone(child, stack + sizeof stack,
	    CLONE_VM | CLONE_VFORK | SIGCHLD, &value), -1);
	expect("its errno", errno, EAGAIN);
}

int
main(int argc, char **argv)
{
	static char stack[65536];
	pthread_t unused;
	int value = 42, status;
	pid_t pid;

	if (argc > 1 && strcmp(argv[1], "limit") == 0) {
		limited();
		return failed;
	}
#ifdef SYS_clone3
	if (argc == 1 || strcmp(argv[1], "plain") != 0)
		refuse(SYS_clone3, ENOSYS);
#endif
	if (argc > 1 && strcmp(argv[1], "clone") == 0) {
		refuse(SYS_clone, EAGAIN);
		expect("pthread_create", pthread_create(&unused, NULL, thread,
		    NULL), EAGAIN);
		expect("posix_spawn", spawn("/bin/true", &status), NO_SPAWN);
		errno = 0;
		/* 127 in between, in glibc 2.36 for one. */
		status = system("exit 3");
		expect("system", status == -1 || status == 127 << 8, 1);
		expect("its errno", errno, NO_SPAWN);
		errno = 0;
		expect("clone", clone(child, stack + sizeof stack,
		    CLONE_VM | CLONE_VFORK | SIGCHLD, &value), -1);
		expect("its errno", errno, EAGAIN);
		errno = 0;
		expect("__clone", __clone(child, stack + sizeof stack,
		    CLONE_VM | CLONE_VFORK | SIGCHLD, &value), -1);
		expect("its errno", errno, EAGAIN);
		return failed;
	}
	working();
	pid = clone(child, stack + sizeof stack, CLONE_VM | SIGCHLD, &value);
	expect("waitpid", waitpid(pid, &status, 0), pid);
	expect("a clone's status", status, 42 << 8);
	return failed;
}
