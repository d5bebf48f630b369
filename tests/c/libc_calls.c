/*
 * What libc makes by its own __clone: pthread_create, posix_spawn, system.
 * They have to work, and to fail with the right errno, in a static program
 * whose __clone is ours. clone3 is refused, so that glibc takes clone.
 *
 *	libc_calls [clone]	"clone": clone fails as well, with EAGAIN
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
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

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
}

int
main(int argc, char **argv)
{
	static char stack[65536];
	pthread_t unused;
	int value = 42, status;
	pid_t pid;

	(void)argv;
#ifdef SYS_clone3
	refuse(SYS_clone3, ENOSYS);
#endif
	if (argc > 1) {
		refuse(SYS_clone, EAGAIN);
		expect("pthread_create", pthread_create(&unused, NULL, thread,
		    NULL), EAGAIN);
		expect("posix_spawn", spawn("/bin/true", &status), EAGAIN);
		errno = 0;
#ifdef __GLIBC__
		expect("system", system("exit 3"), 127 << 8);
#else
		expect("system", system("exit 3"), -1);
#endif
		expect("its errno", errno, EAGAIN);
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
