/* For every architecture: addresses of libc's own functions, or 0 where libc
 * has none. The references are weak: they drag nothing out of an archive.
 *
 * build.rs makes those that only a static libc has 0 in the shared library.
 */
#if __SIZEOF_POINTER__ == 8
# define ADDRESS	.quad
#else
# define ADDRESS	.long
#endif

#define WEAK(place, function)		\
	.weak	function;		\
	.globl	place;			\
	.hidden	place;			\
	.type	place, %object;		\
	.balign	__SIZEOF_POINTER__;	\
place:	ADDRESS	function;		\
	.size	place, __SIZEOF_POINTER__

	.section .data.rel.ro, "aw"

	/* glibc, by what is in every dynamic program, or in every static one. */
	WEAK(nbclone_gnu_get_libc_version, gnu_get_libc_version)
	WEAK(nbclone_libc_setup_tls, __libc_setup_tls)
	/* The list of what is loaded: src/clone/internal.rs. */
	WEAK(nbclone_dl_iterate_phdr, dl_iterate_phdr)
	/* Static programs: libc's functions that call __clone. glibc has two
	 * layouts of one (2.34 and 2.38); the other two are musl's. */
	WEAK(nbclone_clone_internal, __clone_internal)
	WEAK(nbclone_clone_internal_fallback, __clone_internal_fallback)
	WEAK(nbclone_pthread_create, __pthread_create)
	WEAK(nbclone_posix_spawn, posix_spawn)
	/* Static musl: what the kernel clears at a thread's end. */
	WEAK(nbclone_thread_list_lock, __thread_list_lock)

#include "marks.h"
