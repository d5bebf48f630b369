/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Copyright (c) 2026 The nbclone developers */
/*
 * The library's __clone is libc's own too where libc is linked statically:
 * pthread_create(3) and posix_spawn(3) have to work under each policy, though their
 * flags aren't NetBSD's. glibc calls __clone where the kernel has no clone3, which a
 * filter stands for here; musl always does.
 *
 * Linux's alone, and only where there is a threads library.
 */
#include "suite.h"

#if defined(__linux__) && (defined(NBCLONE_TEST_THREADS) || defined(NBCLONE_TEST_LIBC))
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <pthread.h>
#include <spawn.h>
#include <sys/prctl.h>
#include <sys/syscall.h>

#ifndef SYS_clone3
#define SYS_clone3 435
#endif

static void refuse_clone3(void)
{
	struct sock_filter code[] = {
	    BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
	    BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_clone3, 0, 1),
	    BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | ENOSYS),
	    BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
	};
	struct sock_fprog program = {sizeof code / sizeof code[0], code};

	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0 ||
	    prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) != 0)
		skip("the kernel has no CONFIG_SECCOMP_FILTER");
}

static void *give_back(void *arg)
{
	return arg;
}

static void makes_a_thread(long variant)
{
	pthread_t thread;
	void *value = NULL;
	int error;

	(void)variant;
	refuse_clone3();
	error = pthread_create(&thread, NULL, give_back, &value);
	if (!check(error == 0, "pthread_create: %s", error_name(error)))
		return;
	error = pthread_join(thread, &value);
	check(error == 0 && value == (void *)&value, "pthread_join: %s", error_name(error));
}

static void spawns(long variant)
{
	extern char **environ;
	char option[] = "-X";
	char *arguments[] = {(char *)self_path, option, NULL};
	pid_t pid = -1;
	int error;

	(void)variant;
	if (self_path == NULL)
		skip("the path of this program isn't known");
	refuse_clone3();
	error = posix_spawn(&pid, self_path, NULL, NULL, arguments, environ);
	if (!check(error == 0, "posix_spawn: %s", error_name(error)))
		return;
	/* exec_helper()'s answer to too few arguments. */
	check(strcmp(waited(pid, 0), "exit90") == 0, "the new program didn't run");
}

void libc_cases(void)
{
	add(makes_a_thread, 0, "libc's own calls without clone3: pthread_create");
	add(spawns, 0, "libc's own calls without clone3: posix_spawn");
}
#else
void libc_cases(void)
{
}
#endif
