/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Copyright (c) 2026 The nbclone developers */
/* x86-64, LP64 and ILP32 (x32): the master text. arch/README.md has the
 * contract; the other files document only what differs from this one.
 *
 *                  func  stack  flags  arg  parent_tid  tls  child_tid
 * C arguments      rdi   rsi    edx    rcx  r8          r9   8(%rsp)
 * kernel (rax 56)  -     rsi    rdi    -    rdx         r8   r10
 *   the usual call r9                  r8
 *   launch         r9                  rbx
 *
 * The child's stack at func's first instruction:
 *   (stack & -16)      the top: nothing above it is read or written
 *   (stack & -16) - 8  rsp: the return address into nbclone_arch_child
 */

#ifdef __ILP32__
# define SYSCALL_BIT	0x40000000
#else
# define SYSCALL_BIT	0
#endif
#define SYS_clone	(SYSCALL_BIT + 56)
#define SYS_exit	(SYSCALL_BIT + 60)
#define SYS_exit_group	(SYSCALL_BIT + 231)
#define SYS_set_robust_list	273

#define CLONE_CHILD_CLEARTID	0x00200000
#define CLONE_CHILD_SETTID	0x01000000

/* glibc's struct pthread, LP64: the cached thread id from the thread pointer,
 * the head of the robust-mutex list behind it, and the word before that head,
 * which is the list's other end. src/host/identity.rs verifies them at load;
 * the usual call with copied memory goes by them only then. */
#define GLIBC_TID		0x2d0
#define ROBUST_FROM_TID		16
#define ROBUST_PREV		-8
#define ROBUST_HEAD_SIZE	24
#define GLIBC_DTV		8	/* from the thread pointer */
#define DTV_FIRST_MODULE	16	/* dtv[1].pointer.val */

/* struct Request, src/linux1/mod.rs: five words, rounded up so that the frame
 * keeps the stack aligned at calls. */
#define REQUEST_FRAME		40

/* Words in x32: half a register. The other half is 0 for pointers, as callers
 * pass them, and nothing certain for integers; the kernel looks at all of it. */
#ifdef __ILP32__
# define LOAD(from, to64, to32)			movl from, to32
# define STORE(from64, from32, to)		movl from32, to
# define MOVE(from64, to64, from32, to32)	movl from32, to32
# define EOVERFLOW	75
#else
# define LOAD(from, to64, to32)			movq from, to64
# define STORE(from64, from32, to)		movq from64, to
# define MOVE(from64, to64, from32, to32)	movq from64, to64
#endif

#define PADDING
#include "dwarf.h"
#include "functions.h"

/* For the instructions that run in the parent and in the child: in the parent
 * the return address is at OFFSET(%rsp); in the child, where rax is 0, it is 0,
 * and unwinding ends. Without a branch, which valgrind's reader doesn't know:
 * rip = *(rsp - 8 + ((rax != 0) * (OFFSET + 8))) & -(rax != 0)
 * The word at the child's rsp - 8 is read: it is memory of its stack.
 * DWARF's numbers: 16 is rip, 7 rsp, 0 rax. 17 is the expression's length. */
#define RETURNS_BY_RAX(OFFSET)					\
	.cfi_escape DW_CFA_val_expression, 16, 17,		\
		DW_OP_breg(7), SLEB(-8),			\
		DW_OP_breg(0), 0, DW_OP_lit(0), DW_OP_ne,	\
		DW_OP_lit(OFFSET + 8), DW_OP_mul,		\
		DW_OP_plus, DW_OP_deref,			\
		DW_OP_lit(0), DW_OP_breg(0), 0, DW_OP_lit(0), DW_OP_ne, \
		DW_OP_minus, DW_OP_and

	.text
	.p2align 4

/* pid_t nbclone_arch_clone(the seven arguments of clone)
 * Reached by a jump alone: no landing pad. */
FUNCTION(nbclone_arch_clone)
	movl	%edx, %eax
	andl	nbclone_gate(%rip), %eax
	cmpl	$CLONE_VM, %eax
	jne	1f
	testq	%rdi, %rdi
	jz	4f
	cmpq	$LOWEST_STACK, %rsi
	jb	4f
	movq	%rcx, %r8		/* arg: the kernel ignores tls */
	movq	%rdi, %r9		/* func: the kernel has no 6th argument */
	movl	%edx, %edi
	movl	$SYS_clone, %eax
	syscall
	.cfi_remember_state
	RETURNS_BY_RAX(0)
	testq	%rax, %rax
	jle	2f
	.cfi_restore_state
	ret
2:	RETURNS_BY_RAX(0)
	jz	6f
3:	.cfi_offset %rip, -8
	movq	%rax, %rdi		/* -errno */
	movq	(%rsp), %rsi		/* clone's caller */
	jmp	nbclone_failed

	/* Copied memory, if nothing else is unusual. */
1:	testl	%eax, %eax
	jnz	4f
#ifndef __ILP32__
	testq	%rdi, %rdi
	jz	4f
	cmpq	$LOWEST_STACK, %rsi
	jb	4f
	/* The thread pointer is libc's if its vector of TLS blocks says where
	 * this thread's first block is. While the library doesn't know how far
	 * that is from the thread id, or the gate is shut, the word is 0 and
	 * the comparison fails. */
	movq	%fs:GLIBC_DTV, %rax
	testq	%rax, %rax
	jz	4f
	movq	DTV_FIRST_MODULE(%rax), %r10
	addq	nbclone_tid_from_tls(%rip), %r10
	leaq	-GLIBC_TID(%r10), %rax
	cmpq	%rax, %fs:0
	jne	4f
	movq	%rcx, %r8
	movq	%rdi, %r9
	leal	CLONE_CHILD_SETTID + CLONE_CHILD_CLEARTID(%rdx), %edi
	movl	$SYS_clone, %eax
	syscall
	.cfi_remember_state
	RETURNS_BY_RAX(0)
	testq	%rax, %rax
	jle	2f
	.cfi_restore_state
	ret
2:	RETURNS_BY_RAX(0)
	jz	nbclone_arch_child
	.cfi_offset %rip, -8
	jmp	3b
#endif

	/* Unusual calls: nbclone_slow_clone(func, stack, flags, arg, frame,
	 * caller). */
4:	pushq	%r9			/* frame: parent_tid, tls, this return */
	.cfi_adjust_cfa_offset 8	/* address, child_tid */
	pushq	%r8
	.cfi_adjust_cfa_offset 8
	movq	%rsp, %r8
	LOAD(16(%rsp), %r9, %r9d)	/* clone's caller */
	subq	$8, %rsp
	.cfi_adjust_cfa_offset 8
	call	nbclone_slow_clone
	addq	$24, %rsp
	.cfi_adjust_cfa_offset -24
	ret
END(nbclone_arch_clone)

/* Where the usual call goes on in the child: with copied memory here, with
 * shared memory at label 6. Unwinding ends here. */
LOCAL_FUNCTION(nbclone_arch_child)
	.cfi_undefined %rip
	.cfi_def_cfa %rsp, 0
#ifndef __ILP32__
	/* r10 is the place of the thread id, which the kernel has written. The
	 * robust mutexes are the parent's: the child begins with an empty list,
	 * as libc's fork has it. */
	leaq	ROBUST_FROM_TID(%r10), %rdi
	movq	%rdi, (%rdi)
	movq	%rdi, ROBUST_PREV(%rdi)
	movl	$ROBUST_HEAD_SIZE, %esi
	movl	$SYS_set_robust_list, %eax
	syscall
#endif
6:	xorl	%ebp, %ebp		/* ends frame-pointer chains too */
	andq	$-16, %rsp		/* the ABI's alignment at a call */
	movq	%r8, %rdi
	call	*%r9
	movl	%eax, %edi
	movl	$SYS_exit_group, %eax
	syscall
	ud2				/* no exit returns */
END(nbclone_arch_child)

/* void nbclone_arch_host_arguments(frame, parent_tid_tls_child_tid[3]) */
FUNCTION(nbclone_arch_host_arguments)
	LOAD((%rdi), %rax, %eax)
	STORE(%rax, %eax, (%rsi))
	LOAD(8(%rdi), %rax, %eax)
	STORE(%rax, %eax, WORD(%rsi))
	LOAD(24(%rdi), %rax, %eax)
	STORE(%rax, %eax, 2 * WORD(%rsi))
	ret
END(nbclone_arch_host_arguments)

/* long nbclone_arch_launch(func, stack, flags, arg, parent_tid, tls, child_tid)
 */
FUNCTION(nbclone_arch_launch)
	pushq	%rbx			/* the caller's, for the parent */
	.cfi_adjust_cfa_offset 8
	.cfi_rel_offset %rbx, 0
	movq	%rcx, %rbx		/* arg: the kernel spoils rcx */
	movq	%rdi, %rax
	movl	%edx, %edi
	MOVE(%r8, %rdx, %r8d, %edx)
	MOVE(%r9, %r8, %r9d, %r8d)
	movq	%rax, %r9		/* func: the kernel has no 6th argument */
	LOAD(16(%rsp), %r10, %r10d)
	movl	$SYS_clone, %eax
	syscall
	.cfi_remember_state
	RETURNS_BY_RAX(8)
	testq	%rax, %rax
	jz	nbclone_arch_launched
	.cfi_restore_state
	popq	%rbx
	.cfi_adjust_cfa_offset -8
	.cfi_restore %rbx
	ret
END(nbclone_arch_launch)

/* Where nbclone_arch_launch goes on in the child. Unwinding ends here. */
LOCAL_FUNCTION(nbclone_arch_launched)
	.cfi_undefined %rip
	.cfi_def_cfa %rsp, 0
	xorl	%ebp, %ebp		/* ends frame-pointer chains too */
	andq	$-16, %rsp		/* the ABI's alignment at a call */
	xchgq	%rdi, %rbx		/* arg for func; flags for the end */
	call	*%r9
	movl	%eax, %edi
	movl	$SYS_exit_group, %eax
	movl	$SYS_exit, %ecx
	btl	$CLONE_THREAD_BIT, %ebx
	cmovcl	%ecx, %eax		/* a thread ends alone */
	syscall
	ud2				/* no exit returns */
END(nbclone_arch_launched)

/* A func for nbclone_arch_launch: hands what the kernel got as parent_tid,
 * tls and child_tid to nbclone_child_start, behind arg. */
FUNCTION(nbclone_arch_child_start)
	endbr64
	movq	%rdx, %rsi
	movq	%r8, %rdx
	movq	%r10, %rcx
	jmp	nbclone_child_start
END(nbclone_arch_child_start)

/* pid_t nbclone_arch_linux1_clone(void *sp, unsigned long flags) */
FUNCTION(nbclone_arch_linux1_clone)
	leaq	8(%rsp), %rdx		/* the caller's own stack pointer */
	LOAD((%rsp), %r8, %r8d)		/* the return address, for the trace */
	subq	$REQUEST_FRAME, %rsp
	.cfi_adjust_cfa_offset REQUEST_FRAME
	movq	%rsp, %rcx
	call	nbclone_linux1_prepare
	testl	%eax, %eax
	jnz	1f			/* refused: -errno */
	LOAD(REQUEST_FLAGS(%rsp), %rdi, %edi)
	LOAD(REQUEST_STACK(%rsp), %rsi, %esi)
	LOAD(REQUEST_PARENT_TID(%rsp), %rdx, %edx)
	LOAD(REQUEST_TLS(%rsp), %r8, %r8d)
	LOAD(REQUEST_CHILD_TID(%rsp), %r10, %r10d)
	movq	REQUEST_FRAME(%rsp), %r9	/* the call site, for the child */
	movl	$SYS_clone, %eax
	syscall
	/* The next two instructions run in parent and child: the call site is
	 * in r9 in both, the frame is the parent's alone:
	 * CFA = rsp + (48 & -(rax != 0)). */
	.cfi_remember_state
	.cfi_register %rip, %r9
	.cfi_escape DW_CFA_def_cfa_expression, 12, DW_OP_breg(7), 0, \
		DW_OP_const1u, REQUEST_FRAME + 8, \
		DW_OP_lit(0), DW_OP_breg(0), 0, DW_OP_lit(0), DW_OP_ne, \
		DW_OP_minus, DW_OP_and, DW_OP_plus
	testq	%rax, %rax
	jz	nbclone_arch_linux1_child
	.cfi_restore_state
1:	movq	%rax, %rdi
	movq	%rsp, %rsi
	call	nbclone_linux1_finish
	addq	$REQUEST_FRAME, %rsp
	.cfi_adjust_cfa_offset -REQUEST_FRAME
	ret
END(nbclone_arch_linux1_clone)

/* Where nbclone_arch_linux1_clone goes on in the child: rsp is the new stack
 * pointer, r9 the call site, rdx the Linux 1.x flags, r8 the place of libc's
 * thread id. */
LOCAL_FUNCTION(nbclone_arch_linux1_child)
	.cfi_def_cfa %rsp, 0
	.cfi_register %rip, %r9
	testl	$LINUX1_COPYVM_COPYFD, %edx
	jz	1f
	pushq	%r9
	.cfi_adjust_cfa_offset 8
	.cfi_rel_offset %rip, 0
	pushq	%rdx
	.cfi_adjust_cfa_offset 8
	movq	%rdx, %rdi
	movq	%r8, %rsi
	call	nbclone_linux1_child
	popq	%rdx
	.cfi_adjust_cfa_offset -8
	popq	%r9
	.cfi_adjust_cfa_offset -8
	.cfi_register %rip, %r9
1:	/* A copied shadow stack still has the entry for the return address:
	 * this jump takes the place of that return. Without shadow stacks rcx
	 * stays 0. (Where memory is shared, the child's shadow stack is new.) */
	testl	$LINUX1_COPYVM, %edx
	jz	2f
	xorl	%ecx, %ecx
	movl	$1, %eax
	rdsspq	%rcx
	testq	%rcx, %rcx
	jz	2f
	incsspq	%rax
2:	xorl	%eax, %eax
	notrack jmp *%r9		/* a call site has no endbr64 */
END(nbclone_arch_linux1_child)

/* long nbclone_arch_syscall(number, a, b, c, d, e) */
FUNCTION(nbclone_arch_syscall)
	MOVE(%rdi, %rax, %edi, %eax)
	MOVE(%rsi, %rdi, %esi, %edi)
	MOVE(%rdx, %rsi, %edx, %esi)
	MOVE(%rcx, %rdx, %ecx, %edx)
	MOVE(%r8, %r10, %r8d, %r10d)
	MOVE(%r9, %r8, %r9d, %r8d)
	syscall
#ifdef __ILP32__
	movslq	%eax, %rcx
	cmpq	%rcx, %rax
	je	1f
	movl	$-EOVERFLOW, %eax	/* the result is no word: an offset */
1:
#endif
	ret
END(nbclone_arch_syscall)

/* usize nbclone_arch_thread_pointer(void): the address of the thread control
 * block. */
FUNCTION(nbclone_arch_thread_pointer)
	LOAD(%fs:0, %rax, %eax)
	ret
END(nbclone_arch_thread_pointer)

/* usize nbclone_arch_dtv(void): glibc's vector of the thread's TLS blocks. */
FUNCTION(nbclone_arch_dtv)
	LOAD(%fs:WORD, %rax, %eax)
	ret
END(nbclone_arch_dtv)

/* The constructor: Rust's functions have no landing pad. */
LOCAL_FUNCTION(nbclone_arch_at_load)
	endbr64
	jmp	nbclone_at_load
END(nbclone_arch_at_load)

	AT_LOAD(nbclone_arch_at_load)

	.section .note.GNU-stack, "", @progbits

/* Every indirect branch target above is an endbr64, and every return matches a
 * call: arch/marks.h says so. */
#include "marks.h"
