/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Copyright (c) 2026 The nbclone developers */
/* AArch64, either byte order: what differs from x86_64.S.
 *
 *                  func  stack  flags  arg  parent_tid  tls  child_tid
 * C arguments      x0    x1     w2     x3   x4          x5   x6
 * kernel (x8 220)  -     x1     x0     -    x2          x3   x4
 *   kept in        x9           w11    x10
 *
 * The child's stack at func's first instruction:
 *   (stack & -16)  sp: the top, nothing above it is read or written;
 *                  the return address into nbclone_arch_child is in x30
 *
 * SME's ZA array. Its "lazy saving scheme" (AAPCS64) lets a caller leave ZA
 * dormant: on, with TPIDR2_EL0 pointing to where it is to be saved by whoever
 * needs it. A child must not begin like that: both would save to one place.
 * Linux 7.2 switches ZA off in a child that shares memory, without saving it,
 * and leaves it on in any other. So ZA is saved and switched off before the
 * call, as each function with a private-ZA interface may do: off in both.
 */

#define SYS_exit	93
#define SYS_exit_group	94
#define SYS_clone	220

#define LINUX1_COPYVM_BIT	8

/* nbclone_arch_linux1_clone's frame: the call site, and struct Request
 * (src/linux1/mod.rs) behind it. */
#define REQUEST		8
#define FRAME		48

/* Assemblers know them only if they are told of the extension. */
#define LANDING_PAD	hint	#34		/* bti c */
#define CHKFEAT_X16	hint	#40
#define TPIDR2_EL0	s3_3_c13_c0_5
#define SMSTOP_ZA	.inst	0xd503447f	/* smstop za */
#define STR_ZA_W15_X16	.inst	0xe1206200	/* str za[w15, 0], [x16] */
#define ADDSVL_X16	.inst	0x04305830	/* addsvl x16, x16, #1 */

/* "udf #0". */
#define PADDING		.p2align 4, 0
#include "dwarf.h"
#include "functions.h"

	.text
	.p2align 4

/* For the instruction that runs in the parent and in the child, where x0 is 0:
 * x30 = (x0 != 0) * x30. */
#define RETURNS_BY_X0						\
	.cfi_escape DW_CFA_val_expression, 30, 7,		\
		DW_OP_breg(0), 0, DW_OP_lit(0), DW_OP_ne,	\
		DW_OP_breg(30), 0, DW_OP_mul

/* pid_t nbclone_arch_clone(the seven arguments of clone)
 * Reached by a jump alone: no landing pad. */
FUNCTION(nbclone_arch_clone)
	adrp	x7, nbclone_gate
	ldr	w7, [x7, :lo12:nbclone_gate]
	and	w7, w7, w2
	cmp	w7, #CLONE_VM
	b.ne	2f
	cbz	x0, 2f
	cmp	x1, #LOWEST_STACK
	b.lo	2f
	mov	x9, x0			/* func */
	mov	x10, x3			/* arg */
	mov	w11, w2			/* flags, for the end */
	mov	w0, w2
	mov	x8, #SYS_clone
	svc	#0
	.cfi_remember_state
	RETURNS_BY_X0
	cbz	x0, nbclone_arch_child
	.cfi_restore_state
	tbnz	x0, #63, 1f
	ret
1:	mov	x1, x30			/* clone's caller */
	b	nbclone_failed

	/* nbclone_slow_clone(func, stack, flags, arg, frame, caller) */
2:	stp	x30, x4, [sp, #-32]!
	.cfi_adjust_cfa_offset 32
	.cfi_rel_offset x30, 0
	stp	x5, x6, [sp, #16]
	add	x4, sp, #8		/* frame: parent_tid, tls, child_tid */
	mov	x5, x30
	bl	nbclone_slow_clone
	ldr	x30, [sp], #32
	.cfi_restore x30
	.cfi_adjust_cfa_offset -32
	ret
END(nbclone_arch_clone)

/* void nbclone_arch_host_arguments(frame, parent_tid_tls_child_tid[3]) */
FUNCTION(nbclone_arch_host_arguments)
	ldp	x2, x3, [x0]
	ldr	x4, [x0, #16]
	stp	x2, x3, [x1]
	str	x4, [x1, #16]
	ret
END(nbclone_arch_host_arguments)

/* long nbclone_arch_launch(func, stack, flags, arg, parent_tid, tls, child_tid)
 */
FUNCTION(nbclone_arch_launch)
	adrp	x7, nbclone_arch_has_sme
	ldrb	w7, [x7, :lo12:nbclone_arch_has_sme]
	cbz	w7, 1f
	mov	x8, x30
	.cfi_register x30, x8
	bl	nbclone_arch_za_off
	mov	x30, x8
	.cfi_restore x30
1:	mov	x9, x0			/* func */
	mov	x10, x3			/* arg */
	mov	w11, w2			/* flags, for the end */
	mov	w0, w2
	mov	x2, x4
	mov	x3, x5
	mov	x4, x6
	mov	x8, #SYS_clone
	svc	#0
	.cfi_remember_state
	RETURNS_BY_X0
	cbz	x0, nbclone_arch_child
	.cfi_restore_state
	ret
END(nbclone_arch_launch)

/* Where nbclone_arch_clone and nbclone_arch_launch go on in the child. Unwinding ends here. */
LOCAL_FUNCTION(nbclone_arch_child)
	.cfi_undefined x30
	mov	x29, #0			/* ends frame-pointer chains too */
	mov	x12, sp
	and	sp, x12, #-16		/* sp may be used only if aligned */
	mov	w19, w11
	mov	x0, x10
	blr	x9
	mov	x8, #SYS_exit_group
	mov	x9, #SYS_exit
	tst	w19, #1 << CLONE_THREAD_BIT
	csel	x8, x8, x9, eq		/* a thread ends alone */
	svc	#0
	brk	#1			/* no exit returns */
END(nbclone_arch_child)

/* A func for nbclone_arch_launch: hands what the kernel got as parent_tid,
 * tls and child_tid to nbclone_child_start, behind arg. */
FUNCTION(nbclone_arch_child_start)
	LANDING_PAD
	mov	x1, x2
	mov	x2, x3
	mov	x3, x4
	b	nbclone_child_start
END(nbclone_arch_child_start)

/* pid_t nbclone_arch_linux1_clone(void *sp, unsigned long flags) */
FUNCTION(nbclone_arch_linux1_clone)
	mov	x2, sp			/* the caller's own stack pointer */
	mov	x4, x30			/* the return address, for the trace */
	str	x30, [sp, #-FRAME]!
	.cfi_adjust_cfa_offset FRAME
	.cfi_rel_offset x30, 0
	add	x3, sp, #REQUEST
	bl	nbclone_linux1_prepare
	cbnz	x0, 2f			/* refused: -errno */
	adrp	x7, nbclone_arch_has_sme
	ldrb	w7, [x7, :lo12:nbclone_arch_has_sme]
	cbz	w7, 1f
	bl	nbclone_arch_za_off
1:	ldr	x30, [sp]		/* the call site, for the child */
	ldp	x0, x1, [sp, #REQUEST]
	ldp	x2, x3, [sp, #REQUEST + 16]
	ldr	x4, [sp, #REQUEST + 32]
	mov	x8, #SYS_clone
	svc	#0
	/* The next instruction runs in parent and child: the call site is in x30
	 * in both, the frame is the parent's alone: CFA = sp + (x0 != 0) * 48. */
	.cfi_remember_state
	.cfi_restore x30
	.cfi_escape DW_CFA_def_cfa_expression, 10, DW_OP_breg(31), 0, \
		DW_OP_breg(0), 0, DW_OP_lit(0), DW_OP_ne, \
		DW_OP_const1u, FRAME, DW_OP_mul, DW_OP_plus
	cbz	x0, nbclone_arch_linux1_child
	.cfi_restore_state
2:	add	x1, sp, #REQUEST
	bl	nbclone_linux1_finish
	ldr	x30, [sp], #FRAME
	.cfi_restore x30
	.cfi_adjust_cfa_offset -FRAME
	ret
END(nbclone_arch_linux1_clone)

/* Where nbclone_arch_linux1_clone goes on in the child: sp is the new stack
 * pointer, x30 the call site, x2 the Linux 1.x flags, x3 the place of libc's thread
 * id. */
LOCAL_FUNCTION(nbclone_arch_linux1_child)
	tst	w2, #LINUX1_COPYVM_COPYFD
	b.eq	1f
	str	x30, [sp, #-16]!
	.cfi_adjust_cfa_offset 16
	.cfi_rel_offset x30, 0
	str	x2, [sp, #8]
	mov	x0, x2
	mov	x1, x3
	bl	nbclone_linux1_child
	ldp	x30, x2, [sp], #16
	.cfi_restore x30
	.cfi_adjust_cfa_offset -16
1:	mov	x0, #0
	/* With a guarded control stack of its own, which has no entry for this
	 * return, a child that shares memory leaves by a jump: a call site of a
	 * function that returns twice has a landing pad for that. */
	tbnz	w2, #LINUX1_COPYVM_BIT, 2f
	mov	x16, #1			/* GCS? */
	CHKFEAT_X16
	cbnz	x16, 2f			/* it is off, or unknown here */
	br	x30
2:	ret				/* without GCS there may be no landing pad */
END(nbclone_arch_linux1_child)

/* long nbclone_arch_syscall(number, a, b, c, d, e) */
FUNCTION(nbclone_arch_syscall)
	mov	x8, x0
	mov	x0, x1
	mov	x1, x2
	mov	x2, x3
	mov	x3, x4
	mov	x4, x5
	svc	#0
	ret
END(nbclone_arch_syscall)

/* Commits a lazy save of ZA and switches it off, on a machine that has SME:
 * what AAPCS64 calls __arm_za_disable. Spoils x12 to x17, and nothing else. */
LOCAL_FUNCTION(nbclone_arch_za_off)
	mrs	x14, TPIDR2_EL0
	cbz	x14, 3f			/* nothing to save */
	ldrh	w12, [x14, #10]		/* reserved: 0 */
	ldr	w13, [x14, #12]
	orr	w12, w12, w13
	cbnz	w12, 4f
	ldr	x16, [x14]		/* za_save_buffer */
	ldrh	w17, [x14, #8]		/* num_za_save_slices */
	cbz	x16, 2f
	cbz	w17, 2f
	mov	w15, #0			/* one of the few that can index ZA */
1:	STR_ZA_W15_X16
	ADDSVL_X16
	add	w15, w15, #1
	cmp	w15, w17
	b.ne	1b
2:	msr	TPIDR2_EL0, xzr
3:	SMSTOP_ZA
	ret
4:	brk	#1			/* a newer kind of block */
END(nbclone_arch_za_off)

/* usize nbclone_arch_thread_pointer(void) */
FUNCTION(nbclone_arch_thread_pointer)
	mrs	x0, tpidr_el0
	ret
END(nbclone_arch_thread_pointer)

/* usize nbclone_arch_dtv(void) */
FUNCTION(nbclone_arch_dtv)
	mrs	x0, tpidr_el0
	ldr	x0, [x0]
	ret
END(nbclone_arch_dtv)

LOCAL_FUNCTION(nbclone_arch_at_load)
	LANDING_PAD
	b	nbclone_at_load
END(nbclone_arch_at_load)

	AT_LOAD(nbclone_arch_at_load)

	/* Not 0 where there is SME: src/host/entry.rs writes it at load. */
	.globl	nbclone_arch_has_sme
	.hidden	nbclone_arch_has_sme
	.comm	nbclone_arch_has_sme, 1

#include "marks.h"
