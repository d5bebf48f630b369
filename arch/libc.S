/* For every architecture: where libc's posix_spawn is, or 0.
 *
 * musl's static posix_spawn calls __clone and takes -errno from it; the
 * function that it passes lies beside posix_spawn itself (src/clone/internal.rs).
 * The reference is weak: it drags nothing out of an archive. In the shared
 * library, which libc's own calls can't reach, build.rs makes it 0.
 */
	.weak	posix_spawn

	.section .data.rel.ro, "aw"
	.globl	nbclone_posix_spawn
	.hidden	nbclone_posix_spawn
	.type	nbclone_posix_spawn, %object
	.balign	__SIZEOF_POINTER__
nbclone_posix_spawn:
#if __SIZEOF_POINTER__ == 8
	.quad	posix_spawn
#else
	.long	posix_spawn
#endif
	.size	nbclone_posix_spawn, __SIZEOF_POINTER__

	.section .note.GNU-stack, "", %progbits
