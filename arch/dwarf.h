/* Names for what .cfi_escape takes: DWARF 5, sections 2.5.1 (operations),
 * 6.4.2 (call-frame instructions) and 7.7.1 (encodings).
 *
 * An expression's length stands before it. An offset is a signed LEB128; the
 * assembly needs those of one byte alone: -64 to 63.
 */

#define DW_CFA_def_cfa_expression	0x0f
#define DW_CFA_val_expression		0x16

#define DW_OP_deref			0x06
#define DW_OP_const1u			0x08
#define DW_OP_dup			0x12
#define DW_OP_drop			0x13
#define DW_OP_and			0x1a
#define DW_OP_minus			0x1c
#define DW_OP_mul			0x1e
#define DW_OP_plus			0x22
#define DW_OP_plus_uconst		0x23
#define DW_OP_shl			0x24
#define DW_OP_bra			0x28	/* a two-byte distance follows */
#define DW_OP_ne			0x2e
#define DW_OP_skip			0x2f	/* a two-byte distance follows */
#define DW_OP_lit(number)		(0x30 + (number))
#define DW_OP_breg(number)		(0x70 + (number))	/* an offset follows */
#define SLEB(offset)			((offset) & 0x7f)
