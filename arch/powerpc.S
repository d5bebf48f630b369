/* powerpc, 32-bit, System V ABI. What isn't said here is as in x86_64.S, and
 * what the kernel spoils is as in powerpc64.S.
 *
 *                    func  stack  flags  arg  parent_tid  tls  child_tid
 * C arguments        r3    r4     r5     r6   r7          r8   r9
 * kernel (r0 = 120)  -     r4     r3     -    r5          r6   r7
 *   kept in          r31          r29    r30  r26         r27  r28
 *
 * The child's stack at func's first instruction:
 *   (stack & -16)       the top: nothing above it is read or written
 *   (stack & -16) - 16  r1: the smallest frame, its back chain 0
 */

#define SYS_exit	1
#define SYS_clone	120
#define SYS_exit_group	234

#define CLONE_THREAD_HIGH	1	/* of the flag word's upper half */
#define LINUX1_COPYVM_COPYFD	0x300
#define CR5			0x04	/* mtcrf's mask for it: it has bits of 0xf00 */

/* Where a frame's words are: its owner's, and lr, stored by a callee. */
#define BACK_CHAIN	0
#define LR_SAVE		4
#define SMALLEST_FRAME	16

#define CLONE_FRAME	32		/* with six registers */
#define CLONE_SAVE	8

/* struct Request, src/linux1/mod.rs, above the words of the frame, and so that what
 * FPRs are loaded from is aligned. */
#define REQUEST			12
#define REQUEST_FLAGS		(REQUEST + 0)
#define REQUEST_STACK		(REQUEST + 4)
#define REQUEST_PARENT_TID	(REQUEST + 8)
#define REQUEST_TLS		(REQUEST + 12)
#define REQUEST_CHILD_TID	(REQUEST + 16)
#define LINUX1_FRAME		32

#define DWARF_LR	65

#define PADDING		.p2align 4, 0
#include "functions.h"

	.text
	.p2align 4

/* long nbclone_arch_clone(func, stack, flags, arg, parent_tid, tls, child_tid)
 */
FUNCTION(nbclone_arch_clone)
	stwu	1, -CLONE_FRAME(1)
	.cfi_def_cfa_offset CLONE_FRAME
	stmw	26, CLONE_SAVE(1)	/* the caller's r26 to r31, for the parent */
	.cfi_offset r26, CLONE_SAVE - CLONE_FRAME
	.cfi_offset r27, CLONE_SAVE - CLONE_FRAME + 4
	.cfi_offset r28, CLONE_SAVE - CLONE_FRAME + 8
	.cfi_offset r29, CLONE_SAVE - CLONE_FRAME + 12
	.cfi_offset r30, CLONE_SAVE - CLONE_FRAME + 16
	.cfi_offset r31, CLONE_SAVE - CLONE_FRAME + 20
	mr	31, 3
	mr	30, 6
	mr	29, 5
	mr	28, 9
	mr	27, 8
	mr	26, 7
	mr	3, 5
	clrrwi	4, 4, 4			/* the ABI's alignment of r1 */
	mr	5, 7
	mr	6, 8
	mr	7, 9
	li	0, SYS_clone
	sc
	/* The next two instructions run in both, and the return address is in
	 * lr in both: where r3 is 0, in the child, it is none. As DWARF: lr =
	 * r3 ? lr : 0. An errno isn't 0 either. */
	.cfi_remember_state
	.cfi_escape 0x16, DWARF_LR, 12, 0x73, 0, 0x28, 0, 4, 0x30, 0x2f, 0, 3, 0x92, DWARF_LR, 0
	cmpwi	cr1, 3, 0		/* cr0 still has SO */
	beq	cr1, nbclone_arch_child
	.cfi_restore_state
	lmw	26, CLONE_SAVE(1)
	addi	1, 1, CLONE_FRAME
	.cfi_def_cfa_offset 0
	.cfi_restore r26
	.cfi_restore r27
	.cfi_restore r28
	.cfi_restore r29
	.cfi_restore r30
	.cfi_restore r31
	bnslr+				/* no error: r3 is the child's id */
	neg	3, 3
	blr
END(nbclone_arch_clone)

LOCAL_FUNCTION(nbclone_arch_child)
	.cfi_undefined lr
	.cfi_def_cfa r1, 0
	li	0, 0
	stwu	0, -SMALLEST_FRAME(1)	/* the back chain ends here */
	.cfi_def_cfa_offset SMALLEST_FRAME
	mr	3, 30
	mtctr	31
	bctrl
	andis.	0, 29, CLONE_THREAD_HIGH
	li	0, SYS_exit_group
	beq	1f
	li	0, SYS_exit		/* a thread ends alone */
1:	sc
	trap				/* no exit returns */
END(nbclone_arch_child)

FUNCTION(nbclone_arch_child_start)
	mr	4, 26
	mr	5, 27
	mr	6, 28
	b	nbclone_child_start
END(nbclone_arch_child_start)

/* All eight arguments are in registers, so that this is a jump. */
FUNCTION(nbclone_arch_checked_clone)
	mflr	10			/* 8th: the return address */
	b	nbclone_checked_clone
END(nbclone_arch_checked_clone)

/* pid_t nbclone_arch_linux1_clone(void *sp, unsigned long flags) */
FUNCTION(nbclone_arch_linux1_clone)
	mflr	7			/* the call site, for the trace */
	stw	7, LR_SAVE(1)
	.cfi_offset lr, LR_SAVE
	mr	5, 1			/* the caller's own stack pointer */
	stwu	1, -LINUX1_FRAME(1)
	.cfi_def_cfa_offset LINUX1_FRAME
	addi	6, 1, REQUEST
	bl	nbclone_linux1_prepare
	cmpwi	3, 0
	bne	2f			/* refused: -errno */
	lwz	0, LINUX1_FRAME + LR_SAVE(1)
	mtlr	0			/* the call site, for the child */
	/* The same, two words each: the robust list and child_tid, the
	 * caller's back chain and the call site. */
	lfd	0, REQUEST_TLS(1)
	lfd	1, LINUX1_FRAME + BACK_CHAIN(1)
	lwz	3, REQUEST_FLAGS(1)
	lwz	4, REQUEST_STACK(1)
	lwz	5, REQUEST_PARENT_TID(1)
	mtcrf	CR5, 5			/* and the Linux 1.x flags */
	lwz	6, REQUEST_TLS(1)
	lwz	7, REQUEST_CHILD_TID(1)
	li	0, SYS_clone
	sc
	/* Again two instructions for both: the call site is in lr in either;
	 * the frame is the parent's alone. CFA = r1 + (r3 ? frame : 0). */
	.cfi_remember_state
	.cfi_restore lr
	.cfi_escape 0x0f, 12, 0x71, 0, 0x73, 0, 0x28, 0, 3, 0x2f, 0, 2, 0x23, LINUX1_FRAME
	cmpwi	cr1, 3, 0
	beq	cr1, nbclone_arch_linux1_child
	.cfi_restore_state
	bns+	2f
	neg	3, 3
2:	addi	4, 1, REQUEST
	bl	nbclone_linux1_finish
	addi	1, 1, LINUX1_FRAME
	.cfi_def_cfa_offset 0
	lwz	0, LR_SAVE(1)
	mtlr	0
	.cfi_restore lr
	blr
END(nbclone_arch_linux1_clone)

/* r1 is the new stack pointer, lr the call site, cr5 has the Linux 1.x flags,
 * f0 the robust list, f1 the two words of the caller's frame: an allocation
 * on the stack takes its back chain from the first, and the other is a callee's
 * to write. On the caller's own stack they are what is there already. */
LOCAL_FUNCTION(nbclone_arch_linux1_child)
	stfd	1, BACK_CHAIN(1)
	.cfi_offset lr, LR_SAVE
	mfcr	3
	andi.	3, 3, LINUX1_COPYVM_COPYFD
	beq	1f
	stwu	1, -SMALLEST_FRAME(1)
	.cfi_def_cfa_offset SMALLEST_FRAME
	stfd	0, 8(1)
	lwz	4, 8(1)
	bl	nbclone_linux1_child
	addi	1, 1, SMALLEST_FRAME
	.cfi_def_cfa_offset 0
	lwz	0, LR_SAVE(1)
	mtlr	0
1:	li	3, 0
	blr
END(nbclone_arch_linux1_child)

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

	.section .note.GNU-stack, "", @progbits
