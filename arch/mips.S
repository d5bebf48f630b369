/* MIPS o32, both byte orders: what differs from x86_64.S, the master text.
 *
 *                   func  stack  flags  arg  parent_tid  tls     child_tid
 * C arguments       a0    a1     a2     a3   16(sp)      20(sp)  24(sp)
 * kernel (v0 4120)  -     a1     a0     -    a2          a3      16(sp)
 *   kept in         s0                  s1               s2      s3
 *
 * The child's stack at func's first instruction:
 *   (stack & -8)       the top: nothing above it is read or written
 *   (stack & -8) - 16  sp: func's home area; the return address is in ra
 *
 * The kernel answers in v0, and tells by a3 whether that is an errno. It keeps
 * a0 to a2, s0 to s7, gp, fp and ra, in the parent and in the child, and spoils
 * the others.
 *
 * Functions are called through t9, which position-independent code takes its
 * gp from. Here the table of addresses (GOT) is reached through t8: gp is left
 * alone.
 *
 * A load's value is used by the next instruction: MIPS II and later.
 */

#define SYS_clone	4120
#define SYS_exit	4001
#define SYS_exit_group	4246

#define CLONE_THREAD_HIGH	1	/* the upper half of 0x10000 */
#define LINUX1_COPYVM_COPYFD	0x300

/* What every caller leaves free above its callee's frame, for its first four
 * arguments. */
#define HOME_AREA		16

/* nbclone_arch_linux1_clone's frame: the home area of what it calls, a 5th
 * argument, the Request of src/linux1/mod.rs, the return address, the GOT. */
#define FIFTH_ARGUMENT		16
#define REQUEST			20
#define REQUEST_FLAGS		(REQUEST + 0)
#define REQUEST_STACK		(REQUEST + 4)
#define REQUEST_PARENT_TID	(REQUEST + 8)
#define REQUEST_TLS		(REQUEST + 12)
#define REQUEST_CHILD_TID	(REQUEST + 16)
#define SAVED_RA		40
#define SAVED_GOT		44
#define REQUEST_FRAME		48

/* "break". */
#define PADDING		.balignl 16, 0x0000000d
#define BEGIN(name)	.ent name
#define FINISH(name)	.end name
#include "functions.h"

/* t8 from the address of this very instruction in `here`. */
#define GOT_IN_T8(here)		\
	lui	$t8, %hi(_gp_disp); \
	addiu	$t8, $t8, %lo(_gp_disp); \
	addu	$t8, $t8, here

	.abicalls
	.option	pic2
	.text
	.set	nomips16
	.set	nomicromips
	.set	noreorder		/* an instruction behind each branch */
	.set	nomacro
	.balign	16

/* long nbclone_arch_clone(func, stack, flags, arg, parent_tid, tls, child_tid)
 * No frame: what it saves goes into its own home area.
 */
FUNCTION(nbclone_arch_clone)
	sw	$s0, 0($sp)		/* the caller's, for the parent */
	.cfi_rel_offset $s0, 0
	sw	$s1, 4($sp)
	.cfi_rel_offset $s1, 4
	sw	$s2, 8($sp)
	.cfi_rel_offset $s2, 8
	sw	$s3, 12($sp)
	.cfi_rel_offset $s3, 12
	move	$s0, $a0		/* func */
	move	$s1, $a3		/* arg */
	move	$a0, $a2
	lw	$s2, 20($sp)		/* tls, for the child: a3 won't last */
	lw	$s3, 24($sp)		/* child_tid, which it can't reach */
	lw	$a2, 16($sp)
	move	$a3, $s2
	sw	$s3, 16($sp)		/* the kernel's 5th argument */
	li	$v0, SYS_clone
	syscall
	/* The next two instructions run in the parent, whose return address is
	 * in ra, and in the child, which has none.  As DWARF:
	 * ra = ra & -(v0 != 0). */
	.cfi_remember_state
	.cfi_escape 0x16, 31, 9, 0x30, 0x72, 0, 0x30, 0x2e, 0x1c, 0x8f, 0, 0x1a
	beqz	$v0, nbclone_arch_child
	move	$t9, $s0		/* func, for the child */
	.cfi_restore_state
	beqz	$a3, 1f
	lw	$s0, 0($sp)
	.cfi_restore $s0
	negu	$v0, $v0		/* -errno */
1:	lw	$s1, 4($sp)
	.cfi_restore $s1
	lw	$s2, 8($sp)
	.cfi_restore $s2
	jr	$ra
	lw	$s3, 12($sp)
	.cfi_restore $s3
END(nbclone_arch_clone)

/* Where nbclone_arch_clone goes on in the child. No frame is above it. */
LOCAL_FUNCTION(nbclone_arch_child)
	.cfi_undefined $ra
	/* The ABI's alignment at a call. It's too early in the parent: to the
	 * kernel a stack of 0 is the parent's own, and some would be that. */
	li	$t0, -8
	and	$sp, $sp, $t0
	addiu	$sp, $sp, -HOME_AREA
	move	$fp, $zero		/* ends frame-pointer chains too */
	move	$s0, $a0		/* flags, over the call */
	jalr	$t9
	move	$a0, $s1
	lui	$t0, CLONE_THREAD_HIGH
	and	$t0, $t0, $s0
	move	$a0, $v0
	bnez	$t0, 1f
	li	$v0, SYS_exit		/* a thread ends alone */
	li	$v0, SYS_exit_group
1:	syscall
	break				/* no exit returns */
END(nbclone_arch_child)

/* A func for nbclone_arch_clone: hands what the kernel got as parent_tid,
 * tls and child_tid to nbclone_child_start, behind arg. */
FUNCTION(nbclone_arch_child_start)
	GOT_IN_T8($t9)
	lw	$t9, %got(nbclone_child_start)($t8)
	move	$a1, $a2
	move	$a2, $s2
	jr	$t9
	move	$a3, $s3
END(nbclone_arch_child_start)

/* Takes clone's arguments, reached by a call or a jump from clone: calls
 * nbclone_checked_clone with them and the return address behind. */
FUNCTION(nbclone_arch_checked_clone)
	GOT_IN_T8($t9)
	addiu	$sp, $sp, -40
	.cfi_adjust_cfa_offset 40
	sw	$ra, 36($sp)
	.cfi_rel_offset $ra, 36
	lw	$t9, %got(nbclone_checked_clone)($t8)
	lw	$t0, 40 + 16($sp)	/* 5th: parent_tid */
	lw	$t1, 40 + 20($sp)	/* 6th: tls */
	lw	$t2, 40 + 24($sp)	/* 7th: child_tid */
	sw	$t0, 16($sp)
	sw	$t1, 20($sp)
	sw	$t2, 24($sp)
	jalr	$t9
	sw	$ra, 28($sp)		/* 8th: the return address */
	lw	$ra, 36($sp)
	.cfi_restore $ra
	jr	$ra
	addiu	$sp, $sp, 40
	.cfi_adjust_cfa_offset -40
END(nbclone_arch_checked_clone)

/* pid_t nbclone_arch_linux1_clone(void *sp, unsigned long flags) */
FUNCTION(nbclone_arch_linux1_clone)
	GOT_IN_T8($t9)
	move	$a2, $sp		/* the caller's own stack pointer */
	addiu	$sp, $sp, -REQUEST_FRAME
	.cfi_adjust_cfa_offset REQUEST_FRAME
	sw	$ra, SAVED_RA($sp)
	.cfi_rel_offset $ra, SAVED_RA
	sw	$t8, SAVED_GOT($sp)
	lw	$t9, %got(nbclone_linux1_prepare)($t8)
	sw	$ra, FIFTH_ARGUMENT($sp)	/* for the trace */
	jalr	$t9
	addiu	$a3, $sp, REQUEST
	bnez	$v0, 1f			/* refused: -errno */
	lw	$t0, REQUEST_CHILD_TID($sp)
	lw	$a0, REQUEST_FLAGS($sp)
	lw	$a1, REQUEST_STACK($sp)
	lw	$a2, REQUEST_PARENT_TID($sp)
	lw	$a3, REQUEST_TLS($sp)
	move	$gp, $a3		/* for the child: a3 won't last */
	sw	$t0, FIFTH_ARGUMENT($sp)
	lw	$ra, SAVED_RA($sp)	/* the call site, for the child */
	li	$v0, SYS_clone
	syscall
	/* Again two instructions for both: the call site is in ra in either;
	 * the frame is the parent's alone.  CFA = sp + (frame & -(v0 != 0)). */
	.cfi_remember_state
	.cfi_restore $ra
	.cfi_escape 0x0f, 12, 0x8d, 0, 0x08, REQUEST_FRAME, 0x30, 0x72, 0, 0x30, 0x2e, 0x1c, 0x1a, 0x22
	beqz	$v0, nbclone_arch_linux1_child
	nop
	.cfi_restore_state
	beqz	$a3, 1f
	nop
	negu	$v0, $v0		/* -errno */
1:	lw	$t8, SAVED_GOT($sp)
	move	$a0, $v0
	lw	$t9, %got(nbclone_linux1_finish)($t8)
	jalr	$t9
	addiu	$a1, $sp, REQUEST
	lw	$ra, SAVED_RA($sp)
	.cfi_restore $ra
	jr	$ra
	addiu	$sp, $sp, REQUEST_FRAME
	.cfi_adjust_cfa_offset -REQUEST_FRAME
END(nbclone_arch_linux1_clone)

/* Where nbclone_arch_linux1_clone goes on in the child: sp is the new stack
 * pointer, ra the call site, a2 the Linux 1.x flags, gp the robust list. */
LOCAL_FUNCTION(nbclone_arch_linux1_child)
	andi	$t0, $a2, LINUX1_COPYVM_COPYFD
	beqz	$t0, 2f
	addiu	$sp, $sp, -24
	.cfi_adjust_cfa_offset 24
	sw	$ra, 20($sp)
	.cfi_rel_offset $ra, 20
	bal	1f			/* for this place's address */
	move	$a0, $a2
1:	GOT_IN_T8($ra)
	lw	$t9, %got(nbclone_linux1_child)($t8)
	jalr	$t9
	move	$a1, $gp
	lw	$ra, 20($sp)
	.cfi_restore $ra
2:	addiu	$sp, $sp, 24
	.cfi_adjust_cfa_offset -24
	jr	$ra
	move	$v0, $zero
END(nbclone_arch_linux1_child)

/* long nbclone_arch_syscall(number, a, b, c, d, e) */
FUNCTION(nbclone_arch_syscall)
	lw	$t0, 20($sp)		/* e: the kernel's 5th argument */
	move	$v0, $a0
	move	$a0, $a1
	move	$a1, $a2
	move	$a2, $a3
	lw	$a3, 16($sp)
	sw	$t0, 16($sp)
	syscall
	beqz	$a3, 1f
	nop
	negu	$v0, $v0		/* -errno */
1:	jr	$ra
	nop
END(nbclone_arch_syscall)

	.section .note.GNU-stack, "", @progbits
