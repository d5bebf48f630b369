// SPDX-License-Identifier: MIT OR Apache-2.0
// Copyright (c) 2026 The nbclone developers
//! Constants in which MIPS differs from other architectures: signals, and the
//! arguments of sigprocmask(2) and socket(2). For MIPS with 64-bit registers the libc
//! crate has the others' (up to 0.2.191, at least). Pure: the command includes this file
//! too.

#[cfg(not(target_arch = "mips64"))]
pub use libc::{SIG_BLOCK, SIG_SETMASK, SIGCHLD, SIGSYS, SIGXFSZ, SOCK_NONBLOCK, SOCK_STREAM};
#[cfg(target_arch = "mips64")]
pub use mips64::*;

/// Source: Linux, arch/mips/include/uapi/asm/signal.h and arch/mips/include/asm/socket.h.
#[cfg(target_arch = "mips64")]
mod mips64 {
    pub const SIG_BLOCK: i32 = 1;
    pub const SIG_SETMASK: i32 = 3;

    pub const SIGSYS: i32 = 12;
    pub const SIGCHLD: i32 = 18;
    pub const SIGXFSZ: i32 = 31;

    pub const SOCK_STREAM: i32 = 2;
    pub const SOCK_NONBLOCK: i32 = libc::O_NONBLOCK;
}
