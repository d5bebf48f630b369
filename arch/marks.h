/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Copyright (c) 2026 The nbclone developers */
/* The notes of every object file: no executable stack, and what the code keeps to.
 * The linker gives a program the marks that each of its objects has. marks.rs has
 * the same for what Rust makes.
 */
	.section .note.GNU-stack, "", %progbits

/* i386: assemblers know endbr32 from the processors that ignore it. */
#if defined(__i686__) || defined(__SSE__)
# define HAS_ENDBR
#endif

#if defined(HAS_ENDBR) || defined(__aarch64__)
	.section .note.gnu.property, "a", %note
# if __SIZEOF_POINTER__ == 4
	.p2align 2
# else
	.p2align 3
# endif
	.long	4, 2f - 1f, 5		/* name, description, GNU_PROPERTY_TYPE_0 */
	.asciz	"GNU"
# ifdef __x86_64__
1:	.long	0xc0000002, 4, 3	/* X86_FEATURE_1_AND: IBT, SHSTK */
# elif defined(__i386__)
1:	.long	0xc0000002, 4, 1	/* X86_FEATURE_1_AND: IBT */
# else
1:	.long	0xc0000000, 4, 5	/* AARCH64_FEATURE_1_AND: BTI, GCS */
# endif
# if __SIZEOF_POINTER__ == 8
	.long	0
# endif
2:
#endif
