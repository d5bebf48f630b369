/* powerpc64, little- and big-endian: ELFv2, where r12 holds a function's
 * address at its global entry, and ELFv1, where a function's name is that of
 * a descriptor. What isn't said here is as in x86_64.S.
 *
 *                    func  stack  flags  arg  parent_tid  tls  child_tid
 * C arguments        r3    r4     r5     r6   r7          r8   r9
 * kernel (r0 = 120)  -     r4     r3     -    r5          r6   r7
 *   kept in          r31          r29    r30  r26         r27  r28
 *
 * The child's stack at func's first instruction:
 *   (stack & -16)       the top: nothing above it is read or written
 *   (stack & -16) - 32  r1: the smallest frame, its back chain 0 (112 on ELFv1)
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

#define CLONE_THREAD_HIGH	1	/* of the flag word's upper half */
#define LINUX1_COPYVM_COPYFD	0x300
#define CR5			0x04	/* mtcrf's mask for it: it has bits of 0xf00 */

/* Where a frame's words are. The first two are those of the frame's owner;
 * a callee stores lr, and a call to another module stores r2, in its
 * caller's frame. */
#define BACK_CHAIN	0
#define LR_SAVE		16
#if _CALL_ELF == 2
# define TOC_SAVE	24
# define SMALLEST_FRAME	32
#else
# define TOC_SAVE	40
# define SMALLEST_FRAME	112
#endif

/* struct Request, src/linux1/mod.rs, above the smallest frame. */
#define REQUEST			SMALLEST_FRAME
#define REQUEST_FLAGS		(REQUEST + 0)
#define REQUEST_STACK		(REQUEST + 8)
#define REQUEST_PARENT_TID	(REQUEST + 16)
#define REQUEST_TLS		(REQUEST + 24)
#define REQUEST_CHILD_TID	(REQUEST + 32)
#define LINUX1_FRAME		(SMALLEST_FRAME + 48)

#define DWARF_LR	65
/* A signed half of DW_OP_bra and DW_OP_skip, in the target's byte order. */
#ifdef __LITTLE_ENDIAN__
# define HALF(n)	n, 0
#else
# define HALF(n)	0, n
#endif
#define ULEB(n)		((n) & 0x7f) | 0x80, (n) >> 7

#define PADDING		.p2align 4, 0
#if _CALL_ELF != 2
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
#include "functions.h"

/* For one that calls or jumps into Rust, which needs this module's TOC. */
#if _CALL_ELF == 2
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

	.text
	.p2align 4

/* long nbclone_arch_clone(func, stack, flags, arg, parent_tid, tls, child_tid)
 */
FUNCTION(nbclone_arch_clone)
	std	26, -48(1)		/* the caller's, for the parent: in */
	std	27, -40(1)		/* the zone below r1 that the ABI */
	std	28, -32(1)		/* keeps free of signal frames */
	std	29, -24(1)
	std	30, -16(1)
	std	31, -8(1)
	.cfi_offset r26, -48
	.cfi_offset r27, -40
	.cfi_offset r28, -32
	.cfi_offset r29, -24
	.cfi_offset r30, -16
	.cfi_offset r31, -8
	mr	31, 3
	mr	30, 6
	mr	29, 5
	mr	28, 9
	mr	27, 8
	mr	26, 7
	mr	3, 5
	clrrdi	4, 4, 4			/* the ABI's alignment of r1 */
	mr	5, 7
	mr	6, 8
	mr	7, 9
	li	0, SYS_clone
	sc
	/* The next two instructions run in both, and the return address is in
	 * lr in both: where r3 is 0, in the child, it is none. As DWARF: lr =
	 * r3 ? lr : 0. An errno isn't 0 either. */
	.cfi_remember_state
	.cfi_escape 0x16, DWARF_LR, 12, 0x73, 0, 0x28, HALF(4), 0x30, 0x2f, HALF(3), 0x92, DWARF_LR, 0
	cmpdi	cr1, 3, 0		/* cr0 still has SO */
	beq	cr1, nbclone_arch_child
	.cfi_restore_state
	ld	26, -48(1)
	ld	27, -40(1)
	ld	28, -32(1)
	ld	29, -24(1)
	ld	30, -16(1)
	ld	31, -8(1)
	bnslr+				/* no error: r3 is the child's id */
	neg	3, 3
	blr
END(nbclone_arch_clone)

LOCAL_FUNCTION(nbclone_arch_child)
	.cfi_undefined lr
	.cfi_def_cfa r1, 0
	li	0, 0
	stdu	0, -SMALLEST_FRAME(1)	/* the back chain ends here */
	.cfi_def_cfa_offset SMALLEST_FRAME
	mr	3, 30
#if _CALL_ELF == 2
	mr	12, 31			/* func finds its TOC from its address */
#else
	ld	12, 0(31)		/* code, TOC and environment of func */
	ld	2, 8(31)
	ld	11, 16(31)
#endif
	mtctr	12
	bctrl
	extsw	3, 3			/* an int as the kernel's long */
	andis.	0, 29, CLONE_THREAD_HIGH
	li	0, SYS_exit_group
	beq	1f
	li	0, SYS_exit		/* a thread ends alone */
1:	sc
	trap				/* no exit returns */
LOCAL_END(nbclone_arch_child)

TOC_FUNCTION(nbclone_arch_child_start)
	mr	4, 26
	mr	5, 27
	mr	6, 28
	b	nbclone_child_start
END(nbclone_arch_child_start)

/* All eight arguments are in registers, so that this is a jump. */
TOC_FUNCTION(nbclone_arch_checked_clone)
	mflr	10			/* 8th: the return address */
	b	nbclone_checked_clone
END(nbclone_arch_checked_clone)

/* pid_t nbclone_arch_linux1_clone(void *sp, unsigned long flags) */
TOC_FUNCTION(nbclone_arch_linux1_clone)
	mflr	7			/* the call site, for the trace */
	std	7, LR_SAVE(1)
	.cfi_offset lr, LR_SAVE
	mr	5, 1			/* the caller's own stack pointer */
	stdu	1, -LINUX1_FRAME(1)
	.cfi_def_cfa_offset LINUX1_FRAME
	addi	6, 1, REQUEST
	bl	nbclone_linux1_prepare
	nop
	cmpdi	3, 0
	bne	2f			/* refused: -errno */
	ld	0, LINUX1_FRAME + LR_SAVE(1)
	mtlr	0			/* the call site, for the child */
	lfd	0, REQUEST_TLS(1)	/* the same: the robust list, */
	lfd	1, LINUX1_FRAME + TOC_SAVE(1)
	lfd	2, LINUX1_FRAME + BACK_CHAIN(1)
	ld	3, REQUEST_FLAGS(1)
	ld	4, REQUEST_STACK(1)
	ld	5, REQUEST_PARENT_TID(1)
	mtcrf	CR5, 5			/* and the Linux 1.x flags */
	ld	6, REQUEST_TLS(1)
	ld	7, REQUEST_CHILD_TID(1)
	li	0, SYS_clone
	sc
	/* Again two instructions for both: the call site is in lr in either;
	 * the frame is the parent's alone. CFA = r1 + (r3 ? frame : 0). */
	.cfi_remember_state
	.cfi_restore lr
	.cfi_escape 0x0f, 13, 0x71, 0, 0x73, 0, 0x28, HALF(3), 0x2f, HALF(3), 0x23, ULEB(LINUX1_FRAME)
	cmpdi	cr1, 3, 0
	beq	cr1, nbclone_arch_linux1_child
	.cfi_restore_state
	bns+	2f
	neg	3, 3
2:	addi	4, 1, REQUEST
	bl	nbclone_linux1_finish
	nop
	addi	1, 1, LINUX1_FRAME
	.cfi_def_cfa_offset 0
	ld	0, LR_SAVE(1)
	mtlr	0
	.cfi_restore lr
	blr
END(nbclone_arch_linux1_clone)

/* r1 is the new stack pointer, lr the call site, cr5 has the Linux 1.x flags,
 * f0 the robust list, f1 and f2 two words of the caller's frame: a call to
 * another module is followed by a load of r2 from the first, and the second
 * is where an allocation on the stack takes its back chain from. On the
 * caller's own stack they are what is there already. */
LOCAL_FUNCTION(nbclone_arch_linux1_child)
	stfd	1, TOC_SAVE(1)
	stfd	2, BACK_CHAIN(1)
	mfcr	3
	andi.	3, 3, LINUX1_COPYVM_COPYFD
	beq	1f
	stfd	0, -8(1)
	ld	4, -8(1)
	mflr	0
	std	0, LR_SAVE(1)
	.cfi_offset lr, LR_SAVE
	stdu	1, -SMALLEST_FRAME(1)
	.cfi_def_cfa_offset SMALLEST_FRAME
	bl	nbclone_linux1_child
	nop
	addi	1, 1, SMALLEST_FRAME
	.cfi_def_cfa_offset 0
	ld	0, LR_SAVE(1)
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

	.section .note.GNU-stack, "", @progbits
