/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Copyright (c) 2026 The nbclone developers */
/* <linux/unistd.h> of Linux 1.x: the numbers of the system calls, and the
 * macros by which programs declared those that their libc didn't have:
 *
 *	static inline _syscall2(int, clone, void *, sp, unsigned long, flags)
 *
 * which is what clone needed. It still may be declared so: the calls go to the
 * macro of <linux/sched.h>, for no C function can return on another stack.
 * The function itself, called through a pointer, fails with ENOSYS.
 *
 *	_syscall2(int, clone, int, flags, int, sp)
 *
 * is Linux 1.3's order: the name of the first argument decides. What it means
 * there is in <linux/sched.h>.
 *
 * The call's number is no use: today's kernel has other arguments, and neither
 * syscall(2) nor an "int $0x80" of one's own can return on another stack. So
 * __NR_clone and SYS_clone are refused by the compiler, or by the linker where
 * a compiler can't. __linux1_NR_clone is the number, for filters and tracers.
 */
#ifndef NBCLONE_LINUX1_LINUX_UNISTD_H
#define NBCLONE_LINUX1_LINUX_UNISTD_H

#include <asm/unistd.h>		/* __NR_* */
#include <sys/syscall.h>	/* the same, where there is no <asm/unistd.h> */
#include <linux/sched.h>

enum { __linux1_NR_clone = __NR_clone };

extern long linux1_clone_has_no_number_here(void)
#if defined(__has_attribute)
#if __has_attribute(__error__)
	__attribute__((__error__("call clone(sp, flags), of <linux/sched.h>: "
		"the number's call has other arguments today")))
#endif
#endif
	;

#undef __NR_clone
#define __NR_clone	linux1_clone_has_no_number_here()
#ifdef SYS_clone
#undef SYS_clone
#define SYS_clone	__NR_clone
#endif

extern long __linux1_syscall(long __number, ...) __asm__("syscall");

/* There is no call 9999 anywhere: the kernel says ENOSYS. (To a number as high
 * as -1, 32-bit ARM's says SIGILL.) */
static __inline__ long __linux1_no_call(void)
{
	return 9999L;
}

/* In a function that _syscallN makes for clone, this stands for clone's number. */
#define __LINUX1_NUMBER \
	long (*linux1_clone_has_no_number_here)(void) \
		__attribute__((__unused__)) = __linux1_no_call

#define _syscall0(type, name) \
type __attribute__((__unused__)) (name)(void) \
{ \
	__LINUX1_NUMBER; \
	return (type)__linux1_syscall(__NR_##name); \
}

#define _syscall1(type, name, type1, arg1) \
type __attribute__((__unused__)) (name)(type1 arg1) \
{ \
	__LINUX1_NUMBER; \
	return (type)__linux1_syscall(__NR_##name, \
		(long)(arg1)); \
}

/* It also keeps the name of its first argument, by which clone's order is known. */
#define _syscall2(type, name, type1, arg1, type2, arg2) \
type __attribute__((__unused__)) (name)(type1 arg1, type2 arg2) \
{ \
	__LINUX1_NUMBER; \
	return (type)__linux1_syscall(__NR_##name, \
		(long)(arg1), (long)(arg2)); \
} \
static const char *const __linux1_first_##name \
	__attribute__((__unused__)) = #arg1;

#define _syscall3(type, name, type1, arg1, type2, arg2, type3, arg3) \
type __attribute__((__unused__)) (name)(type1 arg1, type2 arg2, type3 arg3) \
{ \
	__LINUX1_NUMBER; \
	return (type)__linux1_syscall(__NR_##name, \
		(long)(arg1), (long)(arg2), (long)(arg3)); \
}

#define _syscall4(type, name, type1, arg1, type2, arg2, type3, arg3, \
	type4, arg4) \
type __attribute__((__unused__)) (name)(type1 arg1, type2 arg2, type3 arg3, \
	type4 arg4) \
{ \
	__LINUX1_NUMBER; \
	return (type)__linux1_syscall(__NR_##name, \
		(long)(arg1), (long)(arg2), (long)(arg3), (long)(arg4)); \
}

#define _syscall5(type, name, type1, arg1, type2, arg2, type3, arg3, \
	type4, arg4, type5, arg5) \
type __attribute__((__unused__)) (name)(type1 arg1, type2 arg2, type3 arg3, \
	type4 arg4, type5 arg5) \
{ \
	__LINUX1_NUMBER; \
	return (type)__linux1_syscall(__NR_##name, \
		(long)(arg1), (long)(arg2), (long)(arg3), (long)(arg4), \
		(long)(arg5)); \
}

#endif
