/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Copyright (c) 2026 The nbclone developers */
/* What programs do that could lose a trace. Each argument is an act, done in
 * their order:
 *
 *   calls=N      N calls of clone, each waited for
 *   close        closes every descriptor above 2
 *   chroot=DIR   makes DIR its root
 *   user=N       becomes user and group N
 *   fsize=N      sets itself RLIMIT_FSIZE
 *   unshare=N    unshare(2) with the flags N
 *   daemon       goes on in a child in a session of its own
 *   storm=N,M    N children, M calls by each, all at once
 *   filter       allows itself the usual system calls no more: no open, no
 *                socket, no shared memory
 *   no-filters   allows no filter from then on
 *   listener     a filter with a listener, whose thread lets go on each clone
 *                about which it asks; fails with 103 if there can be none
 *   unlink       removes its own file
 *   reuse=FILE   opens its own FILE as descriptor 3, and writes to it
 *   read         reads to the end of its standard input
 *   exec         executes itself anew for the acts that follow
 *   run          executes what follows
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

static char stack[65536] __attribute__((aligned(64)));

static int child(void *arg)
{
	(void)arg;
	return 0;
}

static void fail(const char *what)
{
	perror(what);
	exit(100);
}

static void call(int count)
{
	while (count-- > 0) {
		pid_t pid = clone(child, stack + sizeof stack,
		    CLONE_VM | CLONE_VFORK | SIGCHLD, NULL);

		if (pid < 0 || waitpid(pid, NULL, 0) != pid)
			fail("clone");
	}
}

static void storm(const char *numbers)
{
	const char *comma = strchr(numbers, ',');
	int children = atoi(numbers), calls = comma != NULL ? atoi(comma + 1) : 1;
	int i, status;

	for (i = 0; i < children; i++) {
		pid_t pid = fork();

		if (pid < 0)
			fail("fork");
		if (pid == 0) {
			call(calls);
			_exit(0);
		}
	}
	while (wait(&status) > 0)
		if (status != 0)
			exit(101);
}

#define DENY(number) \
	BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, (number), 0, 1), \
	BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EPERM)

#define NUMBER \
	BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr))

static struct sock_filter sandbox[] = {
	NUMBER, DENY(SYS_openat), DENY(SYS_socket), DENY(SYS_shmat),
	BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
};
static struct sock_filter no_filters[] = {
	NUMBER, DENY(SYS_seccomp), BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
};

static void set_filter(struct sock_filter *filter, size_t length)
{
	struct sock_fprog program = { (unsigned short)length, filter };

	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0
	    || prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) != 0)
		fail("seccomp");
}

static struct sock_filter asks[] = {
	NUMBER, BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_clone, 0, 1),
	BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_USER_NOTIF),
	BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
};

/* Begins before the filter is there, and so isn't under it. */
static void *let_go_on(void *descriptors)
{
	int listener;

	if (read(*(int *)descriptors, &listener, sizeof listener) != (ssize_t)sizeof listener)
		return NULL;
	for (;;) {
		struct seccomp_notif question = { 0 };
		struct seccomp_notif_resp answer = { 0 };

		if (ioctl(listener, SECCOMP_IOCTL_NOTIF_RECV, &question) != 0)
			return NULL;
		answer.id = question.id;
		answer.flags = SECCOMP_USER_NOTIF_FLAG_CONTINUE;
		ioctl(listener, SECCOMP_IOCTL_NOTIF_SEND, &answer);
	}
}

static void listen_to_itself(void)
{
	static int descriptors[2];
	struct sock_fprog program = { sizeof asks / sizeof asks[0], asks };
	pthread_t thread;
	int listener;

	if (pipe(descriptors) != 0 || pthread_create(&thread, NULL, let_go_on, descriptors) != 0
	    || prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0)
		fail("listener");
	listener = (int)syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER,
	    SECCOMP_FILTER_FLAG_NEW_LISTENER, &program);
	if (listener < 0) {
		perror("listener");
		exit(103);
	}
	if (write(descriptors[1], &listener, sizeof listener) != (ssize_t)sizeof listener)
		fail("listener");
}

static const char *value(const char *act, const char *name)
{
	size_t length = strlen(name);

	return strncmp(act, name, length) == 0 ? act + length : NULL;
}

int main(int argc, char **argv)
{
	int i, descriptor;

	for (i = 1; i < argc; i++) {
		const char *act = argv[i], *what;

		if ((what = value(act, "calls=")) != NULL) {
			call(atoi(what));
		} else if (strcmp(act, "close") == 0) {
			for (descriptor = 3; descriptor < 65536; descriptor++)
				close(descriptor);
		} else if ((what = value(act, "chroot=")) != NULL) {
			if (chroot(what) != 0 || chdir("/") != 0)
				fail("chroot");
		} else if ((what = value(act, "user=")) != NULL) {
			if (setgroups(0, NULL) != 0 || setgid((gid_t)atoi(what)) != 0
			    || setuid((uid_t)atoi(what)) != 0)
				fail("setuid");
		} else if ((what = value(act, "fsize=")) != NULL) {
			struct rlimit limit = { (rlim_t)atoi(what), (rlim_t)atoi(what) };

			if (setrlimit(RLIMIT_FSIZE, &limit) != 0)
				fail("setrlimit");
		} else if ((what = value(act, "unshare=")) != NULL) {
			if (unshare((int)strtol(what, NULL, 0)) != 0)
				fail("unshare");
		} else if (strcmp(act, "daemon") == 0) {
			if (fork() != 0)
				_exit(0);
			setsid();
		} else if ((what = value(act, "storm=")) != NULL) {
			storm(what);
		} else if ((what = value(act, "reuse=")) != NULL) {
			descriptor = open(what, O_WRONLY | O_CREAT | O_TRUNC, 0600);
			if (descriptor < 0 || dup2(descriptor, 3) != 3
			    || write(3, "the program's\n", 14) != 14)
				fail(what);
		} else if (strcmp(act, "unlink") == 0) {
			if (unlink(argv[0]) != 0)
				fail(argv[0]);
		} else if (strcmp(act, "read") == 0) {
			while (read(0, stack, sizeof stack) > 0)
				;
		} else if (strcmp(act, "filter") == 0) {
			set_filter(sandbox, sizeof sandbox / sizeof sandbox[0]);
		} else if (strcmp(act, "no-filters") == 0) {
			set_filter(no_filters, sizeof no_filters / sizeof no_filters[0]);
		} else if (strcmp(act, "listener") == 0) {
			listen_to_itself();
		} else if (strcmp(act, "run") == 0 && i + 1 < argc) {
			execvp(argv[i + 1], argv + i + 1);
			fail(argv[i + 1]);
		} else if (strcmp(act, "exec") == 0) {
			argv[i] = argv[0];
			execv(argv[0], argv + i);
			fail("exec");
		} else {
			fprintf(stderr, "acts: no act: %s\n", act);
			return 102;
		}
	}
	return 0;
}
