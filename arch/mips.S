/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Copyright (c) 2026 The nbclone developers */
/* MIPS, both byte orders: o32, n32 and n64. What differs from x86_64.S, the
 * master text.
 *
 *                   func  stack  flags  arg  parent_tid  tls     child_tid
 * C arguments, o32  a0    a1     a2     a3   16(sp)      20(sp)  24(sp)
 *   n32, n64        a0    a1     a2     a3   a4          a5      a6
 * kernel (v0)       -     a1     a0     -    a2          a3      16(sp) or a4
 *   the usual call  KEPT                a2
 *   launch          s0                  s1               s2      s3
 *
 * The child's stack at func's first instruction, the return address being in ra:
 *   (stack & -16)      sp, the top: nothing above it is read or written
 * On o32:
 *   (stack & -8)       the top: nothing above it is read or written
 *   (stack & -8) - 16  sp: func's home area
 *
 * The kernel answers in v0, and tells by a3 whether that is an errno. It keeps
 * a0 to a2, s0 to s7, gp, fp and ra, in the parent and in the child, with 64 bits
 * a4 and a5 too, and spoils the others.
 *
 * Functions are called through t9, which position-independent code takes its
 * gp from. Here the table of addresses (GOT) is reached through t8: gp is left
 * alone, but as KEPT on o32, where it is no callee's to save.
 *
 * A load's value is used by the next instruction: MIPS II and later.
 */

#if _MIPS_SIM == _ABIO32
# define O32
# define SYSCALLS	4000
# define SYS_clone	(SYSCALLS + 120)
# define SYS_exit	(SYSCALLS + 1)
# define SYS_exit_group	(SYSCALLS + 246)
#elif _MIPS_SIM == _ABI64
# define SYSCALLS	5000
#else
# define SYSCALLS	6000
#endif
#ifndef O32
# define SYS_clone	(SYSCALLS + 55)
# define SYS_exit	(SYSCALLS + 58)
# define SYS_exit_group	(SYSCALLS + 205)
#endif

/* Words and addresses. */
#if _MIPS_SZPTR == 64
# define LOAD		ld
# define STORE		sd
# define ADDI		daddiu
# define ADD		daddu
#else
# define LOAD		lw
# define STORE		sw
# define ADDI		addiu
# define ADD		addu
#endif

/* Whole registers. */
#ifdef O32
# define REGISTER	4
# define SAVE		sw
# define RESTORE	lw
#else
# define REGISTER	8
# define SAVE		sd
# define RESTORE	ld
#endif

#define CLONE_THREAD_HIGH	(CLONE_THREAD >> 16)	/* of the upper half */
#define THREAD_POINTER_BIAS	0x7000

#ifdef O32
/* What every caller leaves free above its callee's frame, for its first four
 * arguments; then the others. */
# define HOME_AREA		16
# define FIFTH_ARGUMENT		16
# define SIXTH_ARGUMENT		20
# define SEVENTH_ARGUMENT	24

# define KEPT			$gp
# define STACK_ALIGNMENT	8
# define LAUNCH_FRAME		0	/* it saves into its own home area */

# define SLOW_RA		28
# define SLOW_FRAME		32

/* nbclone_arch_linux1_clone's frame: the home area of what it calls, a 5th
 * argument, struct Request, the return address, the GOT. */
# define REQUEST		20
# define SAVED_RA		40
# define SAVED_GOT		44
# define REQUEST_FRAME		48
#else
# define HOME_AREA		0
# define KEPT			$a5
# define STACK_ALIGNMENT	16
# define LAUNCH_FRAME		32

/* For nbclone_slow_clone: parent_tid, tls, child_tid; the return address. */
# define SLOW_RA		24
# define SLOW_FRAME		32

/* struct Request; behind it the return address and the GOT. */
# define SAVED_RA		40
# define SAVED_GOT		48
# define REQUEST_FRAME		64
#endif

#define EOVERFLOW		79

/* DWARF's numbers. */
#define V0		2
#define SP		29
#define RA		31

/* "break". */
#define PADDING		.balignl 16, 0x0000000d
#define BEGIN(name)	.ent name
#define FINISH(name)	.end name
#include "dwarf.h"
#include "functions.h"

/* t8 from the address of `place`, which is this very instruction and which
 * `here` holds. */
#ifdef O32
# define GOT_IN_T8(place, here)	\
	lui	$t8, %hi(_gp_disp); \
	addiu	$t8, $t8, %lo(_gp_disp); \
	addu	$t8, $t8, here
# define GOT(name)	%got(name)($t8)
#else
# define GOT_IN_T8(place, here)	\
	lui	$t8, %hi(%neg(%gp_rel(place))); \
	ADDI	$t8, $t8, %lo(%neg(%gp_rel(place))); \
	ADD	$t8, $t8, here
# define GOT(name)	%got_disp(name)($t8)
#endif

	.abicalls
	.option	pic2
	.text
	.set	nomips16
	.set	nomicromips
	.set	noreorder		/* an instruction behind each branch */
	.set	nomacro
	.balign	16

/* pid_t nbclone_arch_clone(the seven arguments of clone) */
FUNCTION(nbclone_arch_clone)
	GOT_IN_T8(nbclone_arch_clone, $t9)
	LOAD	$v0, GOT(nbclone_gate)
	lw	$v0, 0($v0)
	li	$v1, CLONE_VM
	and	$v0, $v0, $a2
	bne	$v0, $v1, 3f
	sltiu	$v0, $a1, LOWEST_STACK
	bnez	$v0, 3f
	nop
	beqz	$a0, 3f
	li	$v0, SYS_clone
	move	KEPT, $a0		/* func */
	move	$a0, $a2
	move	$a2, $a3		/* arg: the kernel ignores parent_tid */
	syscall
	RETURNS_BY(V0, RA)
	beqz	$v0, nbclone_arch_child
	move	$t9, KEPT		/* func, for the child */
	.cfi_restore $ra
	bnez	$a3, 1f
	nop
	jr	$ra
	nop
1:	move	$a1, $ra		/* clone's caller */
	.cfi_register $ra, $a1
	bal	2f			/* for that place's address */
	negu	$a0, $v0		/* -errno */
2:	GOT_IN_T8(2b, $ra)
	LOAD	$t9, GOT(nbclone_failed)
	jr	$t9
	move	$ra, $a1
	.cfi_restore $ra

3:	ADDI	$sp, $sp, -SLOW_FRAME
	.cfi_adjust_cfa_offset SLOW_FRAME
	SAVE	$ra, SLOW_RA($sp)
	.cfi_rel_offset $ra, SLOW_RA
	LOAD	$t9, GOT(nbclone_slow_clone)
#ifdef O32
	sw	$ra, SIXTH_ARGUMENT($sp)	/* clone's caller */
	addiu	$v0, $sp, SLOW_FRAME	/* the frame: where the arguments came */
	jalr	$t9
	sw	$v0, FIFTH_ARGUMENT($sp)
#else
	STORE	$a4, 0 * WORD($sp)
	STORE	$a5, 1 * WORD($sp)
	STORE	$a6, 2 * WORD($sp)
	move	$a5, $ra		/* clone's caller */
	jalr	$t9
	move	$a4, $sp		/* the frame */
#endif
	RESTORE	$ra, SLOW_RA($sp)
	.cfi_restore $ra
	jr	$ra
	ADDI	$sp, $sp, SLOW_FRAME
	.cfi_adjust_cfa_offset -SLOW_FRAME
END(nbclone_arch_clone)

/* Where nbclone_arch_clone goes on in the child, and at .Llaunched that of
 * nbclone_arch_launch. Unwinding ends here. */
LOCAL_FUNCTION(nbclone_arch_child)
	.cfi_undefined $ra
	move	$s1, $a2
.Llaunched:
	/* The ABI's alignment at a call. It's too early in the parent: to the
	 * kernel a stack of 0 is the parent's own, and some would be that. */
	li	$t0, -STACK_ALIGNMENT
	and	$sp, $sp, $t0
#if HOME_AREA
	ADDI	$sp, $sp, -HOME_AREA
#endif
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

/* void nbclone_arch_host_arguments(frame, parent_tid_tls_child_tid[3]) */
FUNCTION(nbclone_arch_host_arguments)
#ifdef O32
	addiu	$a0, $a0, FIFTH_ARGUMENT
#endif
	LOAD	$t0, 0 * WORD($a0)
	LOAD	$t1, 1 * WORD($a0)
	LOAD	$t2, 2 * WORD($a0)
	STORE	$t0, 0 * WORD($a1)
	STORE	$t1, 1 * WORD($a1)
	jr	$ra
	STORE	$t2, 2 * WORD($a1)
END(nbclone_arch_host_arguments)

/* long nbclone_arch_launch(func, stack, flags, arg, parent_tid, tls, child_tid)
 */
FUNCTION(nbclone_arch_launch)
#if LAUNCH_FRAME
	ADDI	$sp, $sp, -LAUNCH_FRAME
	.cfi_adjust_cfa_offset LAUNCH_FRAME
#endif
	SAVE	$s0, 0 * REGISTER($sp)	/* the caller's, for the parent */
	.cfi_rel_offset $s0, 0 * REGISTER
	SAVE	$s1, 1 * REGISTER($sp)
	.cfi_rel_offset $s1, 1 * REGISTER
	SAVE	$s2, 2 * REGISTER($sp)
	.cfi_rel_offset $s2, 2 * REGISTER
	SAVE	$s3, 3 * REGISTER($sp)
	.cfi_rel_offset $s3, 3 * REGISTER
	move	$s0, $a0		/* func */
	move	$s1, $a3		/* arg */
	move	$a0, $a2
#ifdef O32
	lw	$s2, SIXTH_ARGUMENT($sp)	/* tls: a3 won't last */
	lw	$s3, SEVENTH_ARGUMENT($sp)	/* child_tid: out of its reach */
	lw	$a2, FIFTH_ARGUMENT($sp)
	move	$a3, $s2
	sw	$s3, FIFTH_ARGUMENT($sp)	/* the kernel's 5th argument too */
#else
	move	$s2, $a5
	move	$s3, $a6
	move	$a2, $a4
	move	$a3, $s2
	move	$a4, $s3
#endif
	li	$v0, SYS_clone
	syscall
	.cfi_remember_state
	RETURNS_BY(V0, RA)
	beqz	$v0, .Llaunched
	move	$t9, $s0		/* func, for the child */
	.cfi_restore_state
	beqz	$a3, 1f
	RESTORE	$s0, 0 * REGISTER($sp)
	.cfi_restore $s0
	negu	$v0, $v0		/* -errno */
1:	RESTORE	$s1, 1 * REGISTER($sp)
	.cfi_restore $s1
	RESTORE	$s2, 2 * REGISTER($sp)
	.cfi_restore $s2
	RESTORE	$s3, 3 * REGISTER($sp)
	.cfi_restore $s3
	jr	$ra
	ADDI	$sp, $sp, LAUNCH_FRAME
	.cfi_adjust_cfa_offset -LAUNCH_FRAME
END(nbclone_arch_launch)

/* A func for nbclone_arch_launch: hands what the kernel got as parent_tid,
 * tls and child_tid to nbclone_child_start, behind arg. */
FUNCTION(nbclone_arch_child_start)
	GOT_IN_T8(nbclone_arch_child_start, $t9)
	LOAD	$t9, GOT(nbclone_child_start)
	move	$a1, $a2
	move	$a2, $s2
	jr	$t9
	move	$a3, $s3
END(nbclone_arch_child_start)

/* pid_t nbclone_arch_linux1_clone(void *sp, unsigned long flags) */
FUNCTION(nbclone_arch_linux1_clone)
	GOT_IN_T8(nbclone_arch_linux1_clone, $t9)
	move	$a2, $sp		/* the caller's own stack pointer */
	ADDI	$sp, $sp, -REQUEST_FRAME
	.cfi_adjust_cfa_offset REQUEST_FRAME
	SAVE	$ra, SAVED_RA($sp)
	.cfi_rel_offset $ra, SAVED_RA
	STORE	$t8, SAVED_GOT($sp)
	LOAD	$t9, GOT(nbclone_linux1_prepare)
#ifdef O32
	sw	$ra, FIFTH_ARGUMENT($sp)	/* for the trace */
#else
	move	$a4, $ra
#endif
	jalr	$t9
	ADDI	$a3, $sp, REQUEST
	bnez	$v0, 1f			/* refused: -errno */
	nop
	LOAD	$a0, REQUEST_FLAGS($sp)
	LOAD	$a1, REQUEST_STACK($sp)
	LOAD	$a2, REQUEST_PARENT_TID($sp)
	LOAD	$a3, REQUEST_TLS($sp)
#ifdef O32
	lw	$t0, REQUEST_CHILD_TID($sp)
	sw	$t0, FIFTH_ARGUMENT($sp)
#else
	LOAD	$a4, REQUEST_CHILD_TID($sp)
#endif
	move	KEPT, $a3		/* for the child: a3 won't last */
	RESTORE	$ra, SAVED_RA($sp)	/* the call site, for the child */
	li	$v0, SYS_clone
	syscall
	/* The next two instructions run in parent and child: the call site is in
	 * ra in both. */
	.cfi_remember_state
	.cfi_restore $ra
	FRAME_BY(V0, SP, REQUEST_FRAME)
	beqz	$v0, nbclone_arch_linux1_child
	nop
	.cfi_restore_state
	beqz	$a3, 1f
	nop
	negu	$v0, $v0		/* -errno */
1:	LOAD	$t8, SAVED_GOT($sp)
	move	$a0, $v0
	LOAD	$t9, GOT(nbclone_linux1_finish)
	jalr	$t9
	ADDI	$a1, $sp, REQUEST
	RESTORE	$ra, SAVED_RA($sp)
	.cfi_restore $ra
	jr	$ra
	ADDI	$sp, $sp, REQUEST_FRAME
	.cfi_adjust_cfa_offset -REQUEST_FRAME
END(nbclone_arch_linux1_clone)

/* Where nbclone_arch_linux1_clone goes on in the child: sp is the new stack
 * pointer, ra the call site, a2 the Linux 1.x flags, KEPT the place of libc's
 * thread id. */
#define LINUX1_CHILD_FRAME	(HOME_AREA + 16)
LOCAL_FUNCTION(nbclone_arch_linux1_child)
	andi	$t0, $a2, LINUX1_COPYVM_COPYFD
	beqz	$t0, 2f
	ADDI	$sp, $sp, -LINUX1_CHILD_FRAME
	.cfi_adjust_cfa_offset LINUX1_CHILD_FRAME
	SAVE	$ra, HOME_AREA + 8($sp)
	.cfi_rel_offset $ra, HOME_AREA + 8
	bal	1f			/* for that place's address */
	move	$a0, $a2
1:	GOT_IN_T8(1b, $ra)
	LOAD	$t9, GOT(nbclone_linux1_child)
	jalr	$t9
	move	$a1, KEPT
	RESTORE	$ra, HOME_AREA + 8($sp)
	.cfi_restore $ra
2:	ADDI	$sp, $sp, LINUX1_CHILD_FRAME
	.cfi_adjust_cfa_offset -LINUX1_CHILD_FRAME
	jr	$ra
	move	$v0, $zero
END(nbclone_arch_linux1_child)

/* long nbclone_arch_syscall(number, a, b, c, d, e) */
FUNCTION(nbclone_arch_syscall)
	move	$v0, $a0
	move	$a0, $a1
	move	$a1, $a2
	move	$a2, $a3
#ifdef O32
	lw	$t0, SIXTH_ARGUMENT($sp)	/* e: the kernel's 5th argument */
	lw	$a3, FIFTH_ARGUMENT($sp)
	sw	$t0, FIFTH_ARGUMENT($sp)
#else
	move	$a3, $a4
	move	$a4, $a5
#endif
	syscall
#if _MIPS_SIM == _ABIN32
	bnez	$a3, 1f
	sll	$t0, $v0, 0
	beq	$t0, $v0, 2f
	nop
	li	$v0, EOVERFLOW		/* the result is no word: an offset */
#else
	beqz	$a3, 2f
	nop
#endif
1:	negu	$v0, $v0		/* -errno */
2:	jr	$ra
	nop
END(nbclone_arch_syscall)

/* The thread pointer in v1: the one register that the kernel is quick for where
 * the processor doesn't have the instruction. */
#define READ_THREAD_POINTER	\
	.set	push;		\
	.set	mips32r2;	\
	rdhwr	$v1, $29;	\
	.set	pop

/* usize nbclone_arch_thread_pointer(void): the thread control block's end. */
FUNCTION(nbclone_arch_thread_pointer)
	READ_THREAD_POINTER
	jr	$ra
	ADDI	$v0, $v1, -THREAD_POINTER_BIAS
END(nbclone_arch_thread_pointer)

/* usize nbclone_arch_dtv(void): the block has two words. */
FUNCTION(nbclone_arch_dtv)
	READ_THREAD_POINTER
	jr	$ra
	LOAD	$v0, -THREAD_POINTER_BIAS - 2 * WORD($v1)
END(nbclone_arch_dtv)

LOCAL_FUNCTION(nbclone_arch_at_load)
	GOT_IN_T8(nbclone_arch_at_load, $t9)
	LOAD	$t9, GOT(nbclone_at_load)
	jr	$t9
	nop
END(nbclone_arch_at_load)

	AT_LOAD(nbclone_arch_at_load)

	.section .note.GNU-stack, "", @progbits
