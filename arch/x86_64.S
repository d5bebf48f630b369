/* x86-64, LP64 and ILP32 (x32): the master text. arch/README.md has the
 * contract; the other files document only what differs from this one.
 *
 *                  func  stack  flags  arg  parent_tid  tls  child_tid
 * C arguments      rdi   rsi    edx    rcx  r8          r9   8(%rsp)
 * kernel (rax 56)  -     rsi    rdi    -    rdx         r8   r10
 *   kept in        r9                  rbx
 *
 * The child's stack at func's first instruction:
 *   (stack & -16)      the top: nothing above it is read or written
 *   (stack & -16) - 8  rsp: the return address into nbclone_arch_child
 */

#ifdef __ILP32__
# define SYSCALL_BIT	0x40000000
# define WORD		4
#else
# define SYSCALL_BIT	0
# define WORD		8
#endif
#define SYS_clone	(SYSCALL_BIT + 56)
#define SYS_exit	(SYSCALL_BIT + 60)
#define SYS_exit_group	(SYSCALL_BIT + 231)

#define CLONE_THREAD_BIT	16
#define LINUX1_COPYVM_COPYFD	0x300

/* struct Request, src/linux1/mod.rs: five words, rounded up so that the frame
 * keeps the stack aligned at calls. */
#define REQUEST_FLAGS		(0 * WORD)
#define REQUEST_STACK		(1 * WORD)
#define REQUEST_PARENT_TID	(2 * WORD)
#define REQUEST_TLS		(3 * WORD)
#define REQUEST_CHILD_TID	(4 * WORD)
#define REQUEST_FRAME		40

/* Words in x32: half a register. The other half is 0 for pointers, as callers
 * pass them, and nothing certain for integers; the kernel looks at all of it. */
#ifdef __ILP32__
# define LOAD(from, to64, to32)			movl from, to32
# define MOVE(from64, to64, from32, to32)	movl from32, to32
# define EOVERFLOW	75
#else
# define LOAD(from, to64, to32)			movq from, to64
# define MOVE(from64, to64, from32, to32)	movq from64, to64
#endif

#define PADDING		.p2align 4, 0xcc
#include "functions.h"

	.text
	.p2align 4

/* long nbclone_arch_clone(func, stack, flags, arg, parent_tid, tls, child_tid)
 */
FUNCTION(nbclone_arch_clone)
	endbr64
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
	/* The next two instructions run in the parent, whose return address
	 * is at 8(%rsp), and in the child, which has none: if rax is 0, so is
	 * the return address, and unwinding ends.  As DWARF: rip =
	 * *(rsp - 8 + ((rax != 0) << 4)) & -(rax != 0), without a branch,
	 * which valgrind's reader has not; below the child's rsp is its stack. */
	.cfi_remember_state
	.cfi_escape 0x16, 0x10, 17, 0x77, 0x78, 0x70, 0, 0x30, 0x2e, 0x34, 0x24, 0x22, 0x06, \
		0x30, 0x70, 0, 0x30, 0x2e, 0x1c, 0x1a
	testq	%rax, %rax
	jz	nbclone_arch_child
	.cfi_restore_state
	popq	%rbx
	.cfi_adjust_cfa_offset -8
	.cfi_restore %rbx
	ret
END(nbclone_arch_clone)

/* Where nbclone_arch_clone goes on in the child. No frame is above it. */
LOCAL_FUNCTION(nbclone_arch_child)
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
END(nbclone_arch_child)

/* A func for nbclone_arch_clone: hands what the kernel got as parent_tid,
 * tls and child_tid to nbclone_child_start, behind arg. */
FUNCTION(nbclone_arch_child_start)
	endbr64
	movq	%rdx, %rsi
	movq	%r8, %rdx
	movq	%r10, %rcx
	jmp	nbclone_child_start
END(nbclone_arch_child_start)

/* Takes clone's arguments, reached by a jump from clone: calls
 * nbclone_checked_clone with them and clone's return address behind. */
FUNCTION(nbclone_arch_checked_clone)
	endbr64
	subq	$8, %rsp
	.cfi_adjust_cfa_offset 8
	pushq	8(%rsp)			/* 8th: the return address */
	.cfi_adjust_cfa_offset 8
	pushq	24(%rsp)		/* 7th: child_tid */
	.cfi_adjust_cfa_offset 8
	call	nbclone_checked_clone
	addq	$24, %rsp
	.cfi_adjust_cfa_offset -24
	ret
END(nbclone_arch_checked_clone)

/* pid_t nbclone_arch_linux1_clone(void *sp, unsigned long flags) */
FUNCTION(nbclone_arch_linux1_clone)
	endbr64
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
	/* Again two instructions for both: the call site is in r9 in either;
	 * the frame is the parent's alone.  CFA = rsp + (48 & -(rax != 0)). */
	.cfi_remember_state
	.cfi_register %rip, %r9
	.cfi_escape 0x0f, 12, 0x77, 0, 0x08, REQUEST_FRAME + 8, 0x30, 0x70, 0, 0x30, 0x2e, \
		0x1c, 0x1a, 0x22
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
 * pointer, r9 the call site, rdx the Linux 1.x flags, r8 the robust list. */
LOCAL_FUNCTION(nbclone_arch_linux1_child)
	.cfi_def_cfa %rsp, 0
	.cfi_register %rip, %r9
	testl	$LINUX1_COPYVM_COPYFD, %edx
	jz	1f
	pushq	%r9
	.cfi_adjust_cfa_offset 8
	.cfi_rel_offset %rip, 0
	subq	$8, %rsp
	.cfi_adjust_cfa_offset 8
	movq	%rdx, %rdi
	movq	%r8, %rsi
	call	nbclone_linux1_child
	addq	$8, %rsp
	.cfi_adjust_cfa_offset -8
	popq	%r9
	.cfi_adjust_cfa_offset -8
	.cfi_register %rip, %r9
1:	xorl	%eax, %eax
	notrack jmp *%r9		/* a call site has no endbr64 */
END(nbclone_arch_linux1_child)

/* long nbclone_arch_syscall(number, a, b, c, d, e) */
FUNCTION(nbclone_arch_syscall)
	endbr64
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

	.section .note.GNU-stack, "", @progbits

/* Every indirect branch target above is an endbr64 (IBT). The child of
 * nbclone_arch_linux1_clone leaves by a jump where a shadow stack wants a
 * return, so SHSTK isn't claimed. */
	.section .note.gnu.property, "a", @note
#ifdef __ILP32__
	.p2align 2
#else
	.p2align 3
#endif
	.long	4, 2f - 1f, 5		/* name, description, GNU_PROPERTY_TYPE_0 */
	.asciz	"GNU"
1:	.long	0xc0000002, 4, 1	/* X86_FEATURE_1_AND: IBT */
#ifndef __ILP32__
	.long	0
#endif
2:
