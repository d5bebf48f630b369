/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Copyright (c) 2026 The nbclone developers */
/* <linux/sched.h> of Linux 1.x, as far as programs used it: clone(2) with
 * COPYVM and COPYFD. For old source, with -Iinclude/linux1 and libnbclone.
 * The manual is linux1_clone(3).
 *
 *	pid_t clone(void *sp, unsigned long flags);
 *
 * returns twice: the child's pid in the parent, 0 in the child; or it fails
 * with -1 and errno. sp is the child's stack pointer, the end of memory that
 * is the child's alone. If it is 0, or the caller's own stack pointer, the
 * child keeps the caller's stack and COPYVM is forced. fork() is
 * clone(0, SIGCLD | COPYVM).
 *
 *	if (clone(sp, SIGCLD) == 0) {
 *		worker(data);
 *		_exit(0);
 *	}
 *
 * A child on a stack of its own, in shared memory:
 *
 * - It may read and write the caller's locals, which are the parent's: it finds
 *   them through the frame pointer. What both use has to be volatile. The
 *   parent must not leave the function that called clone, nor give those
 *   locals other values, before the child has what it needs of them: at once to
 *   wait for it is safest. A function that does no more than the four lines
 *   above may return, for worker's arguments are in registers: gcc optimises
 *   whatever comes behind this header, at -O0 too. clang can't be told so, and
 *   without -O it warns of each call (-Wattribute-warning): there it may not.
 * - It may call functions. It must end with _exit (or exec), also where worker
 *   returns, and must never return from the function that called clone: there is
 *   no return address on its stack.
 * - It shares errno and the whole of libc's state of the thread that made it: the
 *   thread id that libc knows is the parent's, stdio's locks don't hold between
 *   them, and malloc isn't safe while the other may be in it.
 *
 * Compare clone's result directly. In "pid = clone(sp, flags)" with pid in memory,
 * as it is without optimisation, parent and child write the same variable.
 *
 * A function that is inlined into the one that called clone has its locals in that
 * frame: one place for all children and the parent. So for gcc no function behind this
 * header is inlined. clang can't be told so; it doesn't inline what is followed
 * by _exit unless it is tiny: give such a worker __attribute__((noinline)).
 *
 * clone is a macro of macros. Old source that declares it with _syscall2 gets a
 * function of another name, which is never called; nothing else can be called
 * clone behind this header: a declaration or a clone of the program's own has to
 * be taken out.
 *
 * Linux 1.3 had the arguments in the other order, and CLONE_VM, CLONE_FS,
 * CLONE_FILES and CLONE_SIGHAND, each of which means "share". Source that
 * declares clone so,
 *
 *	static inline _syscall2(int, clone, int, flags, int, sp)
 *
 * (_syscall2 is in <linux/unistd.h>; the first argument's name decides) gets
 * that: clone(CLONE_VM | SIGCLD, sp), by names of its own or by those below.
 * Only on a stack of its own does a child share memory or signal handlers.
 *
 * History. Kernel 1.0's clone was fork with two choices: a bit that was set had
 * something copied, COPYVM memory and COPYFD the open files, which otherwise
 * were shared. Sharing memory was never finished: its source says so, and later
 * 1.x kernels answered ENOSYS unless they were compiled with
 * CLONE_ACTUALLY_WORKS_OK, which nothing defined by default. When 1.3 made it
 * whole, more could be shared than two things, and a bit for each that means
 * "share" leaves fork without any: COPYVM's 0x100 became CLONE_VM with the
 * opposite sense, and the arguments changed places.
 */
#ifndef NBCLONE_LINUX1_LINUX_SCHED_H
#define NBCLONE_LINUX1_LINUX_SCHED_H

#ifdef __cplusplus
#error "<linux/sched.h> of Linux 1.x is for C"
#endif

#include <sys/types.h>
#include <signal.h>
/* Before the macro is defined: this declares libc's own clone. */
#include <sched.h>

#undef CSIGNAL
#define CSIGNAL	0x000000ff	/* the exit signal */
#define COPYVM	0x00000100	/* copy memory; else share it */
#define COPYFD	0x00000200	/* copy open files; else share them, as by fork */

/* Linux 1.3's. The two high bits tell its words from 1.x's. */
#define __LINUX1_3	0x00c00000
enum {
#ifndef CLONE_VM
	CLONE_VM = __LINUX1_3 | 0x100,		/* share memory */
#endif
#ifndef CLONE_FS
	CLONE_FS = __LINUX1_3 | 0x200,		/* share directories and umask */
#endif
#ifndef CLONE_FILES
	CLONE_FILES = __LINUX1_3 | 0x400,	/* share descriptors */
#endif
#ifndef CLONE_SIGHAND
	CLONE_SIGHAND = __LINUX1_3 | 0x800,	/* share signal handlers */
#endif
	__linux1_3 = __LINUX1_3
};

#ifndef SIGCLD
#define SIGCLD	SIGCHLD
#endif

/* Kernels of 1.x had to be compiled with this to share memory. Here it is shared. */
#define CLONE_ACTUALLY_WORKS_OK	1

/* Child and parent run in one function at the same time. A compiler believes that
 * only one of the two branches is taken, so it may spill registers of both to one
 * place on the stack. */
#if defined(__clang__)
/* To clang the attribute means just that such places aren't shared. */
#define __LINUX1_TWICE	__attribute__((__returns_twice__))
#else
/* To gcc it would also mean to keep every live value in memory, where parent and
 * child would share it: the options below only part the places. */
#define __LINUX1_TWICE
#ifdef __GNUC__
#ifndef __OPTIMIZE__
/* Without it a child has its arguments in the frame, which its parent may leave. */
#pragma GCC optimize ("O1")
#endif
#pragma GCC optimize ("no-inline", "no-ira-share-spill-slots")
#pragma GCC optimize ("stack-reuse=none")
#endif
#endif

/* clang can't be told to optimise. */
#define __LINUX1_NOT_OPTIMISED
#if defined(__clang__) && !defined(__OPTIMIZE__) && defined(__has_attribute)
#if __has_attribute(__warning__)
#undef __LINUX1_NOT_OPTIMISED
#define __LINUX1_NOT_OPTIMISED	__attribute__((__warning__("compiled without " \
	"-O, the child has its arguments in this function's frame: the parent " \
	"must not leave it before the child has ended")))
#endif
#endif

/* The third argument isn't read. It makes the caller allocate memory on its stack
 * whose size (0) the compiler doesn't know. So the compiler reaches locals through
 * a frame pointer, as the child on its other stack must; and it stores none of the
 * three arguments in the frame, where parent and child would both write. */
extern pid_t __linux1_call(void *__sp, unsigned long __flags, void *__frame)
	__asm__("linux1_clone") __LINUX1_TWICE __LINUX1_NOT_OPTIMISED;

static __inline__ unsigned long __linux1_zero(void)
{
	unsigned long __zero = 0;

#ifndef __TINYC__
	__asm__("" : "+r" (__zero));
#endif
	return __zero;
}

/* The name of clone's first argument, where _syscall2 declares clone; else NULL. */
static const char *const __linux1_first_clone __attribute__((__unused__));

/* Whether the argument of that name is the flags: "fl" is in it. */
static __inline__ int __linux1_flags_first(const char *__name)
{
	for (; __name && *__name; __name++)
		if (__name[0] == 'f' && __name[1] == 'l')
			return 1;
	return 0;
}

/* Each argument is evaluated once. */
#define __LINUX1_CHOOSE(sp_first, flags_first) \
	(__linux1_flags_first(__linux1_first_clone) ? \
		(unsigned long)(flags_first) : (unsigned long)(sp_first))

#define __linux1_clone(sp, flags) \
	__linux1_call((void *)__LINUX1_CHOOSE(sp, flags), \
		__LINUX1_CHOOSE(flags, __LINUX1_3 | (unsigned long)(sp)), \
		__builtin_alloca(__linux1_zero()))
#undef clone
#define clone	__linux1_clone	/* so take out a declaration of your own */

#endif
