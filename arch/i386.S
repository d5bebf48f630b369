/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Copyright (c) 2026 The nbclone developers */
/* i386: what differs from x86_64.S.
 *
 *                  func     stack  flags  arg      parent_tid  tls  child_tid
 * C arguments      4(%esp)  8      12     16       20          24   28
 * kernel (eax 120) -        ecx    ebx    -        edx         esi  edi
 *   the usual call edx             ebx    esi
 *   launch         st(1)           ebx    st(0)
 *
 * The child's stack at func's first instruction:
 *   (stack & -16)       the top: nothing above it is read or written
 *   (stack & -16) - 16  arg, and room for three words behind it
 *   (stack & -16) - 20  esp: the return address into nbclone_arch_child
 *
 * The kernel takes every register but ebp, and its child gets no other memory
 * than the parent's, which may have gone on long ago. The x87 stack goes over
 * to the child whole, is empty at a call, and holds 64-bit integers exactly:
 * it carries what has no register. Every processor has it, SSE some.
 *
 * Calls go straight to hidden functions: no procedure linkage table, so ebx
 * need not hold the address of the global offset table.
 */

#define SYS_exit	1
#define SYS_clone	120
#define SYS_exit_group	252

/* nbclone_arch_linux1_clone's frame, from the stack pointer upwards: five
 * arguments for a call, struct Request, padding that aligns
 * calls, and what is saved. */
#define REQUEST			20
#define SAVED_EBX		52		/* and edi behind it */
#define SAVED_EDI		56
#define CALL_SITE		60

/* A 586 has no such instruction; those that have it ignore it. */
#if defined(__i686__) || defined(__SSE__)
# define LANDING_PAD	endbr32
#else
# define LANDING_PAD
#endif

#define PADDING		.p2align 4, 0xcc
#include "dwarf.h"
#include "functions.h"

#define PUSH(register)			\
	pushl	register;		\
	.cfi_adjust_cfa_offset 4;	\
	.cfi_rel_offset register, 0
#define POP(register)			\
	popl	register;		\
	.cfi_adjust_cfa_offset -4;	\
	.cfi_restore register

/* The value of REGISTER: in the parent *(esp + OFFSET), in the child, where eax is
 * 0, 0. Unwinding ends at a return address (eip) of 0. DWARF's numbers: 0 is eax, 4
 * esp, 13 the expression's length. */
#define BY_EAX(REGISTER, OFFSET)				\
	.cfi_escape DW_CFA_val_expression, REGISTER, 13,	\
		DW_OP_breg(0), 0, DW_OP_dup, DW_OP_bra, 3, 0,	\
		DW_OP_skip, 4, 0,				\
		DW_OP_drop, DW_OP_breg(4), OFFSET, DW_OP_deref
#define EBX	3
#define EDI	7
#define EIP	8

	.text
	.p2align 4

/* pid_t nbclone_arch_clone(the seven arguments of clone)
 *
 * The kernel ignores parent_tid, in edx, which carries func, and tls, in esi,
 * which carries arg. */
FUNCTION(nbclone_arch_clone)
	call	nbclone_arch_address
1:	addl	$_GLOBAL_OFFSET_TABLE_ + (. - 1b), %ecx
	movl	nbclone_gate@GOTOFF(%ecx), %ecx
	andl	12(%esp), %ecx
	cmpl	$CLONE_VM, %ecx
	jne	4f
	cmpl	$0, 4(%esp)		/* func */
	je	4f
	movl	8(%esp), %ecx		/* stack, which the child aligns */
	cmpl	$LOWEST_STACK, %ecx
	jb	4f
	PUSH(%ebx)			/* the caller's, for the parent */
	PUSH(%esi)
	movl	12(%esp), %edx		/* func */
	movl	20(%esp), %ebx		/* flags */
	movl	24(%esp), %esi		/* arg */
	movl	$SYS_clone, %eax
	int	$0x80
	.cfi_remember_state
	BY_EAX(EIP, 8)
	testl	%eax, %eax
	jle	2f
	.cfi_restore_state
	.cfi_remember_state
	POP(%esi)
	POP(%ebx)
	ret
2:	.cfi_restore_state
	.cfi_remember_state
	BY_EAX(EIP, 8)
	jz	nbclone_arch_child
	.cfi_restore_state
	POP(%esi)
	POP(%ebx)
	subl	$4, %esp		/* aligns the call */
	.cfi_adjust_cfa_offset 4
	pushl	4(%esp)			/* clone's caller */
	.cfi_adjust_cfa_offset 4
	pushl	%eax			/* -errno */
	.cfi_adjust_cfa_offset 4
	call	nbclone_failed
	addl	$12, %esp
	.cfi_adjust_cfa_offset -12
	ret

	/* nbclone_slow_clone(func, stack, flags, arg, frame, caller): the frame
	 * is where the arguments are. */
4:	subl	$4, %esp		/* aligns the call */
	.cfi_adjust_cfa_offset 4
	pushl	4(%esp)			/* clone's caller */
	.cfi_adjust_cfa_offset 4
	leal	12(%esp), %eax
	pushl	%eax
	.cfi_adjust_cfa_offset 4
	.rept	4			/* 4th to 1st: each moves the next here */
	pushl	28(%esp)
	.cfi_adjust_cfa_offset 4
	.endr
	call	nbclone_slow_clone
	addl	$28, %esp
	.cfi_adjust_cfa_offset -28
	ret
END(nbclone_arch_clone)

/* Where nbclone_arch_clone goes on in the child. Unwinding ends here. */
LOCAL_FUNCTION(nbclone_arch_child)
	.cfi_undefined %eip
	.cfi_def_cfa %esp, 0
	xorl	%ebp, %ebp		/* ends frame-pointer chains too */
	andl	$-16, %esp		/* the ABI's alignment at a call */
	subl	$16, %esp
	.cfi_adjust_cfa_offset 16
	movl	%esi, (%esp)
	call	*%edx
	movl	%eax, %ebx
	movl	$SYS_exit_group, %eax
	int	$0x80
	ud2				/* no exit returns */
END(nbclone_arch_child)

/* In ecx, the address behind the call of this. */
LOCAL_FUNCTION(nbclone_arch_address)
	movl	(%esp), %ecx
	ret
END(nbclone_arch_address)

/* void nbclone_arch_host_arguments(frame, parent_tid_tls_child_tid[3]) */
FUNCTION(nbclone_arch_host_arguments)
	movl	4(%esp), %eax
	movl	8(%esp), %ecx
	movl	16(%eax), %edx
	movl	%edx, (%ecx)
	movl	20(%eax), %edx
	movl	%edx, 4(%ecx)
	movl	24(%eax), %edx
	movl	%edx, 8(%ecx)
	ret
END(nbclone_arch_host_arguments)

/* long nbclone_arch_launch(func, stack, flags, arg, parent_tid, tls, child_tid)
 */
FUNCTION(nbclone_arch_launch)
	fildl	4(%esp)			/* func */
	fildl	16(%esp)		/* arg */
	PUSH(%ebx)			/* the caller's, for the parent */
	PUSH(%esi)
	PUSH(%edi)
	movl	24(%esp), %ebx		/* flags */
	movl	20(%esp), %ecx		/* stack, which the child aligns */
	movl	32(%esp), %edx		/* parent_tid */
	movl	36(%esp), %esi		/* tls */
	movl	40(%esp), %edi		/* child_tid */
	movl	$SYS_clone, %eax
	int	$0x80
	.cfi_remember_state
	BY_EAX(EIP, 12)
	testl	%eax, %eax
	jz	nbclone_arch_launched
	.cfi_restore_state
	POP(%edi)
	POP(%esi)
	POP(%ebx)
	fstp	%st(0)			/* the x87 stack is empty at a return */
	fstp	%st(0)
	ret
END(nbclone_arch_launch)

/* Where nbclone_arch_launch goes on in the child. Unwinding ends here. */
LOCAL_FUNCTION(nbclone_arch_launched)
	.cfi_undefined %eip
	.cfi_def_cfa %esp, 0
	xorl	%ebp, %ebp		/* ends frame-pointer chains too */
	andl	$-16, %esp		/* the ABI's alignment at a call */
	subl	$16, %esp
	.cfi_adjust_cfa_offset 16
	fistpl	(%esp)			/* arg */
	fistpl	4(%esp)			/* func */
	call	*4(%esp)
	movl	$SYS_exit_group, %ecx
	btl	$CLONE_THREAD_BIT, %ebx
	jnc	1f
	movl	$SYS_exit, %ecx		/* a thread ends alone */
1:	movl	%eax, %ebx
	movl	%ecx, %eax
	int	$0x80
	ud2				/* no exit returns */
END(nbclone_arch_launched)

/* A func for nbclone_arch_launch: writes what the kernel got as parent_tid,
 * tls and child_tid behind arg, where nbclone_arch_launched has room for it. */
FUNCTION(nbclone_arch_child_start)
	LANDING_PAD
	movl	%edx, 8(%esp)
	movl	%esi, 12(%esp)
	movl	%edi, 16(%esp)
	jmp	nbclone_child_start
END(nbclone_arch_child_start)

/* pid_t nbclone_arch_linux1_clone(void *sp, unsigned long flags)
 *
 * ebp and esi stay the caller's: the kernel has no use for tls, in esi, nor
 * for parent_tid, in edx, where the call site is. The x87 stack carries ebx
 * and edi, and Request's parent_tid and tls. */
FUNCTION(nbclone_arch_linux1_clone)
	PUSH(%edi)
	PUSH(%ebx)
	subl	$SAVED_EBX, %esp
	.cfi_adjust_cfa_offset SAVED_EBX
	movl	CALL_SITE + 4(%esp), %eax
	movl	%eax, (%esp)		/* sp */
	movl	CALL_SITE + 8(%esp), %eax
	movl	%eax, 4(%esp)		/* flags */
	leal	CALL_SITE + 4(%esp), %eax
	movl	%eax, 8(%esp)		/* the caller's own stack pointer */
	leal	REQUEST(%esp), %eax
	movl	%eax, 12(%esp)
	movl	CALL_SITE(%esp), %eax
	movl	%eax, 16(%esp)		/* the return address, for the trace */
	call	nbclone_linux1_prepare
	testl	%eax, %eax
	jnz	1f			/* refused: -errno */
	fildll	SAVED_EBX(%esp)
	fildll	REQUEST_PARENT_TID(%esp)
	movl	REQUEST_FLAGS(%esp), %ebx
	movl	REQUEST_STACK(%esp), %ecx
	movl	CALL_SITE(%esp), %edx
	movl	REQUEST_CHILD_TID(%esp), %edi
	movl	$SYS_clone, %eax
	int	$0x80
	/* The next two instructions run in parent and child. CFA = esp + (eax ? 64 : 0); in the
	 * parent ebx is *(esp + 52) and edi *(esp + 56), in the child they are
	 * out of DWARF's reach: given as 0. */
	.cfi_remember_state
	.cfi_register %eip, %edx
	.cfi_escape DW_CFA_def_cfa_expression, 10, DW_OP_breg(4), 0, \
		DW_OP_breg(0), 0, DW_OP_lit(0), DW_OP_ne, \
		DW_OP_const1u, CALL_SITE + 4, DW_OP_mul, DW_OP_plus
	BY_EAX(EBX, SAVED_EBX)
	BY_EAX(EDI, SAVED_EDI)
	testl	%eax, %eax
	jz	nbclone_arch_linux1_child
	.cfi_restore_state
	fstp	%st(0)
	fstp	%st(0)
1:	movl	%eax, (%esp)
	leal	REQUEST(%esp), %eax
	movl	%eax, 4(%esp)
	call	nbclone_linux1_finish
	addl	$SAVED_EBX, %esp
	.cfi_adjust_cfa_offset -SAVED_EBX
	POP(%ebx)
	POP(%edi)
	ret
END(nbclone_arch_linux1_clone)

/* Where nbclone_arch_linux1_clone goes on in the child: esp is the new stack
 * pointer, edx the call site, st(0) the Linux 1.x flags and the place of libc's
 * thread id, st(1) the caller's ebx and edi. */
LOCAL_FUNCTION(nbclone_arch_linux1_child)
	.cfi_def_cfa %esp, 0
	.cfi_register %eip, %edx
	.cfi_undefined %ebx
	.cfi_undefined %edi
	subl	$32, %esp
	.cfi_adjust_cfa_offset 32
	fistpll	(%esp)			/* as arguments for the call below */
	fistpll	8(%esp)
	.cfi_rel_offset %ebx, 8
	.cfi_rel_offset %edi, 12
	movl	%edx, 16(%esp)
	.cfi_rel_offset %eip, 16
	testl	$LINUX1_COPYVM_COPYFD, (%esp)
	jz	1f
	call	nbclone_linux1_child
1:	movl	8(%esp), %ebx
	.cfi_restore %ebx
	movl	12(%esp), %edi
	.cfi_restore %edi
	movl	16(%esp), %edx
	.cfi_register %eip, %edx
	addl	$32, %esp
	.cfi_adjust_cfa_offset -32
	xorl	%eax, %eax
	notrack jmp *%edx		/* a call site has no endbr32 */
END(nbclone_arch_linux1_child)

/* long nbclone_arch_syscall(number, a, b, c, d, e) */
FUNCTION(nbclone_arch_syscall)
	PUSH(%ebx)
	PUSH(%esi)
	PUSH(%edi)
	movl	16(%esp), %eax
	movl	20(%esp), %ebx
	movl	24(%esp), %ecx
	movl	28(%esp), %edx
	movl	32(%esp), %esi
	movl	36(%esp), %edi
	int	$0x80
	POP(%edi)
	POP(%esi)
	POP(%ebx)
	ret
END(nbclone_arch_syscall)

/* usize nbclone_arch_thread_pointer(void) */
FUNCTION(nbclone_arch_thread_pointer)
	movl	%gs:0, %eax
	ret
END(nbclone_arch_thread_pointer)

/* usize nbclone_arch_dtv(void) */
FUNCTION(nbclone_arch_dtv)
	movl	%gs:4, %eax
	ret
END(nbclone_arch_dtv)

LOCAL_FUNCTION(nbclone_arch_at_load)
	LANDING_PAD
	jmp	nbclone_at_load
END(nbclone_arch_at_load)

	AT_LOAD(nbclone_arch_at_load)

#include "marks.h"
