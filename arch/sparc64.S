/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Copyright (c) 2026 The nbclone developers */
/* sparc64. What isn't said here is as in x86_64.S.
 *
 *                  func  stack  flags  arg  parent_tid  tls  child_tid
 * C arguments      o0    o1     o2     o3   o4          o5   176(sp)
 *   after save     i0    i1     i2     i3   i4          i5   176(fp)
 * kernel (g1 217)  -     o1     o0     -    o2          o3   o4
 *   kept in        o5    g5     g4     o7
 *
 * Stack and frame pointers are 2047 (STACK_BIAS) below what they point to. The
 * addresses here are without that bias.
 *
 * The child's stack at func's first instruction:
 *   (stack & -16)        the top: nothing above it is read or written
 *   (stack & -16) - 176  sp: where the child's window is spilled, and where
 *                        func may put its arguments
 *
 * The kernel spoils o0 and o1: o1 is 1 in the child and 0 in the parent, and
 * what it was where the carry flag says that o0 is a positive errno.
 *
 * Windows. The kernel makes a child with one window, the caller's, and fills it
 * from the child's stack (copy_thread in arch/sparc/kernel/process_64.c):
 * where the argument isn't the caller's own stack pointer, the kernel copies the
 * whole frame of the caller there first. It does so
 *   - in the memory of the caller, after that of the child was copied from it:
 *     without CLONE_VM the child never sees it. Such a child starts
 *     on the caller's stack, which is its own copy, and changes sp itself;
 *   - before the child is made, and with EFAULT if it can't: with CLONE_VM that
 *     is the parent's answer to a stack that can't be written, and there is no
 *     other way to give a child who shares its memory a stack of its own.
 * Each entry that makes a child has a small frame of its own, so that this copy
 * is small. Words for the child are in globals and outs, which the kernel keeps,
 * or in that frame.
 */

#define SYS_exit	1
#define SYS_exit_group	188
#define SYS_clone	217
#define SYSTEM_CALL	ta	0x6d

#define STACK_BIAS	2047
#define WINDOW		128		/* eight locals, eight ins */
#define SMALLEST_FRAME	176		/* and six arguments */
#define ARGUMENT_7	(STACK_BIAS + 176)
#define ARGUMENT_8	(STACK_BIAS + 184)

/* The frame of nbclone_arch_linux1_clone: the caller's window, then struct
 * Request. */
#define CALLER_WINDOW		(STACK_BIAS + SMALLEST_FRAME)
#define REQUEST			(CALLER_WINDOW + WINDOW)
#define LINUX1_FRAME		(SMALLEST_FRAME + WINDOW + 48)

/* For nbclone_slow_clone: parent_tid and tls, above the smallest frame. */
#define SLOW_FRAME		(SMALLEST_FRAME + 2 * WORD)

/* The kernel drops the lowest four bits of an unbiased stack argument. With
 * this one set, what was the argument is never 1. */
#define NOT_ONE			2

/* DWARF's numbers. */
#define G1		1
#define O1		9
#define SP		14
#define RETURN_ADDRESS	15
#define FP		30
#define I7		31

/* Where the caller's register is, from the frame of nbclone_arch_linux1_clone on. */
#define IN_FRAME(n)						\
	.cfi_escape DW_CFA_expression, 16 + (n), 3,		\
		DW_OP_breg(SP), SLEB2(CALLER_WINDOW + 8 * (n))
#define CALLER_WINDOW_IN_FRAME						\
	IN_FRAME(0); IN_FRAME(1); IN_FRAME(2); IN_FRAME(3);		\
	IN_FRAME(4); IN_FRAME(5); IN_FRAME(6); IN_FRAME(7);		\
	IN_FRAME(8); IN_FRAME(9); IN_FRAME(10); IN_FRAME(11);		\
	IN_FRAME(12); IN_FRAME(13); IN_FRAME(14); IN_FRAME(15)

#define PADDING		.p2align 4, 0
#include "dwarf.h"
#include "functions.h"

/* A new window, and its frame: the caller's registers are in its ins, and in
 * the caller's own frame once the window is spilled. */
#define SAVE(size)			\
	save	%sp, -(size), %sp;	\
	.cfi_def_cfa_register FP;	\
	.cfi_window_save;		\
	.cfi_register RETURN_ADDRESS, I7

/* For the instructions that run in the parent and in the child, where o1 is 1:
 * there is no return address. A call's own address, which is what this is, would
 * be 8 below that: o15 = ((i7 + 8) & -(o1 != 1)) - 8. */
#define RETURNS_BY_O1						\
	.cfi_escape DW_CFA_val_expression, RETURN_ADDRESS, 11,	\
		DW_OP_breg(I7), SLEB(8),			\
		DW_OP_lit(0), DW_OP_breg(O1), 0,		\
		DW_OP_lit(1), DW_OP_ne, DW_OP_minus,		\
		DW_OP_and, DW_OP_lit(8), DW_OP_minus

	.text
	.p2align 4

/* pid_t nbclone_arch_clone(the seven arguments of clone) */
FUNCTION(nbclone_arch_clone)
	rd	%pc, %g1		/* this instruction's address */
	sethi	%pc22(nbclone_gate + 4), %g4
	add	%g4, %pc10(nbclone_gate + 8), %g4
	lduw	[%g1 + %g4], %g1
	and	%g1, %o2, %g1
	cmp	%g1, CLONE_VM
	bne,pn	%icc, 2f
	 srlx	%o1, 12, %g1		/* 0 below LOWEST_STACK */
	brz,pn	%g1, 2f
	 nop
	brz,pn	%o0, 2f
	 nop
	.cfi_remember_state
	SAVE(SMALLEST_FRAME)
	mov	%i0, %o5		/* as nbclone_arch_launch keeps them */
	mov	%i3, %o7
	mov	%i2, %g4
	srl	%i2, 0, %o0
	andn	%i1, 15, %o1		/* the ABI's alignment */
	sub	%o1, STACK_BIAS - NOT_ONE, %o1
	sub	%o1, SMALLEST_FRAME + NOT_ONE, %g5	/* the child's sp */
	flushw				/* the copy of the frame is from memory */
	mov	SYS_clone, %g1
	SYSTEM_CALL
	.cfi_remember_state
	RETURNS_BY_O1
	bcs,pn	%xcc, 1f
	 nop
	brnz,pn	%o1, nbclone_arch_child
	 nop
	.cfi_restore_state
	ret
	 restore %g0, %o0, %o0
1:	neg	%o0
	call	nbclone_failed		/* not by a jump: the window is here */
	 add	%i7, 8, %o1		/* clone's caller */
	ret
	 restore %g0, %o0, %o0
	.cfi_restore_state

2:	SAVE(SLOW_FRAME)
	stx	%i4, [%sp + ARGUMENT_7]
	stx	%i5, [%sp + ARGUMENT_8]
	mov	%i0, %o0
	mov	%i1, %o1
	mov	%i2, %o2
	mov	%i3, %o3
	mov	%sp, %o4		/* the frame */
	call	nbclone_slow_clone
	 add	%i7, 8, %o5		/* clone's caller */
	ret
	 restore %g0, %o0, %o0
END(nbclone_arch_clone)

/* void nbclone_arch_host_arguments(frame, parent_tid_tls_child_tid[3]) */
FUNCTION(nbclone_arch_host_arguments)
	ldx	[%o0 + ARGUMENT_7], %g1
	stx	%g1, [%o1]
	ldx	[%o0 + ARGUMENT_8], %g1
	stx	%g1, [%o1 + 8]
	ldx	[%o0 + SLOW_FRAME + ARGUMENT_7], %g1	/* the caller's */
	retl
	 stx	%g1, [%o1 + 16]
END(nbclone_arch_host_arguments)

/* long nbclone_arch_launch(func, stack, flags, arg, parent_tid, tls, child_tid)
 */
FUNCTION(nbclone_arch_launch)
	SAVE(SMALLEST_FRAME)
	mov	%i0, %o5		/* the kernel has no 6th argument */
	mov	%i3, %o7
	mov	%i2, %g4
	srl	%i2, 0, %o0
	andn	%i1, 15, %o1		/* the ABI's alignment */
	sub	%o1, STACK_BIAS - NOT_ONE, %o1
	sub	%o1, SMALLEST_FRAME + NOT_ONE, %g5	/* the child's sp */
	andcc	%i2, CLONE_VM, %g0
	move	%xcc, 0, %o1		/* no VM: as fork */
	mov	%i4, %o2
	mov	%i5, %o3
	ldx	[%fp + ARGUMENT_7], %o4
	flushw				/* the copy of the frame is from memory */
	mov	SYS_clone, %g1
	SYSTEM_CALL
	/* The next four instructions run in both. */
	.cfi_remember_state
	RETURNS_BY_O1
	bcs,pn	%xcc, 1f
	 nop
	brnz,pn	%o1, nbclone_arch_child
	 nop
	.cfi_restore_state
	ret
	 restore %g0, %o0, %o0
1:	neg	%o0
	ret
	 restore %g0, %o0, %o0
END(nbclone_arch_launch)

/* Where nbclone_arch_clone and nbclone_arch_launch go on in the child. Unwinding
 * ends here. */
LOCAL_FUNCTION(nbclone_arch_child)
	.cfi_undefined RETURN_ADDRESS
	mov	%g5, %sp		/* it is there already with VM */
	clr	%fp			/* ends the chain of frames */
	clr	%i7
	mov	%o7, %o0
	call	%o5
	 mov	%g4, %l0		/* flags, for the end */
	sra	%o0, 0, %o0		/* an int as the kernel's long */
	sethi	%hi(CLONE_THREAD), %g1
	andcc	%l0, %g1, %g0
	mov	SYS_exit_group, %g1
	movne	%xcc, SYS_exit, %g1	/* a thread ends alone */
	SYSTEM_CALL
	illtrap	0			/* no exit returns */
END(nbclone_arch_child)

FUNCTION(nbclone_arch_child_start)
	mov	%o2, %o1
	mov	%o3, %o2
	mov	%o4, %o3
	mov	%o7, %g1		/* a call that returns to our caller */
	.cfi_register RETURN_ADDRESS, G1
	call	nbclone_child_start
	 mov	%g1, %o7
END(nbclone_arch_child_start)

/* pid_t nbclone_arch_linux1_clone(void *sp, unsigned long flags)
 *
 * The child's caller must find its own locals and ins in its window, which is
 * filled from its stack pointer: the new one. What the kernel takes to the
 * child, one way or the other, is our frame, so that the caller's window
 * goes along in it, and the child puts it where it belongs. */
FUNCTION(nbclone_arch_linux1_clone)
	SAVE(LINUX1_FRAME)
	mov	%i0, %o0
	cmp	%i0, %fp		/* a program that asks for its own sp */
	move	%xcc, 0, %o0		/* gets it with the bias: that is 0 too */
	mov	%i1, %o1
	add	%fp, STACK_BIAS, %o2	/* the caller's own stack pointer */
	add	%sp, REQUEST, %o3
	call	nbclone_linux1_prepare
	 add	%i7, 8, %o4		/* the call site, for the trace */
	brnz,pn	%o0, 2f			/* refused: -errno */
	 nop
	flushw				/* the caller's window to its stack */
	add	%fp, STACK_BIAS, %o0
	call	nbclone_arch_copy_window
	 add	%sp, CALLER_WINDOW, %o1
	ldx	[%sp + REQUEST_FLAGS], %o0
	ldx	[%sp + REQUEST_STACK], %o1
	sub	%o1, STACK_BIAS - NOT_ONE, %o1
	andcc	%o0, CLONE_VM, %g0
	move	%xcc, 0, %o1		/* no VM: as fork */
	ldx	[%sp + REQUEST_PARENT_TID], %o2
	ldx	[%sp + REQUEST_TLS], %o3
	ldx	[%sp + REQUEST_CHILD_TID], %o4
	mov	SYS_clone, %g1
	SYSTEM_CALL
	/* The next four instructions run in parent and child: the call site is
	 * in i7 in both, and the caller's locals and ins are in the frame. */
	.cfi_remember_state
	CALLER_WINDOW_IN_FRAME
	bcs,pn	%xcc, 1f
	 nop
	brnz,pn	%o1, nbclone_arch_linux1_child
	 nop
	.cfi_restore_state
	ba,pt	%xcc, 2f
	 nop
1:	neg	%o0
2:	call	nbclone_linux1_finish
	 add	%sp, REQUEST, %o1
	ret
	 restore %g0, %o0, %o0
END(nbclone_arch_linux1_clone)

/* sp is that of a frame which is a copy of the parent's, o2 the Linux 1.x
 * flags, o3 the place of libc's thread id. */
LOCAL_FUNCTION(nbclone_arch_linux1_child)
	.cfi_def_cfa_register FP
	.cfi_window_save
	.cfi_register RETURN_ADDRESS, I7
	CALLER_WINDOW_IN_FRAME
	andcc	%o2, LINUX1_COPYVM_COPYFD, %g0
	be,pt	%xcc, 1f
	 nop
	mov	%o2, %o0
	call	nbclone_linux1_child
	 mov	%o3, %o1
1:	ldx	[%sp + REQUEST_STACK], %o1
	sub	%o1, STACK_BIAS, %fp	/* restore makes it the stack pointer */
	call	nbclone_arch_copy_window
	 add	%sp, CALLER_WINDOW, %o0
	ret				/* to the call site */
	 restore %g0, 0, %o0
END(nbclone_arch_linux1_child)

/* Copies a spilled window from o0 to o1. */
LOCAL_FUNCTION(nbclone_arch_copy_window)
	mov	WINDOW - 8, %g1
1:	ldx	[%o0 + %g1], %g4
	stx	%g4, [%o1 + %g1]
	brnz,pt	%g1, 1b
	 sub	%g1, 8, %g1
	retl
	 nop
END(nbclone_arch_copy_window)

/* long nbclone_arch_syscall(number, a, b, c, d, e) */
FUNCTION(nbclone_arch_syscall)
	mov	%o0, %g1
	mov	%o1, %o0
	mov	%o2, %o1
	mov	%o3, %o2
	mov	%o4, %o3
	mov	%o5, %o4
	SYSTEM_CALL
	bcs,pn	%xcc, 1f
	 nop
	retl
	 nop
1:	retl
	 neg	%o0
END(nbclone_arch_syscall)

/* usize nbclone_arch_thread_pointer(void): the thread control block. */
FUNCTION(nbclone_arch_thread_pointer)
	retl
	 mov	%g7, %o0
END(nbclone_arch_thread_pointer)

/* usize nbclone_arch_dtv(void): the block's second word. */
FUNCTION(nbclone_arch_dtv)
	retl
	 ldx	[%g7 + 8], %o0
END(nbclone_arch_dtv)

LOCAL_FUNCTION(nbclone_arch_at_load)
	mov	%o7, %g1		/* a call that returns to our caller */
	.cfi_register RETURN_ADDRESS, G1
	call	nbclone_at_load
	 mov	%g1, %o7
END(nbclone_arch_at_load)

	AT_LOAD(nbclone_arch_at_load)

	.section .note.GNU-stack, "", @progbits
