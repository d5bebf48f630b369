/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Copyright (c) 2026 The nbclone developers */
/* What the cases share: stacks, names for answers, waiting, gates. */
#include "suite.h"

#include <stdarg.h>
#ifdef __linux__
#include <sys/prctl.h>
#include <sys/syscall.h>
#endif

static union {
	char bytes[STACK_SIZE];
	char align __attribute__((aligned(64)));
} stacks[3];

void *stack_top(int which)
{
	return stacks[which].bytes + STACK_SIZE;
}

const char *text(const char *format, ...)
{
	static char ring[32][200];
	static unsigned next;
	char *at = ring[next++ % 32];
	va_list list;

	va_start(list, format);
	vsnprintf(at, sizeof ring[0], format, list);
	va_end(list);
	return at;
}

const char *number(long n)
{
	return text("%ld", n);
}

const char *error_name(int error)
{
	static const struct {
		int error;
		const char *name;
	} names[] = {{EINVAL, "EINVAL"}, {ECHILD, "ECHILD"}, {EAGAIN, "EAGAIN"},
	             {ENOMEM, "ENOMEM"}, {EPERM, "EPERM"},   {ENOSYS, "ENOSYS"},
	             {ESRCH, "ESRCH"},   {ENOENT, "ENOENT"}, {EINTR, "EINTR"},
	             {EFAULT, "EFAULT"}, {EBADF, "EBADF"}};
	size_t i;

	for (i = 0; i < sizeof names / sizeof names[0]; i++)
		if (names[i].error == error)
			return names[i].name;
	return text("%d", error);
}

const char *returned(pid_t pid)
{
	if (pid > 0)
		return "pid";
	return text("%ld/%s", (long)pid, error_name(errno));
}

static const char *signal_name(int signal)
{
	static const struct {
		int signal;
		const char *name;
	} names[] = {{SIGSEGV, "SEGV"}, {SIGBUS, "BUS"},   {SIGKILL, "KILL"}, {SIGTERM, "TERM"},
	             {SIGABRT, "ABRT"}, {SIGUSR1, "USR1"}, {SIGUSR2, "USR2"}, {SIGCHLD, "CHLD"},
	             {SIGHUP, "HUP"},   {SIGSTOP, "STOP"}, {SIGALRM, "ALRM"}, {SIGILL, "ILL"},
	             {SIGTRAP, "TRAP"}, {SIGPIPE, "PIPE"}};
	size_t i;

	for (i = 0; i < sizeof names / sizeof names[0]; i++)
		if (names[i].signal == signal)
			return names[i].name;
	return number(signal);
}

const char *status_name(int status)
{
	if (WIFEXITED(status))
		return text("exit%d", WEXITSTATUS(status));
	if (WIFSTOPPED(status))
		return text("stop%s", signal_name(WSTOPSIG(status)));
	return text("sig%s", signal_name(WTERMSIG(status)));
}

const char *waited(pid_t pid, int options)
{
	int status = 0;
	pid_t result;

	do
		result = waitpid(pid, &status, options);
	while (result == -1 && errno == EINTR);
	if (result > 0)
		return status_name(status);
	return text("%ld/%s", (long)result, result == 0 ? "0" : error_name(errno));
}

int wait_status(pid_t pid, int options)
{
	int status = -1;

	while (waitpid(pid, &status, options) == -1 && errno == EINTR)
		;
	return status;
}

const char *combination(int flags)
{
	static const struct {
		int flag;
		const char *name;
	} names[] = {{CLONE_VM, "|VM"},
	             {CLONE_FS, "|FS"},
	             {CLONE_FILES, "|FILES"},
	             {CLONE_SIGHAND, "|SIGHAND"},
	             {CLONE_VFORK, "|VFORK"}};
	char name[64] = "";
	size_t i;

	for (i = 0; i < sizeof names / sizeof names[0]; i++)
		if (flags & names[i].flag)
			strcat(name, names[i].name);
	return name[0] == '\0' ? "none" : text("%s", name + 1);
}

void gate_make(struct gate *gate)
{
	int fds[2];

	if (pipe(fds) != 0)
		give_up("pipe");
	gate->in = fds[0];
	gate->out = fds[1];
}

void gate_open(const struct gate *gate)
{
	if (write(gate->out, "", 1) != 1)
		check(0, "writing to a gate: %s", error_name(errno));
}

void gate_wait(const struct gate *gate)
{
	char byte;

	while (read(gate->in, &byte, 1) == -1 && errno == EINTR)
		;
}

/* Lets others run. (Which library has sched_yield depends on the NetBSD.) */
void give_way(void)
{
#ifdef __NetBSD__
	struct timeval moment;

	moment.tv_sec = 0;
	moment.tv_usec = 1;
	select(0, NULL, NULL, NULL, &moment);
#else
	sched_yield();
#endif
}

/*
 * In a child of a VFORK: gives a parent that wrongly runs every chance to show
 * it. A parent that is blocked, as it has to be, loses nothing but some time.
 */
void yield_while_parent_blocked(void)
{
	int i;

	for (i = 0; i < 30 && !scratch->returned; i++)
		give_way();
}

int use_children_up(void)
{
	int count = 0;

	pid_t pid;

	while ((pid = waitpid(-1, NULL, WALLSIG)) > 0 || (pid == -1 && errno == EINTR))
		count += pid > 0;
	return count;
}

enum { PATTERN = 0x5a };

void fill(void *at, size_t size)
{
	memset(at, PATTERN, size);
}

/* As in the data: untouched, or first..last(count), relative to the stack argument. */
const char *written_below(void *stack, size_t below, size_t above)
{
	const volatile unsigned char *top = stack;
	long i, first = 0, last = 0, count = 0;

	for (i = -(long)below; i < (long)above; i++) {
		if (top[i] == PATTERN)
			continue;
		if (count++ == 0)
			first = i;
		last = i;
	}
	if (count == 0)
		return "untouched";
	return text("%ld..%ld(%ld)", first, last, count);
}

int same_directory(const char *a, const struct stat *b)
{
	struct stat now;

	return stat(a, &now) == 0 && now.st_ino == b->st_ino && now.st_dev == b->st_dev;
}

int become_user(void)
{
	gid_t id = (gid_t)(30000 + getpid() % 30000);

	if (geteuid() != 0)
		return 0;
	return setgid(id) == 0 && setuid((uid_t)id) == 0 ? 0 : -1;
}

size_t page_size(void)
{
	return (size_t)sysconf(_SC_PAGESIZE);
}

void *pages(size_t count)
{
	size_t page = page_size();
	char *at = mmap(NULL, (count + 2) * page, PROT_NONE, MAP_PRIVATE | MAP_ANON, -1, 0);

	if (at == MAP_FAILED || mprotect(at + page, count * page, PROT_READ | PROT_WRITE) != 0)
		give_up("guarded pages");
	return at + page;
}

/* Linux before 5.16 kills all who share the memory of a process that dumps core,
   even where the limit leaves nothing to be dumped: fs/exec.c, zap_threads. */
void die_alone(void)
{
#ifdef __linux__
	prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
#endif
}

/*
 * Whoever started us may have left any signal ignored. glibc's posix_spawn, by
 * which make starts its commands, leaves 32 and 33 so, and its sigaction refuses
 * to mend that: libc's own go past libc. A disposition of zeros is the default
 * one everywhere; SPARC takes the mask's size in the fifth argument.
 */
void default_dispositions(void)
{
	int number;

	for (number = 1; number < NSIG; number++)
		signal(number, SIG_DFL);
#ifdef __linux__
	for (number = 32; number < SIGRTMIN; number++) {
		static const long zeros[32];
		long mask_size = (NSIG + 6) / 8;

		syscall(SYS_rt_sigaction, (long)number, zeros, NULL, mask_size, mask_size);
	}
#endif
}
