/* ARM, EABI: what differs from x86_64.S. ARM state throughout; callers, func
 * and the Rust functions may be Thumb.
 *
 *                  func  stack  flags  arg  parent_tid  tls    child_tid
 * C arguments      r0    r1     r2     r3   (sp)        4(sp)  8(sp)
 * kernel (r7 120)  -     r1     r0     -    r2          r3     r4
 *   kept in        r12          r6     r5
 *
 * The child's stack at func's first instruction:
 *   (stack & -8)  sp: the top, nothing above it is read or written;
 *                 the return address into nbclone_arch_child is in lr
 *
 * The platform's own unwinding tables (.fnstart to .fnend, EHABI) describe
 * what calls see; the call-frame information describes every instruction.
 */

#define SYS_exit	1
#define SYS_clone	120
#define SYS_exit_group	248

#define CLONE_THREAD	0x10000

/* nbclone_arch_linux1_clone's frame, from the stack pointer upwards: the fifth
 * argument of a call, struct Request (src/linux1/mod.rs), and four saved words. */
#define REQUEST		4
#define SAVED		24
#define SAVED_R7	(SAVED + 4)
#define CALL_SITE	(SAVED + 12)
#define FRAME		40

/* COPYVM and COPYFD, 0x300, as the two bits that an aligned address has free. */
#define COPY_SHIFT	8
#define COPY_BITS	3

/* "udf #0". */
#define PADDING		.p2alignl 4, 0xe7f000f0
#define BEGIN(name)	.fnstart
#define FINISH(name)	.fnend
#include "functions.h"

	.syntax	unified
	.arm
	.eabi_attribute 24, 1		/* needs 8-byte alignment of the stack */
	.eabi_attribute 25, 1		/* and keeps it at calls */
	.cfi_sections .eh_frame, .debug_frame

	.text
	.p2align 4

/* long nbclone_arch_clone(func, stack, flags, arg, parent_tid, tls, child_tid)
 */
FUNCTION(nbclone_arch_clone)
	.save	{r4-r7}
	push	{r4-r7}			/* the caller's, for the parent */
	.cfi_adjust_cfa_offset 16
	.cfi_rel_offset r4, 0
	.cfi_rel_offset r5, 4
	.cfi_rel_offset r6, 8
	.cfi_rel_offset r7, 12
	mov	r12, r0			/* func */
	mov	r5, r3			/* arg */
	mov	r6, r2			/* flags, for the end */
	mov	r0, r2
	ldr	r2, [sp, #16]
	ldr	r3, [sp, #20]
	ldr	r4, [sp, #24]
	mov	r7, #SYS_clone
	svc	#0
	/* Two instructions for both: lr = (r0 != 0) * lr. */
	.cfi_remember_state
	.cfi_escape 0x16, 14, 7, 0x70, 0, 0x30, 0x2e, 0x7e, 0, 0x1e
	cmp	r0, #0
	beq	nbclone_arch_child
	.cfi_restore_state
	pop	{r4-r7}
	.cfi_adjust_cfa_offset -16
	.cfi_restore r4
	.cfi_restore r5
	.cfi_restore r6
	.cfi_restore r7
	bx	lr
END(nbclone_arch_clone)

/* Where nbclone_arch_clone goes on in the child. No frame is above it. */
LOCAL_FUNCTION(nbclone_arch_child)
	.cantunwind
	.cfi_undefined lr
	mov	r11, #0			/* ends frame-pointer chains: ARM's */
	mov	r7, #0			/* and Thumb's */
	bic	sp, sp, #7		/* the ABI's alignment at a call */
	mov	r0, r5
#if __ARM_ARCH >= 5
	blx	r12
#else
	mov	lr, pc
	bx	r12
#endif
	mov	r7, #SYS_exit_group
	tst	r6, #CLONE_THREAD
	movne	r7, #SYS_exit		/* a thread ends alone */
	svc	#0
	.inst	0xe7f000f0		/* udf #0: no exit returns */
END(nbclone_arch_child)

/* A func for nbclone_arch_clone: hands what the kernel got as parent_tid,
 * tls and child_tid to nbclone_child_start, behind arg. */
FUNCTION(nbclone_arch_child_start)
	mov	r1, r2
	mov	r2, r3
	mov	r3, r4
	b	nbclone_child_start
END(nbclone_arch_child_start)

/* Takes clone's arguments, reached by a jump from clone: calls
 * nbclone_checked_clone with them and clone's return address behind. */
FUNCTION(nbclone_arch_checked_clone)
	.save	{r4, lr}
	push	{r4, lr}		/* r4 for the stack's alignment */
	.cfi_adjust_cfa_offset 8
	.cfi_rel_offset r4, 0
	.cfi_rel_offset lr, 4
	.pad	#16
	sub	sp, sp, #16
	.cfi_adjust_cfa_offset 16
	ldr	r12, [sp, #24]		/* 5th: parent_tid */
	str	r12, [sp]
	ldr	r12, [sp, #28]		/* 6th: tls */
	str	r12, [sp, #4]
	ldr	r12, [sp, #32]		/* 7th: child_tid */
	str	r12, [sp, #8]
	str	lr, [sp, #12]		/* 8th: the return address */
	bl	nbclone_checked_clone
	add	sp, sp, #16
	.cfi_adjust_cfa_offset -16
	pop	{r4, lr}
	.cfi_adjust_cfa_offset -8
	.cfi_restore r4
	.cfi_restore lr
	bx	lr
END(nbclone_arch_checked_clone)

/* pid_t nbclone_arch_linux1_clone(void *sp, unsigned long flags)
 *
 * The child needs the caller's r4 and r7, which are the kernel's here: they go
 * over in r12 and in r2, as a parent_tid that the kernel has no use for. The
 * Linux 1.x flags from there go into the low bits of the robust list in r3. */
FUNCTION(nbclone_arch_linux1_clone)
	.save	{r4, r7, r12, lr}
	push	{r4, r7, r12, lr}	/* r12 for the stack's alignment */
	.cfi_adjust_cfa_offset 16
	.cfi_rel_offset r4, 0
	.cfi_rel_offset r7, 4
	.cfi_rel_offset lr, 12
	.pad	#SAVED
	sub	sp, sp, #SAVED
	.cfi_adjust_cfa_offset SAVED
	add	r2, sp, #FRAME		/* the caller's own stack pointer */
	add	r3, sp, #REQUEST
	str	lr, [sp]		/* the return address, for the trace */
	bl	nbclone_linux1_prepare
	cmp	r0, #0
	bne	1f			/* refused: -errno */
	ldr	r0, [sp, #REQUEST]
	ldr	r1, [sp, #REQUEST + 4]
	ldr	r2, [sp, #REQUEST + 8]
	ldr	r3, [sp, #REQUEST + 12]
	orr	r3, r3, r2, lsr #COPY_SHIFT
	mov	r2, r7
	mov	r12, r4
	ldr	r4, [sp, #REQUEST + 16]
	ldr	lr, [sp, #CALL_SITE]	/* for the child */
	mov	r7, #SYS_clone
	svc	#0
	/* Again two instructions for both: the call site, r4 and r7 are in
	 * registers in either; the frame is the parent's alone.
	 * CFA = sp + (r0 != 0) * 40. */
	.cfi_remember_state
	.cfi_restore lr
	.cfi_register r4, r12
	.cfi_register r7, r2
	.cfi_escape 0x0f, 10, 0x7d, 0, 0x70, 0, 0x30, 0x2e, 0x08, FRAME, 0x1e, 0x22
	cmp	r0, #0
	beq	nbclone_arch_linux1_child
	.cfi_restore_state
1:	add	r1, sp, #REQUEST
	bl	nbclone_linux1_finish
	add	sp, sp, #SAVED
	.cfi_adjust_cfa_offset -SAVED
	pop	{r4, r7, r12, lr}
	.cfi_adjust_cfa_offset -16
	.cfi_restore r4
	.cfi_restore r7
	.cfi_restore lr
	bx	lr
END(nbclone_arch_linux1_clone)

/* Where nbclone_arch_linux1_clone goes on in the child: sp is the new stack
 * pointer, lr the call site, r12 and r2 the caller's r4 and r7, r3 the robust
 * list and the Linux 1.x flags. */
LOCAL_FUNCTION(nbclone_arch_linux1_child)
	.save	{r4, lr}
	.cfi_register r4, r12
	.cfi_register r7, r2
	mov	r4, r12
	.cfi_restore r4
	mov	r7, r2
	.cfi_restore r7
	ands	r0, r3, #COPY_BITS
	beq	1f
	push	{r4, lr}		/* r4 for the stack's alignment */
	.cfi_adjust_cfa_offset 8
	.cfi_rel_offset r4, 0
	.cfi_rel_offset lr, 4
	bic	r1, r3, #COPY_BITS
	lsl	r0, r0, #COPY_SHIFT
	bl	nbclone_linux1_child
	pop	{r4, lr}
	.cfi_adjust_cfa_offset -8
	.cfi_restore r4
	.cfi_restore lr
1:	mov	r0, #0
	bx	lr
END(nbclone_arch_linux1_child)

/* long nbclone_arch_syscall(number, a, b, c, d, e) */
FUNCTION(nbclone_arch_syscall)
	.save	{r4, r7}
	push	{r4, r7}
	.cfi_adjust_cfa_offset 8
	.cfi_rel_offset r4, 0
	.cfi_rel_offset r7, 4
	mov	r7, r0
	mov	r0, r1
	mov	r1, r2
	mov	r2, r3
	ldr	r3, [sp, #8]
	ldr	r4, [sp, #12]
	svc	#0
	pop	{r4, r7}
	.cfi_adjust_cfa_offset -8
	.cfi_restore r4
	.cfi_restore r7
	bx	lr
END(nbclone_arch_syscall)

	.section .note.GNU-stack, "", %progbits
