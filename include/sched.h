/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Copyright (c) 2026 The nbclone developers */
/*
 * sched.h - an overlay over the system's: <sched.h> as NetBSD has it, with
 * clone(2) whatever feature macros are defined. Of the CLONE_* macros only
 * NetBSD's are seen. A use of any other is an error that says what NetBSD
 * lacks, while #ifdef of it is false, as on NetBSD; -DNBCLONE_LINUX_FLAGS
 * shows them all (for NBCLONE_POLICY=host).
 *
 * A macro that the program defines itself (#ifndef CLONE_NEWPID, #define ...),
 * or gets from <linux/sched.h> behind this file, is the program's: such a call
 * is refused when it runs, under policy strict.
 *
 * No include guard around the whole: the system's own decides, and what comes
 * after may be read again.
 */
#if defined(__GNUC__)
# pragma GCC system_header	/* for include_next */
#endif
#include_next <sched.h>
#include "nbclone.h"

#ifdef NBCLONE_LINUX_FLAGS

# ifndef CLONE_NEWTIME
#  define CLONE_NEWTIME		0x00000080
# endif
# ifndef CLONE_PIDFD
#  define CLONE_PIDFD		0x00001000
# endif
# ifndef CLONE_PARENT
#  define CLONE_PARENT		0x00008000
# endif
# ifndef CLONE_THREAD
#  define CLONE_THREAD		0x00010000
# endif
# ifndef CLONE_NEWNS
#  define CLONE_NEWNS		0x00020000
# endif
# ifndef CLONE_SYSVSEM
#  define CLONE_SYSVSEM		0x00040000
# endif
# ifndef CLONE_SETTLS
#  define CLONE_SETTLS		0x00080000
# endif
# ifndef CLONE_PARENT_SETTID
#  define CLONE_PARENT_SETTID	0x00100000
# endif
# ifndef CLONE_CHILD_CLEARTID
#  define CLONE_CHILD_CLEARTID	0x00200000
# endif
# ifndef CLONE_DETACHED
#  define CLONE_DETACHED	0x00400000
# endif
# ifndef CLONE_UNTRACED
#  define CLONE_UNTRACED	0x00800000
# endif
# ifndef CLONE_CHILD_SETTID
#  define CLONE_CHILD_SETTID	0x01000000
# endif
# ifndef CLONE_NEWCGROUP
#  define CLONE_NEWCGROUP	0x02000000
# endif
# ifndef CLONE_NEWUTS
#  define CLONE_NEWUTS		0x04000000
# endif
# ifndef CLONE_NEWIPC
#  define CLONE_NEWIPC		0x08000000
# endif
# ifndef CLONE_NEWUSER
#  define CLONE_NEWUSER		0x10000000
# endif
# ifndef CLONE_NEWPID
#  define CLONE_NEWPID		0x20000000
# endif
# ifndef CLONE_NEWNET
#  define CLONE_NEWNET		0x40000000
# endif
# ifndef CLONE_IO
#  define CLONE_IO		0x80000000
# endif

#else

# undef CLONE_NEWTIME
# undef CLONE_PIDFD
# undef CLONE_PARENT
# undef CLONE_THREAD
# undef CLONE_NEWNS
# undef CLONE_SYSVSEM
# undef CLONE_SETTLS
# undef CLONE_PARENT_SETTID
# undef CLONE_CHILD_CLEARTID
# undef CLONE_DETACHED
# undef CLONE_UNTRACED
# undef CLONE_CHILD_SETTID
# undef CLONE_NEWCGROUP
# undef CLONE_NEWUTS
# undef CLONE_NEWIPC
# undef CLONE_NEWUSER
# undef CLONE_NEWPID
# undef CLONE_NEWNET
# undef CLONE_IO
# undef CLONE_CLEAR_SIGHAND
# undef CLONE_INTO_CGROUP

/* Each name again, as something that is no macro; the words are the trace's. */
# ifndef NBCLONE_LACKS
#  if defined(__has_attribute)
#   if __has_attribute(__unavailable__)	/* clang, gcc 12 */
#    define NBCLONE_LACKS(name, why) \
	enum { name __attribute__((__unavailable__(why))) = 0 };
#   endif
#  endif
#  ifndef NBCLONE_LACKS
#   define NBCLONE_LACKS(name, why) extern struct NetBSD_lacks_this_flag name;
#  endif
NBCLONE_LACKS(CLONE_NEWTIME, "NetBSD has no time namespaces")
NBCLONE_LACKS(CLONE_PIDFD, "NetBSD has no descriptors for processes")
NBCLONE_LACKS(CLONE_PARENT,
    "NetBSD has no child that is its creator's sibling")
NBCLONE_LACKS(CLONE_THREAD,
    "NetBSD has no threads by clone, only by _lwp_create")
NBCLONE_LACKS(CLONE_NEWNS, "NetBSD has no mount namespaces")
NBCLONE_LACKS(CLONE_SYSVSEM,
    "NetBSD has no semaphore undo values that processes share")
NBCLONE_LACKS(CLONE_SETTLS,
    "NetBSD has no thread pointer among clone's arguments")
NBCLONE_LACKS(CLONE_PARENT_SETTID, "NetBSD has no id stored for the parent")
NBCLONE_LACKS(CLONE_CHILD_CLEARTID,
    "NetBSD has no id cleared at the child's end")
NBCLONE_LACKS(CLONE_DETACHED,
    "NetBSD has no such flag, nor has Linux since 2.6")
NBCLONE_LACKS(CLONE_UNTRACED,
    "NetBSD has no flag against tracers: they follow by their own choice")
NBCLONE_LACKS(CLONE_CHILD_SETTID, "NetBSD has no id stored for the child")
NBCLONE_LACKS(CLONE_NEWCGROUP, "NetBSD has no control groups")
NBCLONE_LACKS(CLONE_NEWUTS, "NetBSD has no UTS namespaces")
NBCLONE_LACKS(CLONE_NEWIPC, "NetBSD has no IPC namespaces")
NBCLONE_LACKS(CLONE_NEWUSER, "NetBSD has no user namespaces")
NBCLONE_LACKS(CLONE_NEWPID, "NetBSD has no PID namespaces")
NBCLONE_LACKS(CLONE_NEWNET, "NetBSD has no network namespaces")
NBCLONE_LACKS(CLONE_IO, "NetBSD has no I/O contexts")
NBCLONE_LACKS(CLONE_CLEAR_SIGHAND, "NetBSD's clone resets no signal handlers")
NBCLONE_LACKS(CLONE_INTO_CGROUP, "NetBSD has no control groups")
# endif

#endif
