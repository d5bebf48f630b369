/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Copyright (c) 2026 The nbclone developers */
/* works: a child of its own, memory 0, directory /proc */
#include <stdio.h>
#include <signal.h>
#include <linux/sched.h>
#include <linux/unistd.h>
#define CLONE_VM 0x100
#define CLONE_FS 0x200
#define CLONE_FILES 0x400
_syscall2(int, clone, int, flags, int, sp);
static int memory;
main()
{
	char here[64];
	int status;
	int parent = getpid();
	int pid = clone(SIGCLD | CLONE_FS | CLONE_FILES, 0);
	if (pid == 0) {
		memory = 1;
		chdir("/proc");
		_exit(getpid() == parent);
	}
	waitpid(pid, &status, 0);
	getcwd(here, sizeof here);
	printf("a child %s, memory %d, directory %s\n", status ? "of no" : "of its own", memory, here);
	return 0;
}
