/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Copyright (c) 2026 The nbclone developers */
/* What is shared and what never is: as the kernel says (kcmp) and by effects. */
#include "suite.h"

#ifdef __linux__
#include <sys/syscall.h>
#endif

#if defined(__linux__) && defined(SYS_kcmp)
enum { KCMP_VM = 1, KCMP_FILES, KCMP_FS, KCMP_SIGHAND };

/* 1 shared, 0 not, -errno */
static long shares(long me, long other, int what)
{
	long result = syscall(SYS_kcmp, me, other, (long)what, 0L, 0L);

	return result == -1 ? -errno : result == 0;
}

/* The child asks, while its parent is there: blocked by VFORK or waiting. */
static int ask(void *arg)
{
	int what;

	(void)arg;
	for (what = KCMP_VM; what <= KCMP_SIGHAND; what++)
		scratch->cell[what] = shares(getpid(), getppid(), what);
	return 7;
}

static void ask_kernel(long flags)
{
	static const struct {
		const char *name;
		int what, flag;
	} all[] = {{"memory", KCMP_VM, CLONE_VM},
	           {"descriptor table", KCMP_FILES, CLONE_FILES},
	           {"cwd, root, umask", KCMP_FS, CLONE_FS},
	           {"handlers", KCMP_SIGHAND, CLONE_SIGHAND}};
	size_t i;
	pid_t pid;

	pid = clone(ask, stack_top(0), (int)flags | SIGCHLD, NULL);
	check(strcmp(waited(pid, 0), "exit7") == 0, "the child");
	if (scratch->cell[KCMP_VM] == -ENOSYS || scratch->cell[KCMP_VM] == -EPERM)
		skip("kcmp(2): %s", error_name((int)-scratch->cell[KCMP_VM]));
	for (i = 0; i < sizeof all / sizeof all[0]; i++)
		check(scratch->cell[all[i].what] == ((flags & all[i].flag) != 0),
		      "the kernel says of the %s: %ld", all[i].name, scratch->cell[all[i].what]);
}
#else
static void ask_kernel(long flags)
{
	(void)flags;
	skip("no kcmp(2) on this system");
}
#endif

static int change_root(void *arg)
{
	(void)arg;
	scratch->cell[0] = chroot(other_dir);
	return 0;
}

static void root(long flags)
{
	const char *row = text("chroot,%s", combination((int)flags));
	struct stat dir;
	pid_t pid;

	if (geteuid() != 0)
		skip("chroot(2) needs root");
	stat(other_dir, &dir);
	pid = clone(change_root, stack_top(0), (int)flags | SIGCHLD, NULL);
	claim(12, row, "ret", returned(pid), "pid", 0);
	waited(pid, 0);
	if (scratch->cell[0] != 0)
		skip("chroot(2) isn't allowed here");
	claim(12, row, "chroot", number(scratch->cell[0]), "0", 0);
	claim(12, row, "parent-root-changed", number(same_directory("/", &dir)),
	      flags & CLONE_FS ? "1" : "0", 0);
}

static int change_limits(void *arg)
{
	struct rlimit limit;

	getrlimit(RLIMIT_NOFILE, &limit);
	limit.rlim_cur = limit.rlim_cur > 200 ? 99 : limit.rlim_cur - 1;
	setrlimit(RLIMIT_NOFILE, &limit);
	scratch->cell[0] = nice(3) == -1;
	scratch->cell[1] = setpgid(0, 0) == 0 && getpgrp() == getpid();
	setpgid(0, *(pid_t *)arg); /* back: a case ends with its group */
	/* libc's setuid() would have its threads follow: the kernel's alone is meant. */
	return 0;
}

static void never_shared(long variant)
{
	const char *row = variant == 0 ? "rlimit/nice/uid,none" : "rlimit/nice/uid,all-shared";
	int flags = variant == 0 ? 0 : CLONE_VM | CLONE_FS | CLONE_FILES | CLONE_SIGHAND;
	struct rlimit before, after;
	int nice_before;
	pid_t group = getpgrp(), pid;

	getrlimit(RLIMIT_NOFILE, &before);
	nice_before = getpriority(PRIO_PROCESS, 0);
	pid = clone(change_limits, stack_top(0), flags | SIGCHLD, &group);
	claim(12, row, "ret", returned(pid), "pid", 0);
	check(strcmp(waited(pid, 0), "exit0") == 0, "%s: the child", row);
	getrlimit(RLIMIT_NOFILE, &after);
	claim(12, row, "rlimit-shared", number(before.rlim_cur != after.rlim_cur), "0", 0);
	claim(12, row, "nice-shared", number(getpriority(PRIO_PROCESS, 0) != nice_before), "0", 0);
	claim(12, row, "child-own-pgrp", number(scratch->cell[1]), "1", 0);
	check(getpgrp() == group, "%s: the parent's process group", row);
}

static char *volatile new_page;

static int map_page(void *arg)
{
	char *page = mmap(NULL, page_size(), PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANON, -1, 0);

	(void)arg;
	if (page == (char *)MAP_FAILED)
		return 1;
	page[0] = 'x';
	new_page = page;
	return 0;
}

static void child_mmap(long unused)
{
	pid_t pid;

	(void)unused;
	pid = clone(map_page, stack_top(0), CLONE_VM | SIGCHLD, NULL);
	claim(12, "child-mmap,VM", "ret", returned(pid), "pid", 0);
	check(strcmp(waited(pid, 0), "exit0") == 0, "the child");
	claim(12, "child-mmap,VM", "child-mmap-in-parent-after-exit",
	      number(new_page != NULL && new_page[0] == 'x'), "1", 0);
}

void sharing_cases(void)
{
	static const int fs[] = {0, CLONE_FS, CLONE_VM, CLONE_VM | CLONE_FS | CLONE_VFORK};
	static const int each[] = {CLONE_VM, CLONE_FS, CLONE_FILES, CLONE_SIGHAND, CLONE_VFORK};
	int i, bit, flags;

	for (i = 0; i < 32; i++) {
		flags = 0;
		for (bit = 0; bit < 5; bit++)
			flags |= i & (1 << bit) ? each[bit] : 0;
		if ((flags & CLONE_SIGHAND) && !(flags & CLONE_VM))
			continue;
		add(ask_kernel, flags, "sharing: asked of the kernel, %s", combination(flags));
	}
	for (i = 0; i < 4; i++)
		add(root, fs[i], "sharing: the root directory, %s", combination(fs[i]));
	add(never_shared, 0, "sharing: limits, priority, process group, none");
	add(never_shared, 1, "sharing: limits, priority, process group, VM|FS|FILES|SIGHAND");
	add(child_mmap, 0, "sharing: a mapping made by the child outlives it, VM");
}
