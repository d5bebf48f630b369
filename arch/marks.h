/* The notes of every object file: no executable stack, and what the code keeps to.
 * The linker gives a program the marks that each of its objects has. marks.rs has
 * the same for what Rust makes.
 */
	.section .note.GNU-stack, "", %progbits

#if defined(__x86_64__) || defined(__aarch64__)
	.section .note.gnu.property, "a", %note
# ifdef __ILP32__
	.p2align 2
# else
	.p2align 3
# endif
	.long	4, 2f - 1f, 5		/* name, description, GNU_PROPERTY_TYPE_0 */
	.asciz	"GNU"
# ifdef __x86_64__
1:	.long	0xc0000002, 4, 3	/* X86_FEATURE_1_AND: IBT, SHSTK */
# else
1:	.long	0xc0000000, 4, 1	/* AARCH64_FEATURE_1_AND: BTI */
# endif
# ifndef __ILP32__
	.long	0
# endif
2:
#endif
