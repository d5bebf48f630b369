/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Copyright (c) 2026 The nbclone developers */
/* works optimised: sum 36 */
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>
#include <sys/wait.h>
#include <linux/sched.h>
#include <linux/unistd.h>
static inline _syscall2(int, clone, void *, sp, unsigned long, flags)
#define STACKSIZE 16384
static int start_thread(void (*fn)(void *), void *data)
{
	void **sp = (void **)malloc(STACKSIZE);
	if (!sp)
		return -1;
	sp = (void **)(STACKSIZE + (char *)sp);
	*--sp = data;
	*--sp = (void *)fn;
	{
		int pid = clone(sp, SIGCLD);
		if (pid == 0) {
			if (sp[0] != (void *)fn || sp[1] != data)
				_exit(1);
			(*fn)(data);
			_exit(0);
		}
		return pid;
	}
}
static volatile int parts[8];
static void part(void *n) { parts[(long)n] = (int)(long)n + 1; }
int main()
{
	int i, pids[8], status, sum = 0;
	for (i = 0; i < 8; i++)
		pids[i] = start_thread(part, (void *)(long)i);
	for (i = 0; i < 8; i++)
		if (waitpid(pids[i], &status, 0) != pids[i] || status)
			printf("%d: %x\n", i, status);
	for (i = 0; i < 8; i++)
		sum += parts[i];
	printf("sum %d\n", sum);
	return 0;
}
