// SPDX-License-Identifier: MIT OR Apache-2.0
// Copyright (c) 2026 The nbclone developers
//! libc's own functions and variables, which arch/libc.S refers to weakly.
#![allow(unsafe_code)]

use crate::target::HAS_FUNCTION_DESCRIPTORS;

/// Addresses, each 0 or `None` where this libc has no such thing.
#[repr(C)]
pub struct Symbols {
    /// In every static program on glibc.
    libc_setup_tls: usize,
    /// In every dynamic program on glibc: a variable that holds where the initial stack
    /// begins, with argc.
    pub libc_stack_end: Option<&'static *const usize>,
    /// Static glibc 2.34 on: clone3, or `__clone` where there is none.
    pub clone_internal: usize,
    /// Static glibc 2.38 on: its part with `__clone`.
    pub clone_internal_fallback: usize,
    /// Static glibc: pthread_create(3).
    pub pthread_create_2_1: usize,
    /// Static glibc: posix_spawn(3), pidfd_spawn(3).
    pub spawni: usize,
    /// Static musl.
    pub pthread_create: usize,
    /// A static program's, musl's or its own.
    pub posix_spawn: usize,
    /// Static musl: what the kernel clears at a thread's end.
    pub thread_list_lock: usize,
}

impl Symbols {
    /// Whether libc is glibc.
    pub fn is_glibc(&self) -> bool {
        self.libc_stack_end.is_some() || self.libc_setup_tls != 0
    }
}

/// Where the code of `function` is, one of `Symbols`.
pub fn code(function: usize) -> usize {
    if HAS_FUNCTION_DESCRIPTORS && function != 0 {
        // SAFETY: a descriptor, which the linker has written.
        return unsafe { core::ptr::with_exposed_provenance::<usize>(function).read() };
    }
    function
}

unsafe extern "C" {
    static nbclone_libc: Symbols;
}

/// The symbols of the libc that this process has.
pub fn symbols() -> &'static Symbols {
    // SAFETY: words that the linker or the loader has written, and nobody changes.
    unsafe { &nbclone_libc }
}
