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
#define SYS_prctl	167
#define SYS_clone	220

#define PR_SME_GET_VL	64

#define CLONE_THREAD_BIT	16
#define LINUX1_COPYVM_COPYFD	0x300

/* nbclone_arch_linux1_clone's frame: the call site, and struct Request
 * (src/linux1/mod.rs) behind it. */
#define REQUEST		8
#define FRAME		48

/* Assemblers know them only if they are told of the extension. */
#define LANDING_PAD	hint	#34		/* bti c */
#define TPIDR2_EL0	s3_3_c13_c0_5
#define SMSTOP_ZA	.inst	0xd503447f	/* smstop za */
#define STR_ZA_W15_X16	.inst	0xe1206200	/* str za[w15, 0], [x16] */
#define ADDSVL_X16	.inst	0x04305830	/* addsvl x16, x16, #1 */

/* "udf #0". */
#define PADDING		.p2align 4, 0
#include "functions.h"

	.text
	.p2align 4

/* long nbclone_arch_clone(func, stack, flags, arg, parent_tid, tls, child_tid)
 */
FUNCTION(nbclone_arch_clone)
	LANDING_PAD
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
	/* The next instruction runs in both: x30 = (x0 != 0) * x30. */
	.cfi_remember_state
	.cfi_escape 0x16, 30, 7, 0x70, 0, 0x30, 0x2e, 0x8e, 0, 0x1e
	cbz	x0, nbclone_arch_child
	.cfi_restore_state
	ret
END(nbclone_arch_clone)

/* Where nbclone_arch_clone goes on in the child. No frame is above it. */
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

/* A func for nbclone_arch_clone: hands what the kernel got as parent_tid,
 * tls and child_tid to nbclone_child_start, behind arg. */
FUNCTION(nbclone_arch_child_start)
	LANDING_PAD
	mov	x1, x2
	mov	x2, x3
	mov	x3, x4
	b	nbclone_child_start
END(nbclone_arch_child_start)

/* Takes clone's arguments, reached by a jump from clone: goes on with clone's
 * return address behind them. */
FUNCTION(nbclone_arch_checked_clone)
	LANDING_PAD
	mov	x7, x30
	b	nbclone_checked_clone
END(nbclone_arch_checked_clone)

/* pid_t nbclone_arch_linux1_clone(void *sp, unsigned long flags) */
FUNCTION(nbclone_arch_linux1_clone)
	LANDING_PAD
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
	/* Again one instruction for both: the call site is in x30 in either;
	 * the frame is the parent's alone.  CFA = sp + (x0 != 0) * 48. */
	.cfi_remember_state
	.cfi_restore x30
	.cfi_escape 0x0f, 10, 0x8f, 0, 0x70, 0, 0x30, 0x2e, 0x08, FRAME, 0x1e, 0x22
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
 * pointer, x30 the call site, x2 the Linux 1.x flags, x3 the robust list. */
LOCAL_FUNCTION(nbclone_arch_linux1_child)
	tst	w2, #LINUX1_COPYVM_COPYFD
	b.eq	1f
	str	x30, [sp, #-16]!
	.cfi_adjust_cfa_offset 16
	.cfi_rel_offset x30, 0
	mov	x0, x2
	mov	x1, x3
	bl	nbclone_linux1_child
	ldr	x30, [sp], #16
	.cfi_restore x30
	.cfi_adjust_cfa_offset -16
1:	mov	x0, #0
	ret				/* a call site has no landing pad */
END(nbclone_arch_linux1_child)

/* long nbclone_arch_syscall(number, a, b, c, d, e) */
FUNCTION(nbclone_arch_syscall)
	LANDING_PAD
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

/* At load: the registers of SME exist if its vector length can be asked for. */
LOCAL_FUNCTION(nbclone_arch_find_sme)
	LANDING_PAD
	mov	x0, #PR_SME_GET_VL
	mov	x8, #SYS_prctl
	svc	#0
	cmp	x0, #0
	cset	w0, gt
	adrp	x1, nbclone_arch_has_sme
	strb	w0, [x1, :lo12:nbclone_arch_has_sme]
	ret
END(nbclone_arch_find_sme)

	.section .init_array, "aw", %init_array
	.p2align 3
	.xword	nbclone_arch_find_sme

	.local	nbclone_arch_has_sme
	.comm	nbclone_arch_has_sme, 1

	.section .note.GNU-stack, "", %progbits

/* Every indirect branch target above is a bti. Return addresses aren't signed:
 * PAC isn't claimed; and a guarded control stack would miss the return of
 * nbclone_arch_linux1_clone in its child: neither is GCS. */
	.section .note.gnu.property, "a", %note
	.p2align 3
	.long	4, 2f - 1f, 5		/* name, description, GNU_PROPERTY_TYPE_0 */
	.asciz	"GNU"
1:	.long	0xc0000000, 4, 1, 0	/* AARCH64_FEATURE_1_AND: BTI */
2:
