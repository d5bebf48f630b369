/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Copyright (c) 2026 The nbclone developers */
/* works: memory 1, descriptor -1, signal 5 */
#include <stdio.h>
#include <unistd.h>
#include <fcntl.h>
#include <sys/wait.h>
#include <linux/sched.h>
#include <linux/unistd.h>
static inline _syscall2(long, clone, unsigned long, clone_flags, unsigned long, newsp)
static char stack[16384];
static volatile int memory, caught;
static void handler(int s) { caught = 5; }
int main()
{
	int fd = open("/dev/null", O_RDWR);
	unsigned long flags = CLONE_VM | CLONE_FS | CLONE_FILES | CLONE_SIGHAND | SIGCLD;
	if (clone(flags, stack + sizeof stack) == 0) {
		memory = 1;
		close(fd);
		signal(SIGUSR1, handler);
		_exit(0);
	}
	wait((int *)0);
	kill(getpid(), SIGUSR1);
	printf("memory %d, descriptor %d, signal %d\n", memory, fcntl(fd, F_GETFD), caught);
	return 0;
}
