/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Copyright (c) 2026 The nbclone developers */
/* refused: call clone(sp, flags), of <linux/sched.h> */
#include <asm/unistd.h>
int own_clone(void *sp, unsigned long flags)
{
	long result;
#if defined(__i386__) || defined(__x86_64__)
	__asm__ volatile("int $0x80" : "=a"(result) : "0"(__NR_clone), "b"(sp), "c"(flags));
#else
	result = __NR_clone;
#endif
	return (int)result;
}
int main() { return own_clone(0, 17); }
