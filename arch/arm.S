/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Copyright (c) 2026 The nbclone developers */
/* ARM, EABI: what differs from x86_64.S. ARM state throughout; callers, func
 * and the Rust functions may be Thumb.
 *
 *                  func  stack  flags  arg  parent_tid  tls    child_tid
 * C arguments      r0    r1     r2     r3   (sp)        4(sp)  8(sp)
 * kernel (r7 120)  -     r1     r0     -    r2          r3     r4
 *   the usual call r2                  r3
 *   launch         r12          r6     r5
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

/* nbclone_arch_linux1_clone's frame, from the stack pointer upwards: the fifth
 * argument of a call, struct Request, and four saved words. */
#define REQUEST		4
#define SAVED		24
#define CALL_SITE	(SAVED + 12)
#define FRAME		40

/* COPYVM and COPYFD, 0x300, as the two bits that an aligned address has free. */
#define COPY_SHIFT	8
#define COPY_BITS	3

/* The thread pointer's own register: ARMv6K and later. */
#if __ARM_ARCH >= 7 || defined(__ARM_ARCH_6K__) || defined(__ARM_ARCH_6ZK__) || \
    defined(__ARM_ARCH_6KZ__)
# define HAS_THREAD_REGISTER	1
# define READ_THREAD_REGISTER	mrc	p15, 0, r0, c13, c0, 3
#endif

/* "udf #0". */
#define PADDING		.p2alignl 4, 0xe7f000f0
#define BEGIN(name)	.fnstart
#define FINISH(name)	.fnend
#include "dwarf.h"
#include "functions.h"

/* DWARF's numbers. */
#define R0		0
#define SP		13
#define LR		14

	.syntax	unified
	.arm
	.eabi_attribute 24, 1		/* needs 8-byte alignment of the stack */
	.eabi_attribute 25, 1		/* and keeps it at calls */
	.cfi_sections .eh_frame, .debug_frame

	.text
	.p2align 4

/* pid_t nbclone_arch_clone(the seven arguments of clone) */
FUNCTION(nbclone_arch_clone)
	ldr	r12, .Lgate
.Lhere:	ldr	r12, [pc, r12]
	and	r12, r12, r2
	cmp	r12, #CLONE_VM
	bne	nbclone_arch_unusual
	cmp	r0, #1			/* a func, and then */
	cmphs	r1, #LOWEST_STACK	/* a stack */
	blo	nbclone_arch_unusual
	mov	r12, r7			/* the caller's */
	.cfi_register r7, r12
	mov	r7, r2
	mov	r2, r0			/* func: the kernel ignores parent_tid, */
	mov	r0, r7			/* and tls: r3 is arg as it came */
	mov	r7, #SYS_clone
	svc	#0
	RETURNS_BY(R0, LR)
	mov	r7, r12
	.cfi_restore r7
	cmp	r0, #0
	ble	1f
	.cfi_restore lr
	bx	lr
1:	RETURNS_BY(R0, LR)
	beq	nbclone_arch_child
	.cfi_restore lr
	mov	r1, lr			/* clone's caller; r0 is -errno */
	b	nbclone_failed

.Lgate:	.word	nbclone_gate - .Lhere - 8
END(nbclone_arch_clone)

/* nbclone_arch_clone's unusual calls: a function apart, since the platform's tables
 * have one frame for a function. */
LOCAL_FUNCTION(nbclone_arch_unusual)
	.save	{r4, lr}
	push	{r4, lr}		/* r4 for the stack's alignment */
	.cfi_adjust_cfa_offset 8
	.cfi_rel_offset r4, 0
	.cfi_rel_offset lr, 4
	add	r12, sp, #8		/* frame: parent_tid, tls, child_tid */
	.pad	#8
	sub	sp, sp, #8
	.cfi_adjust_cfa_offset 8
	str	r12, [sp]
	str	lr, [sp, #4]		/* clone's caller */
	bl	nbclone_slow_clone
	add	sp, sp, #8
	.cfi_adjust_cfa_offset -8
	pop	{r4, lr}
	.cfi_adjust_cfa_offset -8
	.cfi_restore r4
	.cfi_restore lr
	bx	lr
END(nbclone_arch_unusual)

/* void nbclone_arch_host_arguments(frame, parent_tid_tls_child_tid[3]) */
FUNCTION(nbclone_arch_host_arguments)
	ldr	r2, [r0]
	ldr	r3, [r0, #4]
	ldr	r12, [r0, #8]
	str	r2, [r1]
	str	r3, [r1, #4]
	str	r12, [r1, #8]
	bx	lr
END(nbclone_arch_host_arguments)

/* long nbclone_arch_launch(func, stack, flags, arg, parent_tid, tls, child_tid)
 */
FUNCTION(nbclone_arch_launch)
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
	.cfi_remember_state
	RETURNS_BY(R0, LR)
	cmp	r0, #0
	beq	.Llaunched
	.cfi_restore_state
	pop	{r4-r7}
	.cfi_adjust_cfa_offset -16
	.cfi_restore r4
	.cfi_restore r5
	.cfi_restore r6
	.cfi_restore r7
	bx	lr
END(nbclone_arch_launch)

/* Where nbclone_arch_clone goes on in the child, and at .Llaunched that of
 * nbclone_arch_launch. Unwinding ends here. */
LOCAL_FUNCTION(nbclone_arch_child)
	.cantunwind
	.cfi_undefined lr
	mov	r6, #0			/* no flag: exit_group */
	mov	r5, r3
	mov	r12, r2
.Llaunched:
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

/* A func for nbclone_arch_launch: hands what the kernel got as parent_tid,
 * tls and child_tid to nbclone_child_start, behind arg. */
FUNCTION(nbclone_arch_child_start)
	mov	r1, r2
	mov	r2, r3
	mov	r3, r4
	b	nbclone_child_start
END(nbclone_arch_child_start)

/* pid_t nbclone_arch_linux1_clone(void *sp, unsigned long flags)
 *
 * The child needs the caller's r4 and r7, which are the kernel's here: they go
 * over in r12 and in r2, as a parent_tid that the kernel has no use for. The
 * Linux 1.x flags from there go into the low bits of r3, the place of libc's
 * thread id. */
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
	ldr	r0, [sp, #REQUEST_FLAGS]
	ldr	r1, [sp, #REQUEST_STACK]
	ldr	r2, [sp, #REQUEST_PARENT_TID]
	ldr	r3, [sp, #REQUEST_TLS]
	orr	r3, r3, r2, lsr #COPY_SHIFT
	mov	r2, r7
	mov	r12, r4
	ldr	r4, [sp, #REQUEST_CHILD_TID]
	ldr	lr, [sp, #CALL_SITE]	/* for the child */
	mov	r7, #SYS_clone
	svc	#0
	/* The next two instructions run in parent and child: the call site and
	 * the caller's r4 and r7 are in registers in both. */
	.cfi_remember_state
	.cfi_restore lr
	.cfi_register r4, r12
	.cfi_register r7, r2
	FRAME_BY(R0, SP, FRAME)
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
 * pointer, lr the call site, r12 and r2 the caller's r4 and r7, r3 the place of
 * libc's thread id and the Linux 1.x flags. */
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

/* usize nbclone_arch_thread_pointer(void): the thread control block. libc's own
 * function knows how an older processor does it. */
FUNCTION(nbclone_arch_thread_pointer)
#if HAS_THREAD_REGISTER
	READ_THREAD_REGISTER
	bx	lr
#else
	b	__aeabi_read_tp
#endif
END(nbclone_arch_thread_pointer)

/* usize nbclone_arch_dtv(void): the block's first word. */
FUNCTION(nbclone_arch_dtv)
#if HAS_THREAD_REGISTER
	READ_THREAD_REGISTER
	ldr	r0, [r0]
	bx	lr
#else
	.save	{r4, lr}
	push	{r4, lr}		/* r4 for the stack's alignment */
	.cfi_adjust_cfa_offset 8
	.cfi_rel_offset r4, 0
	.cfi_rel_offset lr, 4
	bl	__aeabi_read_tp
	ldr	r0, [r0]
	pop	{r4, lr}
	.cfi_adjust_cfa_offset -8
	.cfi_restore r4
	.cfi_restore lr
	bx	lr
#endif
END(nbclone_arch_dtv)

LOCAL_FUNCTION(nbclone_arch_at_load)
	b	nbclone_at_load
END(nbclone_arch_at_load)

	AT_LOAD(nbclone_arch_at_load)

	.section .note.GNU-stack, "", %progbits
