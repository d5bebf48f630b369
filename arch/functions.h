/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Copyright (c) 2026 The nbclone developers */
/* How a function begins and ends in the files under arch/, and what of Rust they
 * call. A file says before it includes this
 *
 *	PADDING		the directive that fills the space up to the next
 *			function. That belongs to the function before it, for the
 *			frame information's sake.
 *	BEGIN(name)	what else the ABI has at a function's begin,
 *	FINISH(name)	and at its end; none if not said.
 *	FUNCTION(name)	how one begins that other files know,
 *	END(name)	and ends, where its name isn't its first instruction's.
 */

#include "rust.h"

#ifndef BEGIN
# define BEGIN(name)
# define FINISH(name)
#endif

#define LOCAL_FUNCTION(name)	\
	.type	name, %function;\
	BEGIN(name);		\
	.cfi_startproc;		\
name:

#ifndef FUNCTION
# define FUNCTION(name)		\
	.globl	name;		\
	.hidden	name;		\
	LOCAL_FUNCTION(name)
#endif

#define LOCAL_END(name)		\
	FINISH(name);		\
	.size	name, . - name;	\
	PADDING;		\
	.cfi_endproc

#ifndef END
# define END(name)	LOCAL_END(name)
#endif

/* A function that the loader calls when the library is loaded. */
#if __SIZEOF_POINTER__ == 8
# define ADDRESS	.quad
#else
# define ADDRESS	.long
#endif
#define AT_LOAD(name)				\
	.section .init_array, "aw", %init_array;\
	.balign	__SIZEOF_POINTER__;		\
	ADDRESS	name;				\
	.text

	.hidden	nbclone_gate
	.hidden	nbclone_tid_from_tls
	.hidden	nbclone_at_load
	.hidden	nbclone_slow_clone
	.hidden	nbclone_failed
	.hidden	nbclone_visit
	.hidden	nbclone_child_start
	.hidden	nbclone_linux1_prepare
	.hidden	nbclone_linux1_child
	.hidden	nbclone_linux1_finish
