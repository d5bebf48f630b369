/* MIPS n64 and n32, both byte orders: what differs from x86_64.S, the master
 * text.
 *
 *                   func  stack  flags  arg  parent_tid  tls  child_tid
 * C arguments       a0    a1     a2     a3   a4          a5   a6
 * kernel (v0 5055)  -     a1     a0     -    a2          a3   a4
 *   kept in         s0                  s1               a5
 *
 * The child's stack at func's first instruction:
 *   (stack & -16)      sp, the top: nothing above it is read or written, and
 *                      the return address is in ra
 *
 * The kernel answers in v0, and tells by a3 whether that is an errno. It keeps
 * a0 to a2, a4, a5, s0 to s7, gp, fp and ra, in the parent and in the child,
 * and spoils the others.
 *
 * Functions are called through t9, which position-independent code takes its
 * gp from. Here the table of addresses (GOT) is reached through t8: gp, which
 * is the caller's to find again, is left alone.
 */

#if _MIPS_SZPTR == 64
# define SYSCALLS	5000
# define WORD		8
# define LOAD		ld
# define ADDI		daddiu
# define ADD		daddu
#else
# define SYSCALLS	6000
# define WORD		4
# define LOAD		lw
# define ADDI		addiu
# define ADD		addu
#endif
#define SYS_clone	(SYSCALLS + 55)
#define SYS_exit	(SYSCALLS + 58)
#define SYS_exit_group	(SYSCALLS + 205)

#define CLONE_THREAD_HIGH	1	/* the upper half of 0x10000 */
#define LINUX1_COPYVM_COPYFD	0x300

/* struct Request, src/linux1/mod.rs: five words; behind them the return address
 * and the GOT. 64 bytes keep the stack aligned at calls. */
#define REQUEST_FLAGS		(0 * WORD)
#define REQUEST_STACK		(1 * WORD)
#define REQUEST_PARENT_TID	(2 * WORD)
#define REQUEST_TLS		(3 * WORD)
#define REQUEST_CHILD_TID	(4 * WORD)
#define SAVED_RA		40
#define SAVED_GOT		48
#define REQUEST_FRAME		64

/* "break". */
#define PADDING		.balignl 16, 0x0000000d
#define BEGIN(name)	.ent name
#define FINISH(name)	.end name
#include "functions.h"

/* t8 from the address of `place`, which `here` holds. */
#define GOT_IN_T8(place, here)	\
	lui	$t8, %hi(%neg(%gp_rel(place))); \
	ADDI	$t8, $t8, %lo(%neg(%gp_rel(place))); \
	ADD	$t8, $t8, here

	.abicalls
	.option	pic2
	.text
	.set	nomips16
	.set	nomicromips
	.set	noreorder		/* an instruction behind each branch */
	.set	nomacro
	.balign	16

/* long nbclone_arch_clone(func, stack, flags, arg, parent_tid, tls, child_tid)
 */
FUNCTION(nbclone_arch_clone)
	ADDI	$sp, $sp, -16
	.cfi_adjust_cfa_offset 16
	sd	$s0, 0($sp)		/* the caller's, for the parent */
	.cfi_rel_offset $s0, 0
	sd	$s1, 8($sp)
	.cfi_rel_offset $s1, 8
	move	$s0, $a0		/* func */
	move	$s1, $a3		/* arg */
	move	$a0, $a2
	move	$a2, $a4
	move	$a3, $a5		/* tls: a5 keeps it for the child */
	move	$a4, $a6
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
	ld	$s0, 0($sp)
	.cfi_restore $s0
	negu	$v0, $v0		/* -errno */
1:	ld	$s1, 8($sp)
	.cfi_restore $s1
	jr	$ra
	ADDI	$sp, $sp, 16
	.cfi_adjust_cfa_offset -16
END(nbclone_arch_clone)

/* Where nbclone_arch_clone goes on in the child. No frame is above it. */
LOCAL_FUNCTION(nbclone_arch_child)
	.cfi_undefined $ra
	/* The ABI's alignment at a call. It's too early in the parent: to the
	 * kernel a stack of 0 is the parent's own, and 1 to 15 would be that. */
	li	$t0, -16
	and	$sp, $sp, $t0
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
	GOT_IN_T8(nbclone_arch_child_start, $t9)
	LOAD	$t9, %got_disp(nbclone_child_start)($t8)
	move	$a1, $a2
	move	$a2, $a5
	jr	$t9
	move	$a3, $a4
END(nbclone_arch_child_start)

/* Takes clone's arguments, reached by a call or a jump from clone: goes on to
 * nbclone_checked_clone with them and the return address behind. */
FUNCTION(nbclone_arch_checked_clone)
	GOT_IN_T8(nbclone_arch_checked_clone, $t9)
	LOAD	$t9, %got_disp(nbclone_checked_clone)($t8)
	jr	$t9
	move	$a7, $ra		/* the 8th, and the last in a register */
END(nbclone_arch_checked_clone)

/* pid_t nbclone_arch_linux1_clone(void *sp, unsigned long flags) */
FUNCTION(nbclone_arch_linux1_clone)
	GOT_IN_T8(nbclone_arch_linux1_clone, $t9)
	move	$a2, $sp		/* the caller's own stack pointer */
	ADDI	$sp, $sp, -REQUEST_FRAME
	.cfi_adjust_cfa_offset REQUEST_FRAME
	sd	$ra, SAVED_RA($sp)
	.cfi_rel_offset $ra, SAVED_RA
	sd	$t8, SAVED_GOT($sp)
	LOAD	$t9, %got_disp(nbclone_linux1_prepare)($t8)
	move	$a4, $ra		/* for the trace */
	jalr	$t9
	move	$a3, $sp
	bnez	$v0, 1f			/* refused: -errno */
	LOAD	$a4, REQUEST_CHILD_TID($sp)
	LOAD	$a0, REQUEST_FLAGS($sp)
	LOAD	$a1, REQUEST_STACK($sp)
	LOAD	$a2, REQUEST_PARENT_TID($sp)
	LOAD	$a3, REQUEST_TLS($sp)
	move	$a5, $a3		/* for the child: a3 won't last */
	ld	$ra, SAVED_RA($sp)	/* the call site, for the child */
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
1:	ld	$t8, SAVED_GOT($sp)
	move	$a0, $v0
	LOAD	$t9, %got_disp(nbclone_linux1_finish)($t8)
	jalr	$t9
	move	$a1, $sp
	ld	$ra, SAVED_RA($sp)
	.cfi_restore $ra
	jr	$ra
	ADDI	$sp, $sp, REQUEST_FRAME
	.cfi_adjust_cfa_offset -REQUEST_FRAME
END(nbclone_arch_linux1_clone)

/* Where nbclone_arch_linux1_clone goes on in the child: sp is the new stack
 * pointer, ra the call site, a2 the Linux 1.x flags, a5 the robust list. */
LOCAL_FUNCTION(nbclone_arch_linux1_child)
	andi	$t0, $a2, LINUX1_COPYVM_COPYFD
	beqz	$t0, 2f
	ADDI	$sp, $sp, -16
	.cfi_adjust_cfa_offset 16
	sd	$ra, 8($sp)
	.cfi_rel_offset $ra, 8
	bal	1f			/* for that place's address */
	move	$a0, $a2
1:	GOT_IN_T8(1b, $ra)
	LOAD	$t9, %got_disp(nbclone_linux1_child)($t8)
	jalr	$t9
	move	$a1, $a5
	ld	$ra, 8($sp)
	.cfi_restore $ra
2:	ADDI	$sp, $sp, 16
	.cfi_adjust_cfa_offset -16
	jr	$ra
	move	$v0, $zero
END(nbclone_arch_linux1_child)

/* long nbclone_arch_syscall(number, a, b, c, d, e) */
FUNCTION(nbclone_arch_syscall)
	move	$v0, $a0
	move	$a0, $a1
	move	$a1, $a2
	move	$a2, $a3
	move	$a3, $a4
	move	$a4, $a5
	syscall
	beqz	$a3, 1f
	nop
	negu	$v0, $v0		/* -errno */
1:	jr	$ra
	nop
END(nbclone_arch_syscall)

	.section .note.GNU-stack, "", @progbits
