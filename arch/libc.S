/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Copyright (c) 2026 The nbclone developers */
/* For every architecture: addresses of libc's own functions and variables, or 0
 * where libc has none. The references are weak: they drag nothing out of an archive.
 *
 * build.rs makes those that only a static libc has 0 in the shared library.
 */
#if __SIZEOF_POINTER__ == 8
# define ADDRESS	.quad
#else
# define ADDRESS	.long
#endif

#define WEAK(symbol)		\
	.weak	symbol;		\
	ADDRESS	symbol

	.section .data.rel.ro, "aw"
	.globl	nbclone_libc
	.hidden	nbclone_libc
	.type	nbclone_libc, %object
	.balign	__SIZEOF_POINTER__

	/* struct Symbols, src/host/libc_symbols.rs, says what each is for. */
nbclone_libc:
	WEAK(gnu_get_libc_version)
	WEAK(__libc_setup_tls)
	WEAK(__libc_stack_end)
	WEAK(dl_iterate_phdr)
	WEAK(__clone_internal)
	WEAK(__clone_internal_fallback)
	WEAK(__pthread_create_2_1)
	WEAK(__spawni)
	WEAK(__pthread_create)
	WEAK(posix_spawn)
	WEAK(__thread_list_lock)
	.size	nbclone_libc, . - nbclone_libc

#include "marks.h"
