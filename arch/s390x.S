/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Copyright (c) 2026 The nbclone developers */
/* s390x. What isn't said here is as in x86_64.S.
 *
 *               func  stack  flags  arg  parent_tid  tls       child_tid
 * C arguments   r2    r3     r4     r5   r6          160(r15)  168(r15)
 * kernel (120)  -     r2     r3     -    r4          r6        r5
 *   kept in     r1                  r0
 *
 * The child's stack at func's first instruction:
 *   (stack & -8)        the top: nothing above it is read or written
 *   (stack & -8) - 160  r15: the area where func saves registers, back chain 0
 *
 * A frame starts with that area, for the functions that its owner calls; the
 * CFA is 160 above the stack pointer. The kernel spoils r2 alone. The return
 * address stays in r14. r6 has an argument, and is the caller's all the same.
 */

#define SYS_exit	1
#define SYS_clone	120
#define SYS_exit_group	248

#define CLONE_THREAD_HIGH	(CLONE_THREAD >> 16)	/* of the upper half */

/* Where a frame's words are. */
#define BACK_CHAIN	0
#define R6_SAVE		48
#define R14_SAVE	112
#define ARGUMENTS	160
#define SMALLEST_FRAME	160

/* nbclone_arch_unusual's: its sixth argument, and what came as parent_tid.
 * The others that came in memory are in the caller's frame. */
#define SLOW_PARENT_TID	(ARGUMENTS + 8)
#define SLOW_FRAME	(SMALLEST_FRAME + 16)

/* struct Request, above the smallest frame. */
#define REQUEST		SMALLEST_FRAME
#define LINUX1_FRAME	(SMALLEST_FRAME + REQUEST_SIZE)

/* DWARF's numbers. */
#define R2		2
#define R14		14
#define R15		15

#define PADDING		.p2align 4, 0
#include "dwarf.h"
#include "functions.h"

	.text
	.p2align 4

/* pid_t nbclone_arch_clone(the seven arguments of clone) */
FUNCTION(nbclone_arch_clone)
	lrl	%r0, nbclone_gate
	nr	%r0, %r4
	chi	%r0, CLONE_VM
	jne	nbclone_arch_unusual
	ltgr	%r2, %r2
	jz	nbclone_arch_unusual
	clgfi	%r3, LOWEST_STACK
	jl	nbclone_arch_unusual
	lgr	%r1, %r2		/* as nbclone_arch_launch keeps them; what */
	lgr	%r0, %r5		/* stays in r5 and r6, the kernel ignores */
	lgr	%r2, %r3
	nill	%r2, 0xfff8		/* the ABI's alignment */
	llgfr	%r3, %r4
	svc	SYS_clone
	RETURNS_BY(R2, R14)
	ltgr	%r2, %r2
	jnh	1f
	.cfi_restore %r14
	br	%r14
1:	RETURNS_BY(R2, R14)
	jz	nbclone_arch_child
	.cfi_restore %r14
	lgr	%r3, %r14		/* clone's caller; r2 is -errno */
	jg	nbclone_failed
END(nbclone_arch_clone)

/* nbclone_arch_clone's unusual calls. */
LOCAL_FUNCTION(nbclone_arch_unusual)
	.cfi_val_offset %r15, -SMALLEST_FRAME	/* not the CFA itself */
	stg	%r6, R6_SAVE(%r15)
	.cfi_offset %r6, R6_SAVE - SMALLEST_FRAME
	stg	%r14, R14_SAVE(%r15)
	.cfi_offset %r14, R14_SAVE - SMALLEST_FRAME
	aghi	%r15, -SLOW_FRAME
	.cfi_adjust_cfa_offset SLOW_FRAME
	stg	%r6, SLOW_PARENT_TID(%r15)
	stg	%r14, ARGUMENTS(%r15)	/* clone's caller */
	lgr	%r6, %r15		/* the frame */
	brasl	%r14, nbclone_slow_clone
	aghi	%r15, SLOW_FRAME
	.cfi_adjust_cfa_offset -SLOW_FRAME
	lg	%r6, R6_SAVE(%r15)
	.cfi_restore %r6
	lg	%r14, R14_SAVE(%r15)
	.cfi_restore %r14
	br	%r14
END(nbclone_arch_unusual)

/* void nbclone_arch_host_arguments(frame, parent_tid_tls_child_tid[3]) */
FUNCTION(nbclone_arch_host_arguments)
	mvc	0(8, %r3), SLOW_PARENT_TID(%r2)
	mvc	8(16, %r3), SLOW_FRAME + ARGUMENTS(%r2)
	br	%r14
END(nbclone_arch_host_arguments)

/* long nbclone_arch_launch(func, stack, flags, arg, parent_tid, tls, child_tid)
 */
FUNCTION(nbclone_arch_launch)
	stg	%r6, R6_SAVE(%r15)	/* the caller's, for the parent */
	.cfi_offset %r6, R6_SAVE - SMALLEST_FRAME
	lgr	%r1, %r2
	lgr	%r0, %r5
	lgr	%r2, %r3
	nill	%r2, 0xfff8		/* the ABI's alignment */
	llgfr	%r3, %r4
	lgr	%r4, %r6
	lg	%r5, ARGUMENTS + 8(%r15)
	lg	%r6, ARGUMENTS(%r15)
	svc	SYS_clone
	.cfi_remember_state
	RETURNS_BY(R2, R14)
	ltgr	%r2, %r2
	jz	nbclone_arch_child
	.cfi_restore_state
	lg	%r6, R6_SAVE(%r15)
	.cfi_restore %r6
	br	%r14
END(nbclone_arch_launch)

/* Where nbclone_arch_clone and nbclone_arch_launch go on in the child. Unwinding
 * ends here. */
LOCAL_FUNCTION(nbclone_arch_child)
	.cfi_undefined %r14
	.cfi_def_cfa %r15, 0
	aghi	%r15, -SMALLEST_FRAME
	.cfi_def_cfa_offset SMALLEST_FRAME
	mvghi	BACK_CHAIN(%r15), 0	/* it ends here */
	lgr	%r7, %r3		/* flags, for the end */
	lgr	%r2, %r0
	basr	%r14, %r1
	lgfr	%r2, %r2		/* an int as the kernel's long */
	tmlh	%r7, CLONE_THREAD_HIGH
	jo	1f
	svc	SYS_exit_group
1:	svc	SYS_exit		/* a thread ends alone */
	.short	0			/* no exit returns; no instruction this */
END(nbclone_arch_child)

FUNCTION(nbclone_arch_child_start)
	lgr	%r3, %r4
	lgr	%r4, %r6		/* child_tid is in r5 */
	jg	nbclone_child_start
END(nbclone_arch_child_start)

/* pid_t nbclone_arch_linux1_clone(void *sp, unsigned long flags) */
FUNCTION(nbclone_arch_linux1_clone)
	.cfi_val_offset %r15, -SMALLEST_FRAME
	stg	%r6, R6_SAVE(%r15)
	.cfi_offset %r6, R6_SAVE - SMALLEST_FRAME
	stg	%r14, R14_SAVE(%r15)
	.cfi_offset %r14, R14_SAVE - SMALLEST_FRAME
	lgr	%r4, %r15		/* the caller's own stack pointer */
	lgr	%r6, %r14		/* the call site, for the trace */
	aghi	%r15, -LINUX1_FRAME
	.cfi_adjust_cfa_offset LINUX1_FRAME
	la	%r5, REQUEST(%r15)
	brasl	%r14, nbclone_linux1_prepare
	ltgr	%r2, %r2
	jnz	1f			/* refused: -errno */
	lg	%r14, LINUX1_FRAME + R14_SAVE(%r15)	/* for the child: the call site, */
	lg	%r1, LINUX1_FRAME + R6_SAVE(%r15)	/* the caller's r6 */
	lg	%r0, LINUX1_FRAME + BACK_CHAIN(%r15)	/* and back chain */
	lg	%r2, REQUEST_STACK(%r15)
	lg	%r3, REQUEST_FLAGS(%r15)
	lg	%r4, REQUEST_PARENT_TID(%r15)
	lg	%r5, REQUEST_CHILD_TID(%r15)
	lg	%r6, REQUEST_TLS(%r15)
	svc	SYS_clone
	/* The next two instructions run in parent and child: the call site is in
	 * r14 and the caller's r6 in r1 in both. The frame is the parent's alone, the
	 * smallest above it is there for both:
	 * CFA = r15 + 160 + (frame & -(r2 != 0)). */
	.cfi_remember_state
	.cfi_restore %r14
	.cfi_register %r6, %r1
	.cfi_escape DW_CFA_def_cfa_expression, 13,		\
		DW_OP_breg(R15), SLEB2(SMALLEST_FRAME),		\
		DW_OP_const1u, LINUX1_FRAME,			\
		DW_OP_lit(0), DW_OP_breg(R2), 0,		\
		DW_OP_lit(0), DW_OP_ne, DW_OP_minus,		\
		DW_OP_and, DW_OP_plus
	ltgr	%r2, %r2
	jz	nbclone_arch_linux1_child
	.cfi_restore_state
1:	la	%r3, REQUEST(%r15)
	brasl	%r14, nbclone_linux1_finish
	aghi	%r15, LINUX1_FRAME
	.cfi_adjust_cfa_offset -LINUX1_FRAME
	lg	%r6, R6_SAVE(%r15)
	.cfi_restore %r6
	lg	%r14, R14_SAVE(%r15)
	.cfi_restore %r14
	br	%r14
END(nbclone_arch_linux1_clone)

/* r15 is the new stack pointer, r14 the call site, r4 the Linux 1.x flags, r6
 * the place of libc's thread id, r1 the caller's r6 and r0 its back chain, which is where an
 * allocation on the stack takes its own from. The area above r15 is
 * ours, as it is any callee's. */
LOCAL_FUNCTION(nbclone_arch_linux1_child)
	.cfi_val_offset %r15, -SMALLEST_FRAME
	.cfi_register %r6, %r1
	stg	%r0, BACK_CHAIN(%r15)
	tmll	%r4, LINUX1_COPYVM_COPYFD
	jz	1f
	.cfi_remember_state
	stg	%r1, R6_SAVE(%r15)
	.cfi_offset %r6, R6_SAVE - SMALLEST_FRAME
	stg	%r14, R14_SAVE(%r15)
	.cfi_offset %r14, R14_SAVE - SMALLEST_FRAME
	lgr	%r2, %r4
	lgr	%r3, %r6
	aghi	%r15, -SMALLEST_FRAME
	.cfi_adjust_cfa_offset SMALLEST_FRAME
	brasl	%r14, nbclone_linux1_child
	aghi	%r15, SMALLEST_FRAME
	.cfi_adjust_cfa_offset -SMALLEST_FRAME
	lg	%r14, R14_SAVE(%r15)
	lg	%r1, R6_SAVE(%r15)
	.cfi_restore_state
1:	lgr	%r6, %r1
	.cfi_restore %r6
	lghi	%r2, 0
	br	%r14
END(nbclone_arch_linux1_child)

/* long nbclone_arch_syscall(number, a, b, c, d, e) */
FUNCTION(nbclone_arch_syscall)
	lgr	%r0, %r6		/* the caller's */
	.cfi_register %r6, %r0
	lgr	%r1, %r2
	lgr	%r2, %r3
	lgr	%r3, %r4
	lgr	%r4, %r5
	lgr	%r5, %r6
	lg	%r6, ARGUMENTS(%r15)
	svc	0			/* the number is in r1 */
	lgr	%r6, %r0
	.cfi_restore %r6
	br	%r14
END(nbclone_arch_syscall)

/* usize nbclone_arch_thread_pointer(void): the thread control block, in halves. */
#define READ_THREAD_POINTER	\
	ear	%r2, %a0;	\
	sllg	%r2, %r2, 32;	\
	ear	%r2, %a1
FUNCTION(nbclone_arch_thread_pointer)
	READ_THREAD_POINTER
	br	%r14
END(nbclone_arch_thread_pointer)

/* usize nbclone_arch_dtv(void): the block's second word. */
FUNCTION(nbclone_arch_dtv)
	READ_THREAD_POINTER
	lg	%r2, 8(%r2)
	br	%r14
END(nbclone_arch_dtv)

LOCAL_FUNCTION(nbclone_arch_at_load)
	jg	nbclone_at_load
END(nbclone_arch_at_load)

	AT_LOAD(nbclone_arch_at_load)

	.section .note.GNU-stack, "", @progbits
