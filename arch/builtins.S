/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Copyright (c) 2026 The nbclone developers */
/* For every architecture: the one symbol that compiler_builtins lacks.
 *
 * Cargo's libnbclone.a contains that crate, and a program's own 128-bit division
 * may take its routine from there. Those objects refer to Rust's personality
 * routine, which std has. The unwinder takes 0 for "no personality", which is
 * right for them: their frames catch nothing and clean nothing up. Weak, for
 * programs that have Rust's std too.
 */
	.weak	rust_eh_personality
	.hidden	rust_eh_personality
	.set	rust_eh_personality, 0

#include "marks.h"
