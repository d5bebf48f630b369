/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Copyright (c) 2026 The nbclone developers */
/* LoongArch, 64 bits: what differs from x86_64.S, the master text.
 *
 *                  func  stack  flags  arg  parent_tid  tls  child_tid
 * C arguments      a0    a1     a2     a3   a4          a5   a6
 * kernel (a7 220)  -     a1     a0     -    a2          a4   a3
 *   the usual call a6                  a5
 *   launch         a6           s0     a5
 *
 * The child's stack at func's first instruction:
 *   (stack & -16)      sp, the top: nothing above it is read or written, and
 *                      the return address is in ra
 *
 * The kernel keeps a1 to a7, ra, fp, s0 to s8, in the parent and in the child,
 * and spoils t0 to t8.
 */

#define SYS_clone	220
#define SYS_exit	93
#define SYS_exit_group	94

/* For nbclone_slow_clone: parent_tid, tls, child_tid, the return address. */
#define SLOW_RA			(3 * WORD)
#define SLOW_FRAME		(4 * WORD)

/* struct Request, and the return address: 48 bytes keep the stack aligned at
 * calls. */
#define SAVED_RA		REQUEST_SIZE
#define REQUEST_FRAME		48

/* DWARF's numbers. */
#define RA			1
#define SP			3
#define A0			4

/* No padding: where the assembler relaxes, as its default is, that is the
 * linker's to fill, with instructions that do nothing, and outside of every
 * frame information's range. */
#define PADDING
#include "dwarf.h"
#include "functions.h"

	.text
	.p2align 2

/* pid_t nbclone_arch_clone(the seven arguments of clone) */
FUNCTION(nbclone_arch_clone)
	pcalau12i $t0, %pc_hi20(nbclone_gate)
	ld.w	$t0, $t0, %pc_lo12(nbclone_gate)
	and	$t0, $t0, $a2
	ori	$t1, $zero, CLONE_VM
	bne	$t0, $t1, 2f
	beqz	$a0, 2f
	lu12i.w	$t1, LOWEST_STACK >> 12
	bltu	$a1, $t1, 2f
	move	$a6, $a0		/* func: the kernel has no 7th argument */
	move	$a5, $a3		/* arg: nor a 6th */
	move	$a0, $a2
	li.w	$a7, SYS_clone
	syscall	0
	.cfi_remember_state
	RETURNS_BY(A0, RA)
	bge	$zero, $a0, 1f
	.cfi_restore_state
	jr	$ra
1:	RETURNS_BY(A0, RA)
	beqz	$a0, nbclone_arch_child
	.cfi_restore $ra
	move	$a1, $ra		/* clone's caller; a0 is -errno */
	b	nbclone_failed

2:	addi.d	$sp, $sp, -SLOW_FRAME
	.cfi_adjust_cfa_offset SLOW_FRAME
	st.d	$ra, $sp, SLOW_RA
	.cfi_rel_offset $ra, SLOW_RA
	st.d	$a4, $sp, 0 * WORD
	st.d	$a5, $sp, 1 * WORD
	st.d	$a6, $sp, 2 * WORD
	move	$a4, $sp		/* the frame */
	move	$a5, $ra		/* clone's caller */
	bl	nbclone_slow_clone
	ld.d	$ra, $sp, SLOW_RA
	.cfi_restore $ra
	addi.d	$sp, $sp, SLOW_FRAME
	.cfi_adjust_cfa_offset -SLOW_FRAME
	jr	$ra
END(nbclone_arch_clone)

/* Where nbclone_arch_clone goes on in the child, and at .Llaunched that of
 * nbclone_arch_launch. Unwinding ends here. */
LOCAL_FUNCTION(nbclone_arch_child)
	.cfi_undefined $ra
	move	$s0, $zero		/* no flag: exit_group */
.Llaunched:
	/* The ABI's alignment at a call. It's too early in the parent: to the
	 * kernel a stack of 0 is the parent's own, and 1 to 15 would be that. */
	bstrins.d $sp, $zero, 3, 0
	move	$fp, $zero		/* ends frame-pointer chains too */
	move	$a0, $a5
	jirl	$ra, $a6, 0
	bstrpick.d $s0, $s0, CLONE_THREAD_BIT, CLONE_THREAD_BIT
	li.w	$a7, SYS_exit_group
	sub.d	$a7, $a7, $s0		/* a thread ends alone: SYS_exit */
	syscall	0
	break	0			/* no exit returns */
END(nbclone_arch_child)

/* void nbclone_arch_host_arguments(frame, parent_tid_tls_child_tid[3]) */
FUNCTION(nbclone_arch_host_arguments)
	ld.d	$t0, $a0, 0 * WORD
	ld.d	$t1, $a0, 1 * WORD
	ld.d	$t2, $a0, 2 * WORD
	st.d	$t0, $a1, 0 * WORD
	st.d	$t1, $a1, 1 * WORD
	st.d	$t2, $a1, 2 * WORD
	jr	$ra
END(nbclone_arch_host_arguments)

/* long nbclone_arch_launch(func, stack, flags, arg, parent_tid, tls, child_tid)
 */
FUNCTION(nbclone_arch_launch)
	addi.d	$sp, $sp, -16
	.cfi_adjust_cfa_offset 16
	st.d	$s0, $sp, 8		/* the caller's, for the parent */
	.cfi_rel_offset $s0, 8
	move	$s0, $a2		/* flags, for the child's end too */
	move	$a2, $a4
	move	$a4, $a5
	move	$a5, $a3		/* arg: the kernel has no 6th argument */
	move	$a3, $a6
	move	$a6, $a0		/* func: nor a 7th */
	move	$a0, $s0
	li.w	$a7, SYS_clone
	syscall	0
	.cfi_remember_state
	RETURNS_BY(A0, RA)
	beqz	$a0, .Llaunched
	.cfi_restore_state
	ld.d	$s0, $sp, 8
	.cfi_restore $s0
	addi.d	$sp, $sp, 16
	.cfi_adjust_cfa_offset -16
	jr	$ra
END(nbclone_arch_launch)

/* A func for nbclone_arch_launch: hands what the kernel got as parent_tid,
 * tls and child_tid to nbclone_child_start, behind arg. */
FUNCTION(nbclone_arch_child_start)
	move	$a1, $a2
	move	$a2, $a4		/* child_tid is the 4th for both */
	b	nbclone_child_start
END(nbclone_arch_child_start)

/* pid_t nbclone_arch_linux1_clone(void *sp, unsigned long flags) */
FUNCTION(nbclone_arch_linux1_clone)
	move	$a2, $sp		/* the caller's own stack pointer */
	move	$a4, $ra		/* the return address, for the trace */
	addi.d	$sp, $sp, -REQUEST_FRAME
	.cfi_adjust_cfa_offset REQUEST_FRAME
	st.d	$ra, $sp, SAVED_RA
	.cfi_rel_offset $ra, SAVED_RA
	move	$a3, $sp
	bl	nbclone_linux1_prepare
	bnez	$a0, 1f			/* refused: -errno */
	ld.d	$a0, $sp, REQUEST_FLAGS
	ld.d	$a1, $sp, REQUEST_STACK
	ld.d	$a2, $sp, REQUEST_PARENT_TID
	ld.d	$a3, $sp, REQUEST_CHILD_TID
	ld.d	$a4, $sp, REQUEST_TLS
	ld.d	$ra, $sp, SAVED_RA	/* the call site, for the child */
	li.w	$a7, SYS_clone
	syscall	0
	/* The next instruction runs in parent and child: the call site is in ra
	 * in both. */
	.cfi_remember_state
	.cfi_restore $ra
	FRAME_BY(A0, SP, REQUEST_FRAME)
	beqz	$a0, nbclone_arch_linux1_child
	.cfi_restore_state
1:	move	$a1, $sp
	bl	nbclone_linux1_finish
	ld.d	$ra, $sp, SAVED_RA
	.cfi_restore $ra
	addi.d	$sp, $sp, REQUEST_FRAME
	.cfi_adjust_cfa_offset -REQUEST_FRAME
	jr	$ra
END(nbclone_arch_linux1_clone)

/* Where nbclone_arch_linux1_clone goes on in the child: sp is the new stack
 * pointer, ra the call site, a2 the Linux 1.x flags, a4 the place of
 * libc's thread id. */
LOCAL_FUNCTION(nbclone_arch_linux1_child)
	andi	$t0, $a2, LINUX1_COPYVM_COPYFD
	beqz	$t0, 1f
	addi.d	$sp, $sp, -16
	.cfi_adjust_cfa_offset 16
	st.d	$ra, $sp, 0
	.cfi_rel_offset $ra, 0
	move	$a0, $a2
	move	$a1, $a4
	bl	nbclone_linux1_child
	ld.d	$ra, $sp, 0
	.cfi_restore $ra
	addi.d	$sp, $sp, 16
	.cfi_adjust_cfa_offset -16
1:	move	$a0, $zero
	jr	$ra
END(nbclone_arch_linux1_child)

/* long nbclone_arch_syscall(number, a, b, c, d, e) */
FUNCTION(nbclone_arch_syscall)
	move	$a7, $a0
	move	$a0, $a1
	move	$a1, $a2
	move	$a2, $a3
	move	$a3, $a4
	move	$a4, $a5
	syscall	0
	jr	$ra
END(nbclone_arch_syscall)

/* usize nbclone_arch_thread_pointer(void): the thread control block's end. */
FUNCTION(nbclone_arch_thread_pointer)
	move	$a0, $tp
	jr	$ra
END(nbclone_arch_thread_pointer)

/* usize nbclone_arch_dtv(void): the block has two words. */
FUNCTION(nbclone_arch_dtv)
	ld.d	$a0, $tp, -2 * WORD
	jr	$ra
END(nbclone_arch_dtv)

LOCAL_FUNCTION(nbclone_arch_at_load)
	b	nbclone_at_load
END(nbclone_arch_at_load)

	AT_LOAD(nbclone_arch_at_load)

	.section .note.GNU-stack, "", @progbits
