/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Copyright (c) 2026 The nbclone developers */
/*
 * Who calls: a program's own posix_spawn and pthread words are the program's,
 * and get -1 and errno; libc's own calls get what libc wants.
 */
#define _GNU_SOURCE
#include "beside.h"
#include "../refuse.h"

#include <spawn.h>

#define PTHREAD_GLIBC	0x3d0f00
#define PTHREAD_MUSL	0x7d0f00
#define SPAWN		(CLONE_VM | CLONE_VFORK | SIGCHLD)
#define PIDFD_SPAWN	(CLONE_VM | CLONE_VFORK | 0x1000 | SIGCHLD)

extern int pidfd_spawn(int *, const char *, const posix_spawn_file_actions_t *,
    const posix_spawnattr_t *, char *const *, char *const *) __attribute__((weak));

typedef int cloner(int (*)(void *), void *, int, void *, ...);

static void
need(cloner *call)
{
	if (call == NULL)
		not_applicable();
}

/* How the next call of posix_spawn makes its child. */
static cloner *volatile own_cloner;
static char *own_stack;
static int own_result, own_errno;

static int __attribute__((noinline))
spawned(void *arg)
{
	(void)arg;
	return 127;
}

/* The program's own, made of clone as on NetBSD before 6. */
int
posix_spawn(pid_t *pid, const char *path, const posix_spawn_file_actions_t *actions,
    const posix_spawnattr_t *attributes, char *const *argv, char *const *env)
{
	(void)path, (void)actions, (void)attributes, (void)argv, (void)env;
	errno = 0;
	own_result = own_cloner(spawned, own_stack, SPAWN, NULL);
	own_errno = errno;
	if (pid != NULL)
		*pid = own_result;
	return own_result == -1 ? own_errno : 0;
}

static void
own_posix_spawn(cloner *call, char *stack, int error)
{
	char *none[] = { NULL };

	need(call);
	own_cloner = call;
	own_stack = stack;
	expect("posix_spawn", posix_spawn(NULL, "", NULL, NULL, none, none), error);
	expect("its clone", own_result, -1);
	expect("errno of it", own_errno, error);
}

static void own_posix_spawn_without_stack(void) { own_posix_spawn(clone, NULL, EINVAL); }
static void own_posix_spawn_without_stack_by___clone(void) { own_posix_spawn(__clone, NULL, EINVAL); }

static void
refused_by(cloner *call)
{
	need(call);
	if (refuse_flags(0, 0, EAGAIN) == -1)
		skip_case("no seccomp");
	own_posix_spawn(call, next_stack(), EAGAIN);
}

static void own_posix_spawn_refused(void) { refused_by(clone); }
static void own_posix_spawn_refused_by___clone(void) { refused_by(__clone); }

/* The flag words of libc's own calls, from a caller that isn't libc: it gets -1
 * and errno, the kernel's or the policy's, never -errno. */
static void
own_word(cloner *call, int word)
{
	pid_t tid = 0;
	int result;

	need(call);
	if (refuse_flags(0, 0, EAGAIN) == -1)
		skip_case("no seccomp");
	errno = 0;
	result = call(spawned, next_stack(), word, NULL, &tid, NULL, &tid);
	expect("clone", result, -1);
	if (errno != EAGAIN && errno != EINVAL)
		fail("errno is %d", errno);
}

#define WORD(name, word) \
	static void name##_by_clone(void) { own_word(clone, word); } \
	static void name##_by___clone(void) { own_word(__clone, word); }
WORD(word_of_glibcs_threads, PTHREAD_GLIBC) WORD(word_of_musls_threads, PTHREAD_MUSL)
WORD(word_of_posix_spawn, SPAWN) WORD(word_of_pidfd_spawn, PIDFD_SPAWN)

/* No stack: EINVAL for all, whatever the word. */
static void
without_stack(cloner *call, int word)
{
	static char block[8192] __attribute__((aligned(64)));
	void **tls = (void **)(void *)(block + 4096);
	pid_t tid = 0;

	need(call);
	tls[0] = tls;
	errno = 0;
	expect("clone", call(spawned, NULL, word, NULL, &tid, tls, &tid), -1);
	expect("errno", errno, EINVAL);
	errno = 0;
	expect("clone without func", call(NULL, next_stack(), word, NULL, &tid, tls, &tid), -1);
	expect("errno", errno, EINVAL);
	expect("the words of the ids", tid, 0);
}

#define NO_STACK(name, word) \
	static void name##_by_clone(void) { without_stack(clone, word); } \
	static void name##_by___clone(void) { without_stack(__clone, word); }
NO_STACK(no_stack_glibcs_threads, PTHREAD_GLIBC) NO_STACK(no_stack_musls_threads, PTHREAD_MUSL)
NO_STACK(no_stack_posix_spawn, SPAWN) NO_STACK(no_stack_pidfd_spawn, PIDFD_SPAWN)
NO_STACK(no_stack_copied, SIGCHLD)

/* As in a container whose filter doesn't know clone3. */
static void
refuse_clone3(void)
{
#ifdef SYS_clone3
	struct sock_filter code[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_clone3, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | ENOSYS),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
	};
	struct sock_fprog program = { sizeof(code) / sizeof(code[0]), code };

	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == -1 ||
	    prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) == -1)
		skip_case("no seccomp");
#endif
}

/* glibc 2.39 and newer have it. */
static void
libcs_pidfd_spawn(void)
{
	char *argv[] = { (char *)"true", NULL };
	siginfo_t info;
	int fd = -12345;

	if (pidfd_spawn == NULL)
		not_applicable();
	refuse_clone3();
	expect("pidfd_spawn", pidfd_spawn(&fd, "/bin/true", NULL, NULL, argv, argv + 1), 0);
	memset(&info, 0, sizeof(info));
	expect("waitid", waitid((idtype_t)3, (id_t)fd, &info, WEXITED), 0);
	expect("its status", info.si_status, 0);
	close(fd);
}

static void *
gives_its_argument(void *arg)
{
	return arg;
}

static void
create_thread(void)
{
	pthread_t thread;
	void *value = NULL;

	refuse_clone3();
	expect("pthread_create", pthread_create(&thread, NULL, gives_its_argument, &value), 0);
	expect("pthread_join", pthread_join(thread, &value), 0);
	expect("its value", value == (void *)&value, 1);
}

static void libcs_threads(void) { in_process(create_thread); }

static void
create_refused_thread(void)
{
	pthread_t thread;

	refuse_clone3();
	if (refuse_flags(0, 0, EAGAIN) == -1)
		skip_case("no seccomp");
	expect("pthread_create", pthread_create(&thread, NULL, gives_its_argument, NULL), EAGAIN);
}

static void libcs_threads_refused(void) { in_process(create_refused_thread); }

#define BOTH(name)	CASE(name##_by_clone), CASE(name##_by___clone)

static const struct test cases[] = {
	CASE(own_posix_spawn_without_stack), CASE(own_posix_spawn_without_stack_by___clone),
	CASE(own_posix_spawn_refused), CASE(own_posix_spawn_refused_by___clone),
	BOTH(word_of_glibcs_threads), BOTH(word_of_musls_threads), BOTH(word_of_posix_spawn),
	BOTH(word_of_pidfd_spawn), BOTH(no_stack_glibcs_threads), BOTH(no_stack_musls_threads),
	BOTH(no_stack_posix_spawn), BOTH(no_stack_pidfd_spawn), BOTH(no_stack_copied),
	CASE(libcs_pidfd_spawn), CASE(libcs_threads), CASE(libcs_threads_refused),
};

int
main(int argc, char **argv)
{
	return RUN(cases);
}
