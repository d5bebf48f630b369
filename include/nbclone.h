/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Copyright (c) 2026 The nbclone developers */
/*
 * nbclone.h - NetBSD's clone(2) on a Linux host.
 *
 * For new code, which then compiles on Linux and on NetBSD. Code ported from
 * either says #include <sched.h>, and finds the same through the overlay beside
 * this file.
 *
 * Sources: NetBSD's clone(2) manual, its sys/sched.h and kern_fork.c; Linux's
 * include/uapi/linux/sched.h for the numbers, which are the same.
 */
#ifndef NBCLONE_H
#define NBCLONE_H

/*
 * One header for both systems. On NetBSD clone(2) is libc's: the system's own
 * headers declare it and name its flags, and this one adds no declaration.
 */
#if defined(__NetBSD__)
# include <sched.h>
# include <sys/wait.h>
# ifndef WALTSIG
#  error "nbclone.h: define _NETBSD_SOURCE, or NetBSD's headers have no clone"
# endif
# ifndef __WCLONE
#  define __WCLONE	WALTSIG		/* Linux's names of them */
# endif
# ifndef __WALL
#  define __WALL	WALLSIG
# endif
#elif defined(__KLIBC__)
# error "nbclone.h: klibc's __clone takes other arguments, and klibc lacks what libnbclone.a needs"
#elif defined(__linux__)
# include <sys/types.h>
#else
# error "nbclone.h: NetBSD has clone(2), and libnbclone brings it to Linux: to no other system"
#endif

#define NBCLONE_VERSION		"1.1.0"
#define NBCLONE_VERSION_MAJOR	1
#define NBCLONE_VERSION_MINOR	1
#define NBCLONE_VERSION_PATCH	0

/*
 * The flag word. Each flag acts by itself; CLONE_SIGHAND needs CLONE_VM.
 * (Spelt as the system's <sched.h> spells them, so that both may be included.)
 */
#ifndef CLONE_CSIGNAL
# define CLONE_CSIGNAL	0x000000ff	/* the exit signal, 0 for none */
#endif
#ifndef CSIGNAL
# define CSIGNAL	0x000000ff	/* Linux's name of it */
#endif
#ifndef CLONE_VM
# define CLONE_VM	0x00000100	/* share memory */
#endif
#ifndef CLONE_FS
# define CLONE_FS	0x00000200	/* share cwd, root directory, umask */
#endif
#ifndef CLONE_FILES
# define CLONE_FILES	0x00000400	/* share the descriptor table */
#endif
#ifndef CLONE_SIGHAND
# define CLONE_SIGHAND	0x00000800	/* share handlers, not the mask */
#endif
#ifndef CLONE_VFORK
# define CLONE_VFORK	0x00004000	/* wait until the child exits or execs */
#endif

/* Names that NetBSD has without the thing: see the policies below. */
#ifndef CLONE_PID
# define CLONE_PID	0x00001000
#endif
#ifndef CLONE_PTRACE
# define CLONE_PTRACE	0x00002000
#endif

/*
 * Options of the wait functions. A child whose exit signal isn't SIGCHLD is
 * waited for with one of them; without, the wait fails with ECHILD.
 */
#ifndef __WCLONE
# define __WCLONE	0x80000000
#endif
#ifndef __WALL
# define __WALL		0x40000000
#endif
#ifndef WALTSIG
# define WALTSIG	__WCLONE	/* only such children */
#endif
#ifndef WALLSIG
# define WALLSIG	__WALL		/* all children */
#endif

#ifndef __NetBSD__

/* As the host's own declaration has it, which C++ compares. */
#if defined(__cplusplus) && defined(__GLIBC__)
# if __cplusplus >= 201103L
#  define NBCLONE_NOTHROW	noexcept(true)
# else
#  define NBCLONE_NOTHROW	throw()
# endif
#else
# define NBCLONE_NOTHROW
#endif

/*
 * The linker's name of both functions. The library alone has it: where -lnbclone
 * is missing, or stands where the linker passes over it, the link fails instead
 * of taking libc's clone. The library exports clone and __clone too, for
 * programs that were compiled without this header.
 */
#define NBCLONE_LINKED		__asm__("nbclone_clone")

#ifdef __cplusplus
extern "C" {
#endif

/*
 * clone, __clone: make a child process that starts in func(arg).
 *
 *	func	what the child runs; its value, masked to 8 bits, is the
 *		child's exit status, by _exit(2): no atexit(3) function runs,
 *		nothing is flushed, and the whole process ends
 *	stack	the end (the highest address) of memory for the child's stack,
 *		of any alignment; nothing is written there before the child
 *		exists. With CLONE_VM nobody else may use this memory
 *	flags	CLONE_* flags or'ed with the exit signal, 0 to the host's highest
 *		(64; 127 on MIPS)
 *	arg	for func
 *	...	only under policy host: pid_t *parent_tid, void *tls,
 *		pid_t *child_tid, as in Linux's clone(2)
 *
 * They return the child's process id, or -1 with errno:
 *
 *	EINVAL	func or stack is NULL; CLONE_SIGHAND without CLONE_VM;
 *		CLONE_PTRACE; an exit signal beyond the highest; under policy
 *		strict a bit that isn't defined above
 *	EAGAIN	the limit of processes
 *	ENOMEM	no memory
 *	others	as the host's kernel gives them
 *
 * Success leaves errno as it is. The environment variable NBCLONE_POLICY says
 * what to do about the bits that NetBSD doesn't implement: "strict" (the
 * default) refuses them, "netbsd" ignores all but CLONE_PTRACE as NetBSD does,
 * "host" hands everything to Linux.
 */
extern int clone(int (*func)(void *), void *stack, int flags, void *arg, ...)
    NBCLONE_NOTHROW NBCLONE_LINKED;
extern int __clone(int (*func)(void *), void *stack, int flags, void *arg, ...)
    NBCLONE_NOTHROW NBCLONE_LINKED;

#ifdef __cplusplus
}
#endif

#endif /* !__NetBSD__ */

#endif /* NBCLONE_H */
