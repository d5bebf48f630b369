/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Copyright (c) 2026 The nbclone developers */
/* Names for what .cfi_escape takes: DWARF 5, sections 2.5.1 (operations),
 * 6.4.2 (call-frame instructions) and 7.7.1 (encodings).
 *
 * An expression's length stands before it. An offset is a signed LEB128: SLEB
 * for -64 to 63, SLEB2 for -8192 to 8191.
 */

#define DW_CFA_def_cfa_expression	0x0f
#define DW_CFA_expression		0x10
#define DW_CFA_val_expression		0x16

#define DW_OP_deref			0x06
#define DW_OP_const1u			0x08
#define DW_OP_dup			0x12
#define DW_OP_drop			0x13
#define DW_OP_and			0x1a
#define DW_OP_minus			0x1c
#define DW_OP_mul			0x1e
#define DW_OP_neg			0x1f
#define DW_OP_plus			0x22
#define DW_OP_plus_uconst		0x23
#define DW_OP_shl			0x24
#define DW_OP_bra			0x28	/* a two-byte distance follows */
#define DW_OP_eq			0x29
#define DW_OP_ne			0x2e
#define DW_OP_skip			0x2f	/* a two-byte distance follows */
#define DW_OP_lit(number)		(0x30 + (number))
#define DW_OP_breg(number)		(0x70 + (number))	/* an offset follows */
#define DW_OP_bregx			0x92	/* a number and an offset follow */
#define SLEB(offset)			((offset) & 0x7f)
#define SLEB2(offset)			((offset) & 0x7f) | 0x80, ((offset) >> 7) & 0x7f

/* For the instructions that run in the parent and in the child, told apart by
 * the register RESULT, which is 0 in the child. Without a branch, which
 * valgrind's reader doesn't have.
 *
 * The return address, which the register ADDRESS has in the parent, is 0 in the
 * child: ADDRESS & -(RESULT != 0). */
#define RETURNS_BY(RESULT, ADDRESS)				\
	.cfi_escape DW_CFA_val_expression, ADDRESS, 9,		\
		DW_OP_lit(0), DW_OP_breg(RESULT), 0,		\
		DW_OP_lit(0), DW_OP_ne, DW_OP_minus,		\
		DW_OP_breg(ADDRESS), 0, DW_OP_and

/* The frame of SIZE bytes is the parent's: in the child the CFA is the stack
 * pointer STACK. STACK + (SIZE & -(RESULT != 0)). */
#define FRAME_BY(RESULT, STACK, SIZE)				\
	.cfi_escape DW_CFA_def_cfa_expression, 12,		\
		DW_OP_breg(STACK), 0, DW_OP_const1u, SIZE,	\
		DW_OP_lit(0), DW_OP_breg(RESULT), 0,		\
		DW_OP_lit(0), DW_OP_ne, DW_OP_minus,		\
		DW_OP_and, DW_OP_plus
