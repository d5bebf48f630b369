/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Copyright (c) 2026 The nbclone developers */
/* m68k (68020 and later): what differs from x86_64.S, the master text.
 *
 *                  func   stack  flags   arg     parent_tid  tls     child_tid
 * C arguments      4(sp)  8(sp)  12(sp)  16(sp)  20(sp)      24(sp)  28(sp)
 * kernel (d0 120)  -      d2     d1      -       d3          d5      d4
 *   kept in        a0                    a1
 *
 * The child's stack at func's first instruction:
 *   (stack & -4)       the top: nothing above it is read or written
 *   (stack & -4) - 4   arg
 *   (stack & -4) - 8   sp: the return address into nbclone_arch_child
 *
 * The kernel changes d0 and no other register, in the parent and in the child.
 */

#define SYS_clone	120
#define SYS_exit	1
#define SYS_exit_group	247

#define SYS_get_thread_area	333
#define THREAD_POINTER_BIAS	0x7000

/* nbclone_arch_linux1_clone's frame: struct Request, the caller's d2 to d5; the
 * return address and the two arguments are above. */
#define SAVED_D2		REQUEST_SIZE
#define REQUEST_FRAME		(REQUEST_SIZE + 16)

/* DWARF's numbers: the return address has one of its own. */
#define D0	0
#define D2	2
#define SP	15
#define PC	24

/* "illegal". */
#define PADDING		.balignw 4, 0x4afc
#include "dwarf.h"
#include "functions.h"

#define SAVE_D2_TO_D5		\
	movem.l	%d2-%d5, -(%sp);\
	.cfi_adjust_cfa_offset 16; \
	.cfi_rel_offset %d2, 0;	\
	.cfi_rel_offset %d3, 4;	\
	.cfi_rel_offset %d4, 8;	\
	.cfi_rel_offset %d5, 12
#define CFI_RESTORE_D2_TO_D5	\
	.cfi_restore %d2;	\
	.cfi_restore %d3;	\
	.cfi_restore %d4;	\
	.cfi_restore %d5
#define RESTORE_D2_TO_D5	\
	movem.l	(%sp)+, %d2-%d5;\
	.cfi_adjust_cfa_offset -16; \
	CFI_RESTORE_D2_TO_D5
#define PUSH(what)		\
	move.l	what, -(%sp);	\
	.cfi_adjust_cfa_offset 4
#define PUSH_ADDRESS(where)	\
	pea	where;		\
	.cfi_adjust_cfa_offset 4
#define POP_WORDS(count)	\
	lea	4 * (count)(%sp), %sp; \
	.cfi_adjust_cfa_offset -4 * (count)

/* For the two instructions that run in the parent, whose return address is at
 * OFFSET(sp), and in the child, which has none:
 * pc = *(sp - 16 + ((d0 != 0) * (OFFSET + 16))) & -(d0 != 0); below the child's
 * sp is its stack. */
#define RETURNS_BY_D0(OFFSET)					\
	.cfi_escape DW_CFA_val_expression, PC, 19,		\
		DW_OP_breg(SP), SLEB(-16),			\
		DW_OP_breg(D0), 0, DW_OP_lit(0), DW_OP_ne,	\
		DW_OP_const1u, OFFSET + 16, DW_OP_mul,		\
		DW_OP_plus, DW_OP_deref,			\
		DW_OP_lit(0), DW_OP_breg(D0), 0, DW_OP_lit(0), DW_OP_ne, \
		DW_OP_minus, DW_OP_and

	.text
	.balign	4

/* pid_t nbclone_arch_clone(the seven arguments of clone) */
FUNCTION(nbclone_arch_clone)
	move.l	(nbclone_gate, %pc), %d0
	and.l	12(%sp), %d0
	cmpi.l	#CLONE_VM, %d0
	jne	2f
	movea.l	4(%sp), %a0		/* func */
	move.l	%a0, %d0
	jeq	2f
	cmpi.l	#LOWEST_STACK, 8(%sp)
	jcs	2f
	PUSH(%d2)			/* the caller's, for the parent */
	.cfi_rel_offset %d2, 0
	move.l	12(%sp), %d2
	move.l	16(%sp), %d1
	movea.l	20(%sp), %a1		/* arg */
	moveq	#SYS_clone, %d0
	trap	#0
	.cfi_remember_state
	RETURNS_BY_D0(4)
	tst.l	%d0
	jeq	nbclone_arch_child
	.cfi_restore_state
	move.l	(%sp)+, %d2
	.cfi_adjust_cfa_offset -4
	.cfi_restore %d2
	tst.l	%d0
	jmi	1f
	rts
	/* The arguments' words are ours to change. */
1:	move.l	(%sp), 8(%sp)		/* clone's caller */
	move.l	%d0, 4(%sp)		/* -errno */
	bra.l	nbclone_failed

2:	PUSH((%sp))			/* 6th: clone's caller */
	PUSH_ADDRESS(8(%sp))		/* 5th: the frame, clone's arguments */
	.rept	4			/* 4th to 1st: each push moves sp on */
	PUSH(24(%sp))
	.endr
	bsr.l	nbclone_slow_clone
	POP_WORDS(6)
	rts
END(nbclone_arch_clone)

/* Where nbclone_arch_clone and nbclone_arch_launch go on in the child. Unwinding
 * ends here. */
LOCAL_FUNCTION(nbclone_arch_child)
	.cfi_undefined PC
	.cfi_def_cfa %sp, 0
	/* The ABI's alignment at a call. It's too early in the parent: to the
	 * kernel a stack of 0 is the parent's own, and 1 to 3 would be that. */
	move.l	%sp, %d0
	moveq	#-4, %d2
	and.l	%d2, %d0
	movea.l	%d0, %sp
	suba.l	%a6, %a6		/* ends frame-pointer chains too */
	move.l	%d1, %d2		/* flags, over the call */
	PUSH(%a1)
	jsr	(%a0)
	move.l	%d0, %d1
	moveq	#SYS_exit, %d0		/* a thread ends alone */
	btst	#CLONE_THREAD_BIT, %d2
	jne	1f
	move.l	#SYS_exit_group, %d0
1:	trap	#0
	illegal				/* no exit returns */
END(nbclone_arch_child)

/* void nbclone_arch_host_arguments(frame, parent_tid_tls_child_tid[3]) */
FUNCTION(nbclone_arch_host_arguments)
	movea.l	4(%sp), %a0
	movea.l	8(%sp), %a1
	move.l	16(%a0), (%a1)+
	move.l	20(%a0), (%a1)+
	move.l	24(%a0), (%a1)
	rts
END(nbclone_arch_host_arguments)

/* long nbclone_arch_launch(func, stack, flags, arg, parent_tid, tls, child_tid)
 */
FUNCTION(nbclone_arch_launch)
	SAVE_D2_TO_D5			/* the caller's, for the parent */
	movea.l	20(%sp), %a0		/* func */
	move.l	24(%sp), %d2
	move.l	28(%sp), %d1
	movea.l	32(%sp), %a1		/* arg */
	move.l	36(%sp), %d3
	move.l	40(%sp), %d5
	move.l	44(%sp), %d4
	moveq	#SYS_clone, %d0
	trap	#0
	.cfi_remember_state
	RETURNS_BY_D0(16)
	tst.l	%d0
	jeq	nbclone_arch_child
	.cfi_restore_state
	RESTORE_D2_TO_D5
	rts
END(nbclone_arch_launch)

/* A func for nbclone_arch_launch: hands what the kernel got as parent_tid,
 * tls and child_tid to nbclone_child_start, behind arg. */
FUNCTION(nbclone_arch_child_start)
	PUSH(%d4)
	PUSH(%d5)
	PUSH(%d3)
	PUSH(16(%sp))
	bsr.l	nbclone_child_start
	POP_WORDS(4)
	rts
END(nbclone_arch_child_start)

/* pid_t nbclone_arch_linux1_clone(void *sp, unsigned long flags)
 *
 * The kernel's arguments take d2 to d5, where the child wants the caller's
 * values, and a new stack holds nothing but what the child itself has put
 * there. Hence one call for each case:
 *   copied memory: the child starts on its copy of this frame, as fork's
 *     would, and leaves it with all that it needs. (It may not start above:
 *     a signal would overwrite the frame.)
 *   shared memory: the kernel has no use for d3 to d5, which stay as they
 *     are, a1 carries d2 and a0 the call site; with COPYFD it's a call of its
 *     own, because no register is left to tell the child.
 */
FUNCTION(nbclone_arch_linux1_clone)
	SAVE_D2_TO_D5
	lea	-REQUEST_SIZE(%sp), %sp
	.cfi_adjust_cfa_offset REQUEST_SIZE
	PUSH(REQUEST_FRAME(%sp))	/* the return address, for the trace */
	PUSH_ADDRESS(4(%sp))		/* the request */
	PUSH_ADDRESS(REQUEST_FRAME + 12(%sp))	/* the caller's stack pointer */
	PUSH(REQUEST_FRAME + 20(%sp))	/* flags */
	PUSH(REQUEST_FRAME + 20(%sp))	/* sp */
	bsr.l	nbclone_linux1_prepare
	POP_WORDS(5)
	tst.l	%d0
	jne	3f			/* refused: -errno */
	move.l	REQUEST_FLAGS(%sp), %d1
	btst	#CLONE_VM_BIT, %d1
	jne	1f

	movem.l	REQUEST_PARENT_TID(%sp), %d3-%d5
	exg	%d4, %d5		/* the kernel's order */
	moveq	#0, %d2			/* no other stack, for now */
	moveq	#SYS_clone, %d0
	trap	#0
	/* The next two instructions run in parent and child. The frame is there
	 * in both, but the child's caller has another stack pointer: CFA = request.stack +
	 * ((sp + frame + 4 - request.stack) & -(d0 != 0)). */
#define IN_FRAME(register, offset)	\
	.cfi_escape DW_CFA_expression, register, 2, DW_OP_breg(SP), SLEB(offset)
#define CFI_SAVED_IN_FRAME		\
	IN_FRAME(PC, REQUEST_FRAME);	\
	IN_FRAME(D2, SAVED_D2);		\
	IN_FRAME(D2 + 1, SAVED_D2 + 4);	\
	IN_FRAME(D2 + 2, SAVED_D2 + 8);	\
	IN_FRAME(D2 + 3, SAVED_D2 + 12)
	.cfi_remember_state
	CFI_SAVED_IN_FRAME
	.cfi_escape DW_CFA_def_cfa_expression, 17,		\
		DW_OP_breg(SP), SLEB(REQUEST_STACK), DW_OP_deref, \
		DW_OP_breg(SP), SLEB(REQUEST_FRAME + 4),	\
		DW_OP_breg(SP), SLEB(REQUEST_STACK), DW_OP_deref, DW_OP_minus, \
		DW_OP_lit(0), DW_OP_breg(D0), 0, DW_OP_lit(0), DW_OP_ne, DW_OP_minus, \
		DW_OP_and, DW_OP_plus
	tst.l	%d0
	jeq	.Lcopied_child
	.cfi_restore_state
	jra	3f

1:	movea.l	REQUEST_FRAME(%sp), %a0	/* the call site, for the child */
	movea.l	SAVED_D2(%sp), %a1	/* for it, too */
	move.l	REQUEST_STACK(%sp), %d2
	move.l	REQUEST_PARENT_TID(%sp), %d0
	andi.l	#LINUX1_COPYFD, %d0
	jne	2f
	moveq	#SYS_clone, %d0
	trap	#0
	/* As above, but the frame is the parent's alone: the call site is in a0
	 * and the caller's d2 in a1 in both. */
#define CFI_SHARING		\
	FRAME_BY(D0, SP, REQUEST_FRAME + 4); \
	.cfi_register PC, %a0;	\
	.cfi_register %d2, %a1;	\
	.cfi_restore %d3;	\
	.cfi_restore %d4;	\
	.cfi_restore %d5
	.cfi_remember_state
	CFI_SHARING
	tst.l	%d0
	jeq	.Lsharing_child
	.cfi_restore_state
	jra	3f

2:	moveq	#SYS_clone, %d0
	trap	#0
	.cfi_remember_state
	CFI_SHARING
	tst.l	%d0
	jeq	.Lsharing_child_with_copyfd
	.cfi_restore_state

3:	PUSH_ADDRESS((%sp))		/* the request */
	PUSH(%d0)
	bsr.l	nbclone_linux1_finish
	POP_WORDS(2 + REQUEST_SIZE / 4)
	RESTORE_D2_TO_D5
	rts
END(nbclone_arch_linux1_clone)

/* Where nbclone_arch_linux1_clone goes on in the child. */
LOCAL_FUNCTION(nbclone_arch_linux1_child)
	.cfi_remember_state
.Lcopied_child:
	CFI_SAVED_IN_FRAME
	.cfi_escape DW_CFA_def_cfa_expression, 3,		\
		DW_OP_breg(SP), SLEB(REQUEST_STACK), DW_OP_deref
	movem.l	SAVED_D2(%sp), %d2-%d5
	CFI_RESTORE_D2_TO_D5
	move.l	REQUEST_PARENT_TID(%sp), %d0	/* Linux 1.x's flags */
	move.l	REQUEST_TLS(%sp), %d1	/* libc's thread id's place */
	movea.l	REQUEST_FRAME(%sp), %a0
	.cfi_register PC, %a0
	movea.l	REQUEST_STACK(%sp), %sp
	.cfi_def_cfa %sp, 0
	jra	1f
.Lsharing_child_with_copyfd:		/* sp: the new stack pointer; see above */
	.cfi_register %d2, %a1
	move.l	%a1, %d2
	.cfi_restore %d2
	move.l	#LINUX1_COPYFD, %d0
	moveq	#0, %d1
1:	PUSH(%a0)
	.cfi_rel_offset PC, 0
	PUSH(%d1)
	PUSH(%d0)
	bsr.l	nbclone_linux1_child
	POP_WORDS(2)
	movea.l	(%sp)+, %a0
	.cfi_adjust_cfa_offset -4
	.cfi_register PC, %a0
	moveq	#0, %d0
	jmp	(%a0)
.Lsharing_child:
	.cfi_restore_state
	.cfi_def_cfa %sp, 0
	.cfi_register PC, %a0
	.cfi_register %d2, %a1
	move.l	%a1, %d2
	.cfi_restore %d2
	jmp	(%a0)			/* d0 is 0 */
END(nbclone_arch_linux1_child)

/* long nbclone_arch_syscall(number, a, b, c, d, e) */
FUNCTION(nbclone_arch_syscall)
	SAVE_D2_TO_D5
	movem.l	20(%sp), %d0-%d5
	trap	#0
	RESTORE_D2_TO_D5
	rts
END(nbclone_arch_syscall)

/* usize nbclone_arch_thread_pointer(void): the thread control block's end. No
 * register has it: libc's own __m68k_read_tp makes this system call too. */
FUNCTION(nbclone_arch_thread_pointer)
	move.l	#SYS_get_thread_area, %d0
	trap	#0
	subi.l	#THREAD_POINTER_BIAS, %d0
	rts
END(nbclone_arch_thread_pointer)

/* usize nbclone_arch_dtv(void): the block has two words. */
FUNCTION(nbclone_arch_dtv)
	move.l	#SYS_get_thread_area, %d0
	trap	#0
	movea.l	%d0, %a0
	move.l	-THREAD_POINTER_BIAS - 2 * WORD(%a0), %d0
	rts
END(nbclone_arch_dtv)

LOCAL_FUNCTION(nbclone_arch_at_load)
	bra.l	nbclone_at_load
END(nbclone_arch_at_load)

	AT_LOAD(nbclone_arch_at_load)

	.section .note.GNU-stack, "", @progbits
