/* <linux/unistd.h> of Linux 1.x: the numbers of the system calls, and the
 * macros by which programs declared those that their libc didn't have:
 *
 *	static inline _syscall2(int, clone, void *, sp, unsigned long, flags)
 *
 * which is what clone needed. It still may be declared so: the calls go to the
 * macro of <linux/sched.h>, for no C function can return on another stack.
 * The function itself, called through a pointer, fails with ENOSYS.
 */
#ifndef NBCLONE_LINUX1_LINUX_UNISTD_H
#define NBCLONE_LINUX1_LINUX_UNISTD_H

#include <sys/syscall.h>	/* __NR_*, from <asm/unistd.h> where there is one */
#include <linux/sched.h>

extern long __linux1_syscall(long __number, ...) __asm__("syscall");

/* There is no call 9999 anywhere: the kernel says ENOSYS. (To a number as high
 * as -1, 32-bit ARM's says SIGILL.) */
#define __LINUX1_NUMBER(number) \
	((number) == __NR_clone ? 9999L : (long)(number))

#define _syscall0(type, name) \
type __attribute__((__unused__)) (name)(void) \
{ \
	return (type)__linux1_syscall(__LINUX1_NUMBER(__NR_##name)); \
}

#define _syscall1(type, name, type1, arg1) \
type __attribute__((__unused__)) (name)(type1 arg1) \
{ \
	return (type)__linux1_syscall(__LINUX1_NUMBER(__NR_##name), \
		(long)(arg1)); \
}

#define _syscall2(type, name, type1, arg1, type2, arg2) \
type __attribute__((__unused__)) (name)(type1 arg1, type2 arg2) \
{ \
	return (type)__linux1_syscall(__LINUX1_NUMBER(__NR_##name), \
		(long)(arg1), (long)(arg2)); \
}

#define _syscall3(type, name, type1, arg1, type2, arg2, type3, arg3) \
type __attribute__((__unused__)) (name)(type1 arg1, type2 arg2, type3 arg3) \
{ \
	return (type)__linux1_syscall(__LINUX1_NUMBER(__NR_##name), \
		(long)(arg1), (long)(arg2), (long)(arg3)); \
}

#define _syscall4(type, name, type1, arg1, type2, arg2, type3, arg3, \
	type4, arg4) \
type __attribute__((__unused__)) (name)(type1 arg1, type2 arg2, type3 arg3, \
	type4 arg4) \
{ \
	return (type)__linux1_syscall(__LINUX1_NUMBER(__NR_##name), \
		(long)(arg1), (long)(arg2), (long)(arg3), (long)(arg4)); \
}

#define _syscall5(type, name, type1, arg1, type2, arg2, type3, arg3, \
	type4, arg4, type5, arg5) \
type __attribute__((__unused__)) (name)(type1 arg1, type2 arg2, type3 arg3, \
	type4 arg4, type5 arg5) \
{ \
	return (type)__linux1_syscall(__LINUX1_NUMBER(__NR_##name), \
		(long)(arg1), (long)(arg2), (long)(arg3), (long)(arg4), \
		(long)(arg5)); \
}

#endif
