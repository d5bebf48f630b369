// SPDX-License-Identifier: MIT OR Apache-2.0
// Copyright (c) 2026 The nbclone developers
//! The numbers of the system calls that the shim makes besides clone.

use libc::c_long;

#[cfg(not(all(target_arch = "mips64", target_pointer_width = "32")))]
pub use libc::{
    SYS_close, SYS_dup3, SYS_futex, SYS_getdents64, SYS_getpid, SYS_gettid, SYS_ioctl, SYS_lseek,
    SYS_openat, SYS_ppoll, SYS_prctl, SYS_prlimit64, SYS_read, SYS_readlinkat, SYS_rt_sigpending,
    SYS_rt_sigprocmask, SYS_rt_sigtimedwait, SYS_set_robust_list, SYS_set_tid_address,
    SYS_sigaltstack, SYS_statx, SYS_write,
};
#[cfg(all(target_arch = "mips64", target_pointer_width = "32"))]
pub use n32::*;

/// fcntl(2), with 64-bit offsets for record locks where there are two.
pub const FCNTL: c_long = large_offsets::FCNTL;

/// _llseek(2), where lseek(2) has offsets of 32 bits.
pub const LLSEEK: Option<c_long> = large_offsets::LLSEEK;

/// fstatat(2), with inodes of 64 bits. LoongArch began with statx alone.
pub const FSTATAT: Option<c_long> = fstatat::FSTATAT;

mod fstatat {
    #[cfg(target_arch = "loongarch64")]
    pub const FSTATAT: Option<libc::c_long> = None;
    #[cfg(all(target_arch = "mips64", target_pointer_width = "32"))]
    pub const FSTATAT: Option<libc::c_long> = Some(super::n32::SYS_newfstatat);
    #[cfg(any(
        all(
            target_pointer_width = "64",
            not(target_arch = "loongarch64"),
            not(target_arch = "sparc64")
        ),
        target_arch = "x86_64"
    ))]
    pub const FSTATAT: Option<libc::c_long> = Some(libc::SYS_newfstatat);
    #[cfg(any(
        all(target_pointer_width = "32", not(target_arch = "x86_64"), not(target_arch = "mips64")),
        target_arch = "sparc64"
    ))]
    pub const FSTATAT: Option<libc::c_long> = Some(libc::SYS_fstatat64);
}

/// Architectures of 32 bits have calls of their own for 64-bit offsets. The registers
/// of x32 and n32 have 64 bits, so neither has _llseek; n32 has fcntl64 all the same.
#[cfg(any(target_pointer_width = "64", target_arch = "x86_64", target_arch = "mips64"))]
mod large_offsets {
    #[cfg(not(all(target_arch = "mips64", target_pointer_width = "32")))]
    pub const FCNTL: libc::c_long = libc::SYS_fcntl;
    #[cfg(all(target_arch = "mips64", target_pointer_width = "32"))]
    pub const FCNTL: libc::c_long = super::n32::SYS_fcntl64;
    pub const LLSEEK: Option<libc::c_long> = None;
}
#[cfg(not(any(target_pointer_width = "64", target_arch = "x86_64", target_arch = "mips64")))]
mod large_offsets {
    pub const FCNTL: libc::c_long = libc::SYS_fcntl64;
    // The libc crate's name for it differs on m68k.
    #[cfg(target_arch = "m68k")]
    pub const LLSEEK: Option<libc::c_long> = Some(libc::SYS_llseek);
    #[cfg(not(target_arch = "m68k"))]
    pub const LLSEEK: Option<libc::c_long> = Some(libc::SYS__llseek);
}

/// The libc crate knows MIPS with 64-bit registers by n64's numbers alone;
/// n32 has a table of its own, which begins alike and drifts apart.
///
/// Source: Linux, arch/mips/kernel/syscalls/syscall_n32.tbl.
#[cfg(all(target_arch = "mips64", target_pointer_width = "32"))]
#[allow(non_upper_case_globals)]
mod n32 {
    const LINUX: libc::c_long = 6000;

    pub const SYS_read: libc::c_long = LINUX;
    pub const SYS_write: libc::c_long = LINUX + 1;
    pub const SYS_close: libc::c_long = LINUX + 3;
    pub const SYS_lseek: libc::c_long = LINUX + 8;
    pub const SYS_rt_sigprocmask: libc::c_long = LINUX + 14;
    pub const SYS_ioctl: libc::c_long = LINUX + 15;
    pub const SYS_getpid: libc::c_long = LINUX + 38;
    pub const SYS_rt_sigpending: libc::c_long = LINUX + 125;
    pub const SYS_rt_sigtimedwait: libc::c_long = LINUX + 126;
    pub const SYS_sigaltstack: libc::c_long = LINUX + 129;
    pub const SYS_prctl: libc::c_long = LINUX + 153;
    pub const SYS_gettid: libc::c_long = LINUX + 178;
    pub const SYS_futex: libc::c_long = LINUX + 194;
    pub const SYS_fcntl64: libc::c_long = LINUX + 212;
    pub const SYS_set_tid_address: libc::c_long = LINUX + 213;
    pub const SYS_openat: libc::c_long = LINUX + 251;
    pub const SYS_newfstatat: libc::c_long = LINUX + 256;
    pub const SYS_readlinkat: libc::c_long = LINUX + 261;
    pub const SYS_ppoll: libc::c_long = LINUX + 265;
    pub const SYS_set_robust_list: libc::c_long = LINUX + 272;
    pub const SYS_dup3: libc::c_long = LINUX + 290;
    pub const SYS_getdents64: libc::c_long = LINUX + 299;
    pub const SYS_prlimit64: libc::c_long = LINUX + 302;
    pub const SYS_statx: libc::c_long = LINUX + 330;
}
