// SPDX-License-Identifier: MIT OR Apache-2.0
// Copyright (c) 2026 The nbclone developers
//! Hardening marks for the code that Rust makes, as arch/*.S has them for its own.
//!
//! Rust's functions begin with no landing pad and need none: each is reached by
//! direct calls, or through a pad of its own (src/host/entry.rs, src/abi.rs), and the
//! library keeps no table of jumps (tests/marks.rs reads the built code). Nor do they
//! touch a shadow stack.

#![allow(unsafe_code)]

// X86_FEATURE_1_AND: IBT and SHSTK.
#[cfg(all(target_arch = "x86_64", target_pointer_width = "64"))]
core::arch::global_asm!(
    ".pushsection .note.gnu.property, \"a\", @note",
    ".p2align 3",
    ".long 4, 16, 5",
    ".asciz \"GNU\"",
    ".long 0xc0000002, 4, 3, 0",
    ".popsection",
);

// X86_FEATURE_1_AND: IBT, where arch/i386.S has landing pads.
#[cfg(all(target_arch = "x86", target_feature = "sse"))]
core::arch::global_asm!(
    ".pushsection .note.gnu.property, \"a\", @note",
    ".p2align 2",
    ".long 4, 12, 5",
    ".asciz \"GNU\"",
    ".long 0xc0000002, 4, 1",
    ".popsection",
);

// AARCH64_FEATURE_1_AND: BTI and GCS.
#[cfg(target_arch = "aarch64")]
core::arch::global_asm!(
    ".pushsection .note.gnu.property, \"a\", %note",
    ".p2align 3",
    ".long 4, 16, 5",
    ".asciz \"GNU\"",
    ".long 0xc0000000, 4, 5, 0",
    ".popsection",
);
