// SPDX-License-Identifier: MIT OR Apache-2.0
// Copyright (c) 2026 The nbclone developers
//! NetBSD's clone(2) for Linux hosts, and Linux 1.x's.
//!
//! A C library: `clone`, `__clone` and `linux1_clone`, declared in
//! `include/nbclone.h` and `include/linux1/`. It is built as a cdylib and a
//! staticlib; there is nothing here for Rust programs to call, which is why
//! there is no rlib.
//!
//! Where things are:
//!
//! | module | purpose |
//! |---|---|
//! | [`abi`] | the exported functions, nothing else |
//! | `clone` | NetBSD's clone where the call isn't the usual one |
//! | `linux1` | Linux 1.x's clone, and COPYFD |
//! | `trace` | `NBCLONE_TRACE`: a line for each call |
//! | `settings` | what the environment asks for |
//! | `host` | the host's side: system calls, what arch/ defines, libc's state |
//! | `ring` | the memory through which lines come to nbclone(1) |
//! | `policy`, `flags` | flag words: pure, without `unsafe` |
//! | `constants` | what the libc crate has wrong for an architecture |
//! | `target` | an architecture's peculiarities |
//!
//! A module uses those below it in this table, and none above.
#![no_std]
// The jump of `linux1_clone`: assembly isn't stable there yet.
#![cfg_attr(
    any(
        target_arch = "mips",
        target_arch = "mips64",
        target_arch = "m68k",
        target_arch = "sparc64"
    ),
    feature(asm_experimental_arch)
)]

pub mod abi;
mod clone;
mod constants;
mod flags;
mod host;
#[path = "../arch/jump.rs"]
mod jump;
mod linux1;
#[path = "../arch/marks.rs"]
mod marks;
mod policy;
mod ring;
mod settings;
#[path = "../arch/target.rs"]
mod target;
mod trace;

/// The shim has no panic path, which a test proves from the built library;
/// the language wants a handler all the same.
#[panic_handler]
fn panic(_: &core::panic::PanicInfo<'_>) -> ! {
    loop {}
}
