/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Copyright (c) 2026 The nbclone developers */
/* PowerPC: 32 bits (System V), and 64 bits in both byte orders: ELFv2, where r12
 * holds a function's address at its global entry, and ELFv1, where a function's
 * name is that of a descriptor. What isn't said here is as in x86_64.S.
 *
 *                    func  stack  flags  arg  parent_tid  tls  child_tid
 * C arguments        r3    r4     r5     r6   r7          r8   r9
 * kernel (r0 = 120)  -     r4     r3     -    r5          r6   r7
 *   the usual call   r31                 r30
 *   launch           r31          r29    r30  r26         r27  r28
 *
 * The child's stack at func's first instruction:
 *   (stack & -16)       the top: nothing above it is read or written
 *   (stack & -16) - 16  r1: the smallest frame, its back chain 0 (32 on ELFv2,
 *                       112 on ELFv1)
 *
 * The kernel's ABI (Documentation/powerpc/syscall64-abi.rst): sc spoils r0,
 * r3-r12 and cr0, whose SO says that r3 is a positive errno. It leaves alone
 * what C's callees save, and lr, cr1, cr5 to cr7 and all of the FPRs too. So a
 * return address needs no place but lr, and cr5 and FPRs carry to the child of
 * Linux 1.x's clone what callee-saved registers can't: those are the caller's.
 */

#define SYS_exit	1
#define SYS_clone	120
#define SYS_exit_group	234

#define CLONE_THREAD_HIGH	(CLONE_THREAD >> 16)	/* of the upper half */
#define CR5			0x04	/* mtcrf's mask for it: it has bits of 0xf00 */

/* Where a frame's words are. The first is the frame's owner's; a callee stores
 * lr in its caller's frame, and so does a call to another module with r2. */
#define BACK_CHAIN	0
#define SCRATCH		8		/* its owner's, before calls */
#ifndef __powerpc64__
# define LR_SAVE	4
# define SMALLEST_FRAME	16
#elif _CALL_ELF == 2
# define LR_SAVE	16
# define TOC_SAVE	24
# define SMALLEST_FRAME	32
#else
# define LR_SAVE	16
# define TOC_SAVE	40
# define SMALLEST_FRAME	112
#endif

#ifdef __powerpc64__
# define LOAD		ld
# define STORE		std
# define STORE_UPDATE	stdu
# define COMPARE	cmpdi
# define COMPARE_UNSIGNED cmpldi
# define CLEAR_LOW_BITS	clrrdi
# define CALL(function)	bl function; nop
# define THREAD_POINTER	13
#else
# define LOAD		lwz
# define STORE		stw
# define STORE_UPDATE	stwu
# define COMPARE	cmpwi
# define COMPARE_UNSIGNED cmplwi
# define CLEAR_LOW_BITS	clrrwi
# define CALL(function)	bl function
# define THREAD_POINTER	2
#endif
#define THREAD_POINTER_BIAS	0x7000

/* The caller's r26 to r31, for the parent. With 64 bits there is a zone below r1
 * that the ABI keeps free of signal frames. */
#ifdef __powerpc64__
# define FRAME		0
# define PUSH_FRAME
# define POP_FRAME
#else
# define FRAME		32
# define PUSH_FRAME	stwu 1, -FRAME(1); .cfi_def_cfa_offset FRAME
# define POP_FRAME	addi 1, 1, FRAME; .cfi_def_cfa_offset 0
#endif
#define SAVE(n)		STORE n, FRAME - WORD * (32 - n)(1); .cfi_offset r##n, -WORD * (32 - n)
#define RESTORE(n)	LOAD n, FRAME - WORD * (32 - n)(1); .cfi_restore r##n

/* For nbclone_slow_clone: parent_tid, tls, child_tid. */
#define SLOW_ARGUMENTS	SMALLEST_FRAME
#define SLOW_FRAME	((SMALLEST_FRAME + 3 * WORD + 15) & -16)

/* struct Request, above the words of the frame, and so that what FPRs are loaded
 * from is aligned. */
#ifdef __powerpc64__
# define REQUEST	SMALLEST_FRAME
# define LINUX1_FRAME	(SMALLEST_FRAME + 48)
#else
# define REQUEST	12
# define LINUX1_FRAME	32
#endif

/* DWARF's numbers. */
#define R1		1
#define R3		3
#define LR		65

#define PADDING		.p2align 4, 0
#if defined(__powerpc64__) && _CALL_ELF != 2
/* The name is the descriptor's: code, TOC and environment. */
# define FUNCTION(name)			\
	.globl	name;			\
	.hidden	name;			\
	.type	name, @function;	\
	.section .opd, "aw", @progbits;	\
	.p2align 3;			\
name:	.quad	.Lcode_##name, .TOC.@tocbase, 0;\
	.text;				\
.Lcode_##name:				\
	.cfi_startproc
# define END(name)		\
	.size	name, . - .Lcode_##name;\
	PADDING;		\
	.cfi_endproc
#endif
#include "dwarf.h"
#include "functions.h"

/* For one that needs this module's TOC, or jumps into Rust, which does. */
#ifndef __powerpc64__
# define TOC_FUNCTION(name)	FUNCTION(name)
#elif _CALL_ELF == 2
	.abiversion 2
# define TOC_FUNCTION(name)			\
	FUNCTION(name);				\
	addis	2, 12, .TOC. - name@ha;		\
	addi	2, 2, .TOC. - name@l;		\
	.localentry name, . - name
#else
	.abiversion 1
# define TOC_FUNCTION(name)	FUNCTION(name)
#endif

/* RETURNS_BY of dwarf.h, for a register whose number is above 31. An errno isn't
 * 0 either. */
#define LR_BY_R3						\
	.cfi_escape DW_CFA_val_expression, LR, 10,		\
		DW_OP_lit(0), DW_OP_breg(R3), 0,		\
		DW_OP_lit(0), DW_OP_ne, DW_OP_minus,		\
		DW_OP_bregx, LR, 0, DW_OP_and

	.text
	.p2align 4

/* pid_t nbclone_arch_clone(the seven arguments of clone) */
TOC_FUNCTION(nbclone_arch_clone)
#ifdef __powerpc64__
	addis	12, 2, nbclone_gate@toc@ha
	lwz	12, nbclone_gate@toc@l(12)
#else
	mflr	0
	.cfi_register lr, r0
	bcl	20, 31, 1f		/* for the address of 1 */
1:	mflr	12
	mtlr	0
	.cfi_restore lr
	addis	12, 12, nbclone_gate - 1b@ha
	lwz	12, nbclone_gate - 1b@l(12)
#endif
	and	12, 12, 5
	cmpwi	12, CLONE_VM
	bne	2f
	COMPARE	3, 0
	beq	2f
	COMPARE_UNSIGNED 4, LOWEST_STACK
	blt	2f
	PUSH_FRAME
	SAVE(30)
	SAVE(31)
	mr	31, 3
	mr	30, 6
	mr	3, 5
	CLEAR_LOW_BITS 4, 4, 4		/* the ABI's alignment of r1 */
	li	0, SYS_clone
	sc
	.cfi_remember_state
	LR_BY_R3
	COMPARE	cr1, 3, 0		/* cr0 still has SO */
	beq	cr1, nbclone_arch_child
	.cfi_restore_state
	RESTORE(30)
	RESTORE(31)
	POP_FRAME
	bnslr+				/* no error: r3 is the child's id */
	neg	3, 3
	mflr	4			/* clone's caller */
	b	nbclone_failed

2:	mflr	0
	STORE	0, LR_SAVE(1)
	.cfi_offset lr, LR_SAVE
	STORE_UPDATE 1, -SLOW_FRAME(1)
	.cfi_def_cfa_offset SLOW_FRAME
	STORE	7, SLOW_ARGUMENTS + 0 * WORD(1)
	STORE	8, SLOW_ARGUMENTS + 1 * WORD(1)
	STORE	9, SLOW_ARGUMENTS + 2 * WORD(1)
	addi	7, 1, SLOW_ARGUMENTS	/* the frame */
	mr	8, 0			/* clone's caller */
	CALL(nbclone_slow_clone)
	addi	1, 1, SLOW_FRAME
	.cfi_def_cfa_offset 0
	LOAD	0, LR_SAVE(1)
	mtlr	0
	.cfi_restore lr
	blr
END(nbclone_arch_clone)

/* Where nbclone_arch_clone goes on in the child, and at .Llaunched that of
 * nbclone_arch_launch. Unwinding ends here. */
LOCAL_FUNCTION(nbclone_arch_child)
	.cfi_undefined lr
	.cfi_def_cfa r1, 0
	li	29, 0			/* no flag: exit_group */
.Llaunched:
	li	0, 0
	STORE_UPDATE 0, -SMALLEST_FRAME(1)	/* the back chain ends here */
	.cfi_def_cfa_offset SMALLEST_FRAME
	mr	3, 30
#ifndef __powerpc64__
	mtctr	31
#elif _CALL_ELF == 2
	mr	12, 31			/* func finds its TOC from its address */
	mtctr	12
#else
	ld	12, 0(31)		/* code, TOC and environment of func */
	ld	2, 8(31)
	ld	11, 16(31)
	mtctr	12
#endif
	bctrl
#ifdef __powerpc64__
	extsw	3, 3			/* an int as the kernel's long */
#endif
	andis.	0, 29, CLONE_THREAD_HIGH
	li	0, SYS_exit_group
	beq	1f
	li	0, SYS_exit		/* a thread ends alone */
1:	sc
	trap				/* no exit returns */
LOCAL_END(nbclone_arch_child)

/* void nbclone_arch_host_arguments(frame, parent_tid_tls_child_tid[3]) */
FUNCTION(nbclone_arch_host_arguments)
	LOAD	5, 0 * WORD(3)
	LOAD	6, 1 * WORD(3)
	LOAD	7, 2 * WORD(3)
	STORE	5, 0 * WORD(4)
	STORE	6, 1 * WORD(4)
	STORE	7, 2 * WORD(4)
	blr
END(nbclone_arch_host_arguments)

/* long nbclone_arch_launch(func, stack, flags, arg, parent_tid, tls, child_tid)
 */
FUNCTION(nbclone_arch_launch)
	PUSH_FRAME
	SAVE(26)
	SAVE(27)
	SAVE(28)
	SAVE(29)
	SAVE(30)
	SAVE(31)
	mr	31, 3
	mr	30, 6
	mr	29, 5
	mr	28, 9
	mr	27, 8
	mr	26, 7
	mr	3, 5
	CLEAR_LOW_BITS 4, 4, 4		/* the ABI's alignment of r1 */
	mr	5, 7
	mr	6, 8
	mr	7, 9
	li	0, SYS_clone
	sc
	.cfi_remember_state
	LR_BY_R3
	COMPARE	cr1, 3, 0		/* cr0 still has SO */
	beq	cr1, .Llaunched
	.cfi_restore_state
	RESTORE(26)
	RESTORE(27)
	RESTORE(28)
	RESTORE(29)
	RESTORE(30)
	RESTORE(31)
	POP_FRAME
	bnslr+
	neg	3, 3
	blr
END(nbclone_arch_launch)

TOC_FUNCTION(nbclone_arch_child_start)
	mr	4, 26
	mr	5, 27
	mr	6, 28
	b	nbclone_child_start
END(nbclone_arch_child_start)

/* pid_t nbclone_arch_linux1_clone(void *sp, unsigned long flags) */
TOC_FUNCTION(nbclone_arch_linux1_clone)
	mflr	7			/* the call site, for the trace */
	STORE	7, LR_SAVE(1)
	.cfi_offset lr, LR_SAVE
	mr	5, 1			/* the caller's own stack pointer */
	STORE_UPDATE 1, -LINUX1_FRAME(1)
	.cfi_def_cfa_offset LINUX1_FRAME
	addi	6, 1, REQUEST
	CALL(nbclone_linux1_prepare)
	COMPARE	3, 0
	bne	2f			/* refused: -errno */
	LOAD	0, LINUX1_FRAME + LR_SAVE(1)
	mtlr	0			/* the call site, for the child */
	/* For the child too: the place of libc's thread id, and the words of the
	 * caller's frame. With 32 bits a load takes two words each: child_tid and
	 * the call site come along. */
	lfd	0, REQUEST_TLS(1)
	lfd	1, LINUX1_FRAME + BACK_CHAIN(1)
#ifdef __powerpc64__
	lfd	2, LINUX1_FRAME + TOC_SAVE(1)
#endif
	LOAD	3, REQUEST_FLAGS(1)
	LOAD	4, REQUEST_STACK(1)
	LOAD	5, REQUEST_PARENT_TID(1)
	mtcrf	CR5, 5			/* and the Linux 1.x flags */
	LOAD	6, REQUEST_TLS(1)
	LOAD	7, REQUEST_CHILD_TID(1)
	li	0, SYS_clone
	sc
	/* The next two instructions run in parent and child: the call site is in
	 * lr in both. */
	.cfi_remember_state
	.cfi_restore lr
	FRAME_BY(R3, R1, LINUX1_FRAME)
	COMPARE	cr1, 3, 0
	beq	cr1, nbclone_arch_linux1_child
	.cfi_restore_state
	bns+	2f
	neg	3, 3
2:	addi	4, 1, REQUEST
	CALL(nbclone_linux1_finish)
	addi	1, 1, LINUX1_FRAME
	.cfi_def_cfa_offset 0
	LOAD	0, LR_SAVE(1)
	mtlr	0
	.cfi_restore lr
	blr
END(nbclone_arch_linux1_clone)

/* r1 is the new stack pointer, lr the call site, cr5 has the Linux 1.x flags,
 * f0 the place of libc's thread id, f1 and f2 words of the caller's frame: an
 * allocation on the stack takes its back chain from the first, and a call to
 * another module is followed by a load of r2 from the other. On the caller's own
 * stack they are what is there already. */
LOCAL_FUNCTION(nbclone_arch_linux1_child)
	stfd	1, BACK_CHAIN(1)
#ifdef __powerpc64__
	stfd	2, TOC_SAVE(1)
#endif
	mfcr	3
	andi.	3, 3, LINUX1_COPYVM_COPYFD
	beq	1f
	mflr	0
	STORE	0, LR_SAVE(1)
	.cfi_offset lr, LR_SAVE
	STORE_UPDATE 1, -SMALLEST_FRAME(1)
	.cfi_def_cfa_offset SMALLEST_FRAME
	stfd	0, SCRATCH(1)
	LOAD	4, SCRATCH(1)
	CALL(nbclone_linux1_child)
	addi	1, 1, SMALLEST_FRAME
	.cfi_def_cfa_offset 0
	LOAD	0, LR_SAVE(1)
	mtlr	0
	.cfi_restore lr
1:	li	3, 0
	blr
LOCAL_END(nbclone_arch_linux1_child)

/* long nbclone_arch_syscall(number, a, b, c, d, e) */
FUNCTION(nbclone_arch_syscall)
	mr	0, 3
	mr	3, 4
	mr	4, 5
	mr	5, 6
	mr	6, 7
	mr	7, 8
	sc
	bnslr+
	neg	3, 3
	blr
END(nbclone_arch_syscall)

/* usize nbclone_arch_thread_pointer(void): the thread control block's end. */
FUNCTION(nbclone_arch_thread_pointer)
	addi	3, THREAD_POINTER, -THREAD_POINTER_BIAS
	blr
END(nbclone_arch_thread_pointer)

/* usize nbclone_arch_dtv(void): the block's last word. */
FUNCTION(nbclone_arch_dtv)
	LOAD	3, -THREAD_POINTER_BIAS - WORD(THREAD_POINTER)
	blr
END(nbclone_arch_dtv)

/* Not local: ELFv1's loader wants its descriptor. */
TOC_FUNCTION(nbclone_arch_at_load)
	b	nbclone_at_load
END(nbclone_arch_at_load)

	AT_LOAD(nbclone_arch_at_load)

	.section .note.GNU-stack, "", @progbits
