/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Copyright (c) 2026 The nbclone developers */
/* The numbers that these files share with Rust.
 *
 * A file whose struct Request isn't at its stack pointer defines REQUEST, the
 * distance, before it includes functions.h.
 */

/* Of flag words: src/flags.rs. */
#define CLONE_VM_BIT		8
#define CLONE_VM		0x100
#define CLONE_THREAD_BIT	16
#define CLONE_THREAD		0x10000
#define LINUX1_COPYVM		0x100
#define LINUX1_COPYFD		0x200
#define LINUX1_COPYVM_COPYFD	0x300

/* src/host/entry.rs. */
#define LOWEST_STACK		4096

#define WORD			__SIZEOF_POINTER__

/* struct Request, src/linux1/mod.rs, which asserts these offsets. */
#ifndef REQUEST
# define REQUEST		0
#endif
#define REQUEST_FLAGS		(REQUEST + 0 * WORD)
#define REQUEST_STACK		(REQUEST + 1 * WORD)
#define REQUEST_PARENT_TID	(REQUEST + 2 * WORD)
#define REQUEST_TLS		(REQUEST + 3 * WORD)
#define REQUEST_CHILD_TID	(REQUEST + 4 * WORD)
#define REQUEST_SIZE		(5 * WORD)
