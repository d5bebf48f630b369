/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Copyright (c) 2026 The nbclone developers */
/* RISC-V, 64 bits: what differs from x86_64.S, the master text.
 *
 *                  func  stack  flags  arg  parent_tid  tls  child_tid
 * C arguments      a0    a1     a2     a3   a4          a5   a6
 * kernel (a7 220)  -     a1     a0     -    a2          a3   a4
 *   kept in        a5           t1     a6
 *
 * The child's stack at func's first instruction:
 *   (stack & -16)      sp, the top: nothing above it is read or written, and
 *                      the return address is in ra
 *
 * The kernel changes a0 and no other register, in the parent and in the child.
 */

#define SYS_clone	220
#define SYS_exit	93
#define SYS_exit_group	94

/* For nbclone_slow_clone: parent_tid, tls, child_tid, the return address. */
#define SLOW_RA			(3 * WORD)
#define SLOW_FRAME		(4 * WORD)

/* struct Request, and the return address: six words keep the stack aligned at
 * calls. */
#define SAVED_RA		REQUEST_SIZE
#define REQUEST_FRAME		(6 * WORD)

/* DWARF's numbers. */
#define RA			1
#define SP			2
#define A0			10

/* Two bytes of zero are RISC-V's illegal instruction. */
#define PADDING		.balign 16, 0
#include "dwarf.h"
#include "functions.h"

	.text
	/* No code here is shortened by the linker, which would move the frame
	 * information's borders and has nothing to gain: no address is loaded,
	 * and so gp, which the child inherits, isn't used. */
	.option	norelax
	.balign	16

/* pid_t nbclone_arch_clone(the seven arguments of clone) */
FUNCTION(nbclone_arch_clone)
	lw	t0, nbclone_gate
	and	t0, t0, a2
	li	t1, CLONE_VM
	bne	t0, t1, 2f
	beqz	a0, 2f
	li	t1, LOWEST_STACK
	bltu	a1, t1, 2f
	mv	t1, a2			/* as nbclone_arch_launch keeps them */
	mv	a5, a0
	mv	a6, a3
	mv	a0, a2
	li	a7, SYS_clone
	ecall
	.cfi_remember_state
	RETURNS_BY(A0, RA)
	blez	a0, 1f
	.cfi_restore_state
	ret
1:	RETURNS_BY(A0, RA)
	beqz	a0, nbclone_arch_child
	.cfi_restore ra
	mv	a1, ra			/* clone's caller; a0 is -errno */
	tail	nbclone_failed

2:	addi	sp, sp, -SLOW_FRAME
	.cfi_adjust_cfa_offset SLOW_FRAME
	sd	ra, SLOW_RA(sp)
	.cfi_rel_offset ra, SLOW_RA
	sd	a4, 0 * WORD(sp)
	sd	a5, 1 * WORD(sp)
	sd	a6, 2 * WORD(sp)
	mv	a4, sp			/* the frame */
	mv	a5, ra			/* clone's caller */
	call	nbclone_slow_clone
	ld	ra, SLOW_RA(sp)
	.cfi_restore ra
	addi	sp, sp, SLOW_FRAME
	.cfi_adjust_cfa_offset -SLOW_FRAME
	ret
END(nbclone_arch_clone)

/* void nbclone_arch_host_arguments(frame, parent_tid_tls_child_tid[3]) */
FUNCTION(nbclone_arch_host_arguments)
	ld	t0, 0 * WORD(a0)
	ld	t1, 1 * WORD(a0)
	ld	t2, 2 * WORD(a0)
	sd	t0, 0 * WORD(a1)
	sd	t1, 1 * WORD(a1)
	sd	t2, 2 * WORD(a1)
	ret
END(nbclone_arch_host_arguments)

/* long nbclone_arch_launch(func, stack, flags, arg, parent_tid, tls, child_tid)
 */
FUNCTION(nbclone_arch_launch)
	mv	t1, a2			/* flags, for the child's end too */
	mv	a2, a4
	mv	a4, a6
	mv	a6, a3			/* arg: the kernel has no 7th argument */
	mv	a3, a5
	mv	a5, a0			/* func: nor a 6th */
	mv	a0, t1
	li	a7, SYS_clone
	ecall
	.cfi_remember_state
	RETURNS_BY(A0, RA)
	beqz	a0, nbclone_arch_child
	.cfi_restore_state
	ret
END(nbclone_arch_launch)

/* Where nbclone_arch_clone and nbclone_arch_launch go on in the child. Unwinding
 * ends here. */
LOCAL_FUNCTION(nbclone_arch_child)
	.cfi_undefined ra
	/* The ABI's alignment at a call. It's too early in the parent: to the
	 * kernel a stack of 0 is the parent's own, and 1 to 15 would be that. */
	andi	sp, sp, -16
	li	s0, 0			/* ends frame-pointer chains too */
	mv	s1, t1			/* flags, over the call */
	mv	a0, a6
	jalr	a5
	srli	s1, s1, CLONE_THREAD_BIT
	andi	s1, s1, 1
	li	a7, SYS_exit_group
	sub	a7, a7, s1		/* a thread ends alone: SYS_exit */
	ecall
	unimp				/* no exit returns */
END(nbclone_arch_child)

/* A func for nbclone_arch_launch: hands what the kernel got as parent_tid,
 * tls and child_tid to nbclone_child_start, behind arg. */
FUNCTION(nbclone_arch_child_start)
	mv	a1, a2
	mv	a2, a3
	mv	a3, a4
	tail	nbclone_child_start
END(nbclone_arch_child_start)

/* pid_t nbclone_arch_linux1_clone(void *sp, unsigned long flags) */
FUNCTION(nbclone_arch_linux1_clone)
	mv	a2, sp			/* the caller's own stack pointer */
	mv	a4, ra			/* the return address, for the trace */
	addi	sp, sp, -REQUEST_FRAME
	.cfi_adjust_cfa_offset REQUEST_FRAME
	sd	ra, SAVED_RA(sp)
	.cfi_rel_offset ra, SAVED_RA
	mv	a3, sp
	call	nbclone_linux1_prepare
	bnez	a0, 1f			/* refused: -errno */
	ld	a0, REQUEST_FLAGS(sp)
	ld	a1, REQUEST_STACK(sp)
	ld	a2, REQUEST_PARENT_TID(sp)
	ld	a3, REQUEST_TLS(sp)
	ld	a4, REQUEST_CHILD_TID(sp)
	ld	ra, SAVED_RA(sp)	/* the call site, for the child */
	li	a7, SYS_clone
	ecall
	/* The next instruction runs in parent and child: the call site is in ra
	 * in both. */
	.cfi_remember_state
	.cfi_restore ra
	FRAME_BY(A0, SP, REQUEST_FRAME)
	beqz	a0, nbclone_arch_linux1_child
	.cfi_restore_state
1:	mv	a1, sp
	call	nbclone_linux1_finish
	ld	ra, SAVED_RA(sp)
	.cfi_restore ra
	addi	sp, sp, REQUEST_FRAME
	.cfi_adjust_cfa_offset -REQUEST_FRAME
	ret
END(nbclone_arch_linux1_clone)

/* Where nbclone_arch_linux1_clone goes on in the child: sp is the new stack
 * pointer, ra the call site, a2 the Linux 1.x flags, a3 the place of libc's
 * thread id. */
LOCAL_FUNCTION(nbclone_arch_linux1_child)
	andi	t0, a2, LINUX1_COPYVM_COPYFD
	beqz	t0, 1f
	addi	sp, sp, -16
	.cfi_adjust_cfa_offset 16
	sd	ra, 0(sp)
	.cfi_rel_offset ra, 0
	mv	a0, a2
	mv	a1, a3
	call	nbclone_linux1_child
	ld	ra, 0(sp)
	.cfi_restore ra
	addi	sp, sp, 16
	.cfi_adjust_cfa_offset -16
1:	li	a0, 0
	ret
END(nbclone_arch_linux1_child)

/* long nbclone_arch_syscall(number, a, b, c, d, e) */
FUNCTION(nbclone_arch_syscall)
	mv	a7, a0
	mv	a0, a1
	mv	a1, a2
	mv	a2, a3
	mv	a3, a4
	mv	a4, a5
	ecall
	ret
END(nbclone_arch_syscall)

/* usize nbclone_arch_thread_pointer(void): the thread control block's end. */
FUNCTION(nbclone_arch_thread_pointer)
	mv	a0, tp
	ret
END(nbclone_arch_thread_pointer)

/* usize nbclone_arch_dtv(void): the block has two words. */
FUNCTION(nbclone_arch_dtv)
	ld	a0, -2 * WORD(tp)
	ret
END(nbclone_arch_dtv)

LOCAL_FUNCTION(nbclone_arch_at_load)
	tail	nbclone_at_load
END(nbclone_arch_at_load)

	AT_LOAD(nbclone_arch_at_load)

	.section .note.GNU-stack, "", @progbits

/* The landing pads and shadow stacks of RISC-V (Zicfilp, Zicfiss) are younger
 * than the linkers in use, which complain of the note that would claim them:
 * there is none. */
