/* LoongArch, 64 bits: what differs from x86_64.S, the master text.
 *
 *                  func  stack  flags  arg  parent_tid  tls  child_tid
 * C arguments      a0    a1     a2     a3   a4          a5   a6
 * kernel (a7 220)  -     a1     a0     -    a2          a4   a3
 *   kept in        a6           s0     a5
 *
 * The child's stack at func's first instruction:
 *   (stack & -16)      sp, the top: nothing above it is read or written, and
 *                      the return address is in ra
 *
 * The kernel keeps a1 to a7, ra, fp, s0 to s8, in the parent and in the child,
 * and spoils t0 to t8.
 */

#define SYS_clone	220
#define SYS_exit	93
#define SYS_exit_group	94

#define CLONE_THREAD_BIT	16
#define LINUX1_COPYVM_COPYFD	0x300

/* struct Request, src/linux1/mod.rs: five words, and behind them the return
 * address: 48 bytes keep the stack aligned at calls. */
#define REQUEST_FLAGS		0
#define REQUEST_STACK		8
#define REQUEST_PARENT_TID	16
#define REQUEST_TLS		24
#define REQUEST_CHILD_TID	32
#define SAVED_RA		40
#define REQUEST_FRAME		48

/* No padding: where the assembler relaxes, as its default is, that is the
 * linker's to fill, with instructions that do nothing, and outside of every
 * frame information's range. */
#define PADDING
#include "functions.h"

	.text
	.p2align 2

/* long nbclone_arch_clone(func, stack, flags, arg, parent_tid, tls, child_tid)
 */
FUNCTION(nbclone_arch_clone)
	addi.d	$sp, $sp, -16
	.cfi_adjust_cfa_offset 16
	st.d	$s0, $sp, 8		/* the caller's, for the parent */
	.cfi_rel_offset $s0, 8
	move	$s0, $a2		/* flags, for the child's end too */
	move	$a2, $a4
	move	$a4, $a5
	move	$a5, $a3		/* arg: the kernel has no 6th argument */
	move	$a3, $a6
	move	$a6, $a0		/* func: nor a 7th */
	move	$a0, $s0
	li.w	$a7, SYS_clone
	syscall	0
	/* The next instruction runs in the parent, whose return address is in
	 * ra, and in the child, which has none.  As DWARF:
	 * ra = ra & -(a0 != 0). */
	.cfi_remember_state
	.cfi_escape 0x16, 0x01, 9, 0x30, 0x74, 0, 0x30, 0x2e, 0x1c, 0x71, 0, 0x1a
	beqz	$a0, nbclone_arch_child
	.cfi_restore_state
	ld.d	$s0, $sp, 8
	.cfi_restore $s0
	addi.d	$sp, $sp, 16
	.cfi_adjust_cfa_offset -16
	jr	$ra
END(nbclone_arch_clone)

/* Where nbclone_arch_clone goes on in the child. No frame is above it. */
LOCAL_FUNCTION(nbclone_arch_child)
	.cfi_undefined $ra
	/* The ABI's alignment at a call. It's too early in the parent: to the
	 * kernel a stack of 0 is the parent's own, and 1 to 15 would be that. */
	bstrins.d $sp, $zero, 3, 0
	move	$fp, $zero		/* ends frame-pointer chains too */
	move	$a0, $a5
	jirl	$ra, $a6, 0
	bstrpick.d $s0, $s0, CLONE_THREAD_BIT, CLONE_THREAD_BIT
	li.w	$a7, SYS_exit_group
	sub.d	$a7, $a7, $s0		/* a thread ends alone: SYS_exit */
	syscall	0
	break	0			/* no exit returns */
END(nbclone_arch_child)

/* A func for nbclone_arch_clone: hands what the kernel got as parent_tid,
 * tls and child_tid to nbclone_child_start, behind arg. */
FUNCTION(nbclone_arch_child_start)
	move	$a1, $a2
	move	$a2, $a4		/* child_tid is the 4th for both */
	b	nbclone_child_start
END(nbclone_arch_child_start)

/* Takes clone's arguments, reached by a jump from clone: goes on to
 * nbclone_checked_clone with them and clone's return address behind. */
FUNCTION(nbclone_arch_checked_clone)
	move	$a7, $ra		/* the 8th, and the last in a register */
	b	nbclone_checked_clone
END(nbclone_arch_checked_clone)

/* pid_t nbclone_arch_linux1_clone(void *sp, unsigned long flags) */
FUNCTION(nbclone_arch_linux1_clone)
	move	$a2, $sp		/* the caller's own stack pointer */
	move	$a4, $ra		/* the return address, for the trace */
	addi.d	$sp, $sp, -REQUEST_FRAME
	.cfi_adjust_cfa_offset REQUEST_FRAME
	st.d	$ra, $sp, SAVED_RA
	.cfi_rel_offset $ra, SAVED_RA
	move	$a3, $sp
	bl	nbclone_linux1_prepare
	bnez	$a0, 1f			/* refused: -errno */
	ld.d	$a0, $sp, REQUEST_FLAGS
	ld.d	$a1, $sp, REQUEST_STACK
	ld.d	$a2, $sp, REQUEST_PARENT_TID
	ld.d	$a3, $sp, REQUEST_CHILD_TID
	ld.d	$a4, $sp, REQUEST_TLS
	ld.d	$ra, $sp, SAVED_RA	/* the call site, for the child */
	li.w	$a7, SYS_clone
	syscall	0
	/* Again one instruction for both: the call site is in ra in either;
	 * the frame is the parent's alone.  CFA = sp + (frame & -(a0 != 0)). */
	.cfi_remember_state
	.cfi_restore $ra
	.cfi_escape 0x0f, 12, 0x73, 0, 0x08, REQUEST_FRAME, 0x30, 0x74, 0, 0x30, 0x2e, 0x1c, 0x1a, 0x22
	beqz	$a0, nbclone_arch_linux1_child
	.cfi_restore_state
1:	move	$a1, $sp
	bl	nbclone_linux1_finish
	ld.d	$ra, $sp, SAVED_RA
	.cfi_restore $ra
	addi.d	$sp, $sp, REQUEST_FRAME
	.cfi_adjust_cfa_offset -REQUEST_FRAME
	jr	$ra
END(nbclone_arch_linux1_clone)

/* Where nbclone_arch_linux1_clone goes on in the child: sp is the new stack
 * pointer, ra the call site, a2 the Linux 1.x flags, a4 the robust list. */
LOCAL_FUNCTION(nbclone_arch_linux1_child)
	andi	$t0, $a2, LINUX1_COPYVM_COPYFD
	beqz	$t0, 1f
	addi.d	$sp, $sp, -16
	.cfi_adjust_cfa_offset 16
	st.d	$ra, $sp, 0
	.cfi_rel_offset $ra, 0
	move	$a0, $a2
	move	$a1, $a4
	bl	nbclone_linux1_child
	ld.d	$ra, $sp, 0
	.cfi_restore $ra
	addi.d	$sp, $sp, 16
	.cfi_adjust_cfa_offset -16
1:	move	$a0, $zero
	jr	$ra
END(nbclone_arch_linux1_child)

/* long nbclone_arch_syscall(number, a, b, c, d, e) */
FUNCTION(nbclone_arch_syscall)
	move	$a7, $a0
	move	$a0, $a1
	move	$a1, $a2
	move	$a2, $a3
	move	$a3, $a4
	move	$a4, $a5
	syscall	0
	jr	$ra
END(nbclone_arch_syscall)

	.section .note.GNU-stack, "", @progbits
