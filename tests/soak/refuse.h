/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Copyright (c) 2026 The nbclone developers */
/*
 * refuse.h - makes the kernel refuse clone(2), by a seccomp filter.
 */
#ifndef REFUSE_H
#define REFUSE_H

#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <sys/prctl.h>
#include <sys/syscall.h>

/* Where the low half of clone's flag word is among the arguments. */
#ifdef __s390x__
# define REFUSE_FLAGS	1
#else
# define REFUSE_FLAGS	0
#endif
#if __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
# define REFUSE_LOW	4
#else
# define REFUSE_LOW	0
#endif

/* From here on clone(2) with flags in `mask` equal to `value` fails with
 * `error`. For the process and its children, and not to be undone. */
static inline int
refuse_flags(unsigned mask, unsigned value, int error)
{
	struct sock_filter code[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_clone, 0, 4),
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data,
		    args) + 8 * REFUSE_FLAGS + REFUSE_LOW),
		BPF_STMT(BPF_ALU | BPF_AND | BPF_K, mask),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, value, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | (unsigned)error),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
	};
	struct sock_fprog program = { sizeof(code) / sizeof(code[0]), code };

	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == -1)
		return -1;
	return prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program);
}

/* The children with this exit signal alone. */
static inline int
refuse_exit_signal(int sig, int error)
{
	return refuse_flags(0xff, (unsigned)sig, error);
}

#endif /* REFUSE_H */
