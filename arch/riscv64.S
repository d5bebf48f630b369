/* RISC-V, 64 bits: what differs from x86_64.S, the master text. (It assembles
 * for 32 bits too; the libc crate hasn't all the calls there, so nothing of it
 * was run.)
 *
 *                  func  stack  flags  arg  parent_tid  tls  child_tid
 * C arguments      a0    a1     a2     a3   a4          a5   a6
 * kernel (a7 220)  -     a1     a0     -    a2          a3   a4
 *   kept in        a5           t1     a6
 *
 * The child's stack at func's first instruction:
 *   (stack & -16)      sp, the top: nothing above it is read or written, and
 *                      the return address is in ra
 *
 * The kernel changes a0 and no other register, in the parent and in the child.
 */

#if __riscv_xlen == 64
# define WORD		8
# define LOAD		ld
# define STORE		sd
#else
# define WORD		4
# define LOAD		lw
# define STORE		sw
#endif
#define SYS_clone	220
#define SYS_exit	93
#define SYS_exit_group	94

#define CLONE_THREAD_BIT	16
#define LINUX1_COPYVM_COPYFD	0x300

/* struct Request, src/linux1/mod.rs: five words; behind them the return address,
 * and padding to the 16 bytes of alignment at a call. */
#define REQUEST_FLAGS		(0 * WORD)
#define REQUEST_STACK		(1 * WORD)
#define REQUEST_PARENT_TID	(2 * WORD)
#define REQUEST_TLS		(3 * WORD)
#define REQUEST_CHILD_TID	(4 * WORD)
#define SAVED_RA		(5 * WORD)
#define REQUEST_FRAME		((6 * WORD + 15) & -16)

/* Two bytes of zero are RISC-V's illegal instruction. */
#define PADDING		.balign 16, 0
#include "functions.h"

	.text
	/* No code here is shortened by the linker, which would move the frame
	 * information's borders and has nothing to gain: no address is loaded,
	 * and so gp, which the child inherits, isn't used. */
	.option	norelax
	.balign	16

/* long nbclone_arch_clone(func, stack, flags, arg, parent_tid, tls, child_tid)
 */
FUNCTION(nbclone_arch_clone)
	mv	t1, a2			/* flags, for the child's end too */
	mv	a2, a4
	mv	a4, a6
	mv	a6, a3			/* arg: the kernel has no 7th argument */
	mv	a3, a5
	mv	a5, a0			/* func: nor a 6th */
	mv	a0, t1
	li	a7, SYS_clone
	ecall
	/* The next instruction runs in the parent, whose return address is in
	 * ra, and in the child, which has none.  As DWARF:
	 * ra = ra & -(a0 != 0). */
	.cfi_remember_state
	.cfi_escape 0x16, 0x01, 9, 0x30, 0x7a, 0, 0x30, 0x2e, 0x1c, 0x71, 0, 0x1a
	beqz	a0, nbclone_arch_child
	.cfi_restore_state
	ret
END(nbclone_arch_clone)

/* Where nbclone_arch_clone goes on in the child. No frame is above it. */
LOCAL_FUNCTION(nbclone_arch_child)
	.cfi_undefined ra
	/* The ABI's alignment at a call. It's too early in the parent: to the
	 * kernel a stack of 0 is the parent's own, and 1 to 15 would be that. */
	andi	sp, sp, -16
	li	s0, 0			/* ends frame-pointer chains too */
	mv	s1, t1			/* flags, over the call */
	mv	a0, a6
	jalr	a5
	srli	s1, s1, CLONE_THREAD_BIT
	andi	s1, s1, 1
	li	a7, SYS_exit_group
	sub	a7, a7, s1		/* a thread ends alone: SYS_exit */
	ecall
	unimp				/* no exit returns */
END(nbclone_arch_child)

/* A func for nbclone_arch_clone: hands what the kernel got as parent_tid,
 * tls and child_tid to nbclone_child_start, behind arg. */
FUNCTION(nbclone_arch_child_start)
	mv	a1, a2
	mv	a2, a3
	mv	a3, a4
	tail	nbclone_child_start
END(nbclone_arch_child_start)

/* Takes clone's arguments, reached by a jump from clone: goes on to
 * nbclone_checked_clone with them and clone's return address behind. */
FUNCTION(nbclone_arch_checked_clone)
	mv	a7, ra			/* the 8th, and the last in a register */
	tail	nbclone_checked_clone
END(nbclone_arch_checked_clone)

/* pid_t nbclone_arch_linux1_clone(void *sp, unsigned long flags) */
FUNCTION(nbclone_arch_linux1_clone)
	mv	a2, sp			/* the caller's own stack pointer */
	mv	a4, ra			/* the return address, for the trace */
	addi	sp, sp, -REQUEST_FRAME
	.cfi_adjust_cfa_offset REQUEST_FRAME
	STORE	ra, SAVED_RA(sp)
	.cfi_rel_offset ra, SAVED_RA
	mv	a3, sp
	call	nbclone_linux1_prepare
	bnez	a0, 1f			/* refused: -errno */
	LOAD	a0, REQUEST_FLAGS(sp)
	LOAD	a1, REQUEST_STACK(sp)
	LOAD	a2, REQUEST_PARENT_TID(sp)
	LOAD	a3, REQUEST_TLS(sp)
	LOAD	a4, REQUEST_CHILD_TID(sp)
	LOAD	ra, SAVED_RA(sp)	/* the call site, for the child */
	li	a7, SYS_clone
	ecall
	/* Again one instruction for both: the call site is in ra in either;
	 * the frame is the parent's alone.  CFA = sp + (frame & -(a0 != 0)). */
	.cfi_remember_state
	.cfi_restore ra
	.cfi_escape 0x0f, 12, 0x72, 0, 0x08, REQUEST_FRAME, 0x30, 0x7a, 0, 0x30, 0x2e, 0x1c, 0x1a, 0x22
	beqz	a0, nbclone_arch_linux1_child
	.cfi_restore_state
1:	mv	a1, sp
	call	nbclone_linux1_finish
	LOAD	ra, SAVED_RA(sp)
	.cfi_restore ra
	addi	sp, sp, REQUEST_FRAME
	.cfi_adjust_cfa_offset -REQUEST_FRAME
	ret
END(nbclone_arch_linux1_clone)

/* Where nbclone_arch_linux1_clone goes on in the child: sp is the new stack
 * pointer, ra the call site, a2 the Linux 1.x flags, a3 the robust list. */
LOCAL_FUNCTION(nbclone_arch_linux1_child)
	andi	t0, a2, LINUX1_COPYVM_COPYFD
	beqz	t0, 1f
	addi	sp, sp, -16
	.cfi_adjust_cfa_offset 16
	STORE	ra, 0(sp)
	.cfi_rel_offset ra, 0
	mv	a0, a2
	mv	a1, a3
	call	nbclone_linux1_child
	LOAD	ra, 0(sp)
	.cfi_restore ra
	addi	sp, sp, 16
	.cfi_adjust_cfa_offset -16
1:	li	a0, 0
	ret
END(nbclone_arch_linux1_child)

/* long nbclone_arch_syscall(number, a, b, c, d, e) */
FUNCTION(nbclone_arch_syscall)
	mv	a7, a0
	mv	a0, a1
	mv	a1, a2
	mv	a2, a3
	mv	a3, a4
	mv	a4, a5
	ecall
	ret
END(nbclone_arch_syscall)

	.section .note.GNU-stack, "", @progbits

/* The landing pads and shadow stacks of RISC-V (Zicfilp, Zicfiss) are younger
 * than the linkers in use, which complain of the note that would claim them:
 * there is none. */
