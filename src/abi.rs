// SPDX-License-Identifier: MIT OR Apache-2.0
// Copyright (c) 2026 The nbclone developers
//! The exported functions: `clone`, `__clone`, `nbclone_clone`, `linux1_clone`.
//!
//! Their C declarations, with the meaning of each argument, the errors and
//! the sources, are in include/nbclone.h and include/linux1/linux/sched.h.
//! They are exported without a version: a preloaded symbol that has one is
//! passed over for references that name another.
//!
//! They are Rust's because rustc hides what assembly alone defines. Each is one
//! jump (arch/jump.rs), since its entry needs the caller's registers, stack and
//! return address as they are.
#![allow(unsafe_code)]

use crate::host::entry;
use crate::jump::jump;

/// Defines an exported function as a jump to its entry: a naked function.
#[cfg(nbclone_naked)]
macro_rules! export {
    ($(#[$doc:meta])* $name:ident, $symbol:literal, $entry:path) => {
        $(#[$doc])*
        #[unsafe(naked)]
        #[unsafe(no_mangle)]
        pub unsafe extern "C" fn $name() {
            core::arch::naked_asm!(".cfi_startproc", jump!($symbol), ".cfi_endproc", sym $entry)
        }
    };
}

/// The same where naked functions can't be had: before Rust 1.88, and on ELFv1.
/// Nothing in the function needs a frame: it has no argument, no call and, by
/// `nostack`, no alignment of the stack for the jump. build.rs refuses the one
/// option that would make a frame all the same; tests/objects.rs reads the bytes.
#[cfg(not(nbclone_naked))]
macro_rules! export {
    ($(#[$doc:meta])* $name:ident, $symbol:literal, $entry:path) => {
        $(#[$doc])*
        #[unsafe(no_mangle)]
        pub unsafe extern "C" fn $name() {
            // SAFETY: the stack and every register that C passes something in
            // are the caller's, so that the entry returns there.
            unsafe {
                core::arch::asm!(jump!($symbol), sym $entry, options(noreturn, nostack))
            }
        }
    };
}

export! {
    /// NetBSD's clone(2):
    /// `pid_t clone(int (*func)(void *), void *stack, int flags, void *arg, ...)`.
    ///
    /// # Safety
    ///
    /// As in C: `func` must be callable with `arg` on `stack`, the end of memory
    /// that is the child's alone.
    clone, "clone", entry::clone
}

export! {
    /// `clone` under the name that include/nbclone.h gives the linker for it: no
    /// libc has this one, so that a link without this library fails.
    ///
    /// # Safety
    ///
    /// As `clone`.
    nbclone_clone, "nbclone_clone", entry::clone
}

export! {
    /// `clone` under the name that libc calls internally (static programs, and
    /// glibc up to 2.33).
    ///
    /// # Safety
    ///
    /// As `clone`.
    __clone, "__clone", entry::clone
}

export! {
    /// Linux 1.x's clone(2), which returns twice, in the child on `sp`:
    /// `pid_t linux1_clone(void *sp, unsigned long flags)`.
    ///
    /// # Safety
    ///
    /// As in C: include/linux1/linux/sched.h says what a caller has to see to.
    linux1_clone, "linux1_clone", entry::linux1_clone
}
