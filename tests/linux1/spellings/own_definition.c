/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Copyright (c) 2026 The nbclone developers */
/* refused: take out a declaration of your own */
#include <linux/sched.h>
int clone(sp, flags)
	void *sp;
	unsigned long flags;
{
	return -1;
}
int main() { return clone(0, SIGCLD); }
