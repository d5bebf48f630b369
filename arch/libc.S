/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Copyright (c) 2026 The nbclone developers */
/* For every architecture: addresses of libc's own functions and variables, or 0
 * where libc has none. The references are weak: they drag nothing out of an archive.
 *
 * build.rs makes posix_spawn 0 in the shared library.
 */
#if __SIZEOF_POINTER__ == 8
# define ADDRESS	.quad
#else
# define ADDRESS	.long
#endif

#define WEAK(symbol)		\
	.weak	symbol;		\
	ADDRESS	symbol

/* Only a static libc's own object can define it: hidden, it is 0 in the shared
 * library and in a dynamic program, and the loader has nothing to look up. */
#define STATIC(symbol)		\
	.hidden	symbol;		\
	WEAK(symbol)

	.section .data.rel.ro, "aw"
	.globl	nbclone_libc
	.hidden	nbclone_libc
	.type	nbclone_libc, %object
	.balign	__SIZEOF_POINTER__

	/* struct Symbols, src/host/libc_symbols.rs, says what each is for. */
nbclone_libc:
	STATIC(__libc_setup_tls)
	WEAK(__libc_stack_end)
	STATIC(__clone_internal)
	STATIC(__clone_internal_fallback)
	STATIC(__pthread_create_2_1)
	STATIC(__spawni)
	STATIC(__pthread_create)
	WEAK(posix_spawn)
	STATIC(__thread_list_lock)
	.size	nbclone_libc, . - nbclone_libc

#include "marks.h"
