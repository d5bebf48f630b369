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

#define CLONE_THREAD_BIT	16
#define CLONE_VM_BIT		8
#define LINUX1_COPYFD		0x200

/* nbclone_arch_linux1_clone's frame: the Request of src/linux1/mod.rs, the
 * caller's d2 to d5; the return address and the two arguments are above. */
#define REQUEST_FLAGS		0
#define REQUEST_STACK		4
#define REQUEST_PARENT_TID	8
#define REQUEST_TLS		12
#define REQUEST_SIZE		20
#define SAVED_D2		REQUEST_SIZE
#define REQUEST_FRAME		(REQUEST_SIZE + 16)

/* The frame information's number of the return address. */
#define PC	24

/* "illegal". */
#define PADDING		.balignw 4, 0x4afc
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

	.text
	.balign	4

/* long nbclone_arch_clone(func, stack, flags, arg, parent_tid, tls, child_tid)
 */
FUNCTION(nbclone_arch_clone)
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
	/* The next two instructions run in the parent, whose return address is
	 * at 16(sp), and in the child, which has none.  As DWARF:
	 * pc = *(sp - 16 + ((d0 != 0) << 5)) & -(d0 != 0); below the child's
	 * sp is its stack. */
	.cfi_remember_state
	.cfi_escape 0x16, PC, 17, 0x7f, 0x70, 0x70, 0, 0x30, 0x2e, 0x35, 0x24, 0x22, 0x06, \
		0x30, 0x70, 0, 0x30, 0x2e, 0x1c, 0x1a
	tst.l	%d0
	jeq	nbclone_arch_child
	.cfi_restore_state
	RESTORE_D2_TO_D5
	rts
END(nbclone_arch_clone)

/* Where nbclone_arch_clone goes on in the child. No frame is above it. */
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

/* A func for nbclone_arch_clone: hands what the kernel got as parent_tid,
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

/* Takes clone's arguments, reached by a call or a jump from clone: calls
 * nbclone_checked_clone with them and the return address behind. */
FUNCTION(nbclone_arch_checked_clone)
	PUSH((%sp))			/* 8th: the return address */
	.rept	7			/* 7th to 1st: each push moves sp on */
	PUSH(32(%sp))
	.endr
	bsr.l	nbclone_checked_clone
	POP_WORDS(8)
	rts
END(nbclone_arch_checked_clone)

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
	/* Again two instructions for both, and one frame, but the child's
	 * caller has another stack pointer: CFA = request.stack +
	 * ((sp + frame + 4 - request.stack) & -(d0 != 0)). */
#define CFI_SAVED_IN_FRAME	\
	.cfi_escape 0x10, PC, 2, 0x7f, REQUEST_FRAME; \
	.cfi_escape 0x10, 2, 2, 0x7f, SAVED_D2, 0x10, 3, 2, 0x7f, SAVED_D2 + 4; \
	.cfi_escape 0x10, 4, 2, 0x7f, SAVED_D2 + 8, 0x10, 5, 2, 0x7f, SAVED_D2 + 12
	.cfi_remember_state
	CFI_SAVED_IN_FRAME
	.cfi_escape 0x0f, 17, 0x7f, REQUEST_STACK, 0x06, 0x7f, REQUEST_FRAME + 4, \
		0x7f, REQUEST_STACK, 0x06, 0x1c, 0x30, 0x70, 0, 0x30, 0x2e, 0x1c, 0x1a, 0x22
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
	/* And here: the call site is in a0 in either, and d2 in a1; the frame
	 * is the parent's alone.  CFA = sp + ((frame + 4) & -(d0 != 0)). */
#define CFI_SHARING		\
	.cfi_escape 0x0f, 12, 0x7f, 0, 0x08, REQUEST_FRAME + 4, 0x30, 0x70, 0, 0x30, 0x2e, \
		0x1c, 0x1a, 0x22; \
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
	.cfi_escape 0x0f, 3, 0x7f, REQUEST_STACK, 0x06
	movem.l	SAVED_D2(%sp), %d2-%d5
	CFI_RESTORE_D2_TO_D5
	move.l	REQUEST_PARENT_TID(%sp), %d0	/* Linux 1.x's flags */
	move.l	REQUEST_TLS(%sp), %d1	/* the robust list */
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

	.section .note.GNU-stack, "", @progbits
