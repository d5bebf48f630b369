// SPDX-License-Identifier: MIT OR Apache-2.0
// Copyright (c) 2026 The nbclone developers
//! The entries of arch/*.S. Their contract is arch/README.md.
#![allow(unsafe_code)]

use core::ffi::c_void;
use libc::c_int;

/// What the child of `clone` starts in.
pub type Func = unsafe extern "C" fn(arg: *mut c_void) -> c_int;

/// The lowest stack that the trampoline takes. A lower one could become 0 when it is
/// aligned down or the ABI's smallest frame is taken off, and the kernel reads 0 as
/// "the caller's own stack".
pub const LOWEST_STACK: usize = 4096;

/// The arguments that Linux's clone has and NetBSD's hasn't.
#[derive(Clone, Copy, Default)]
#[repr(C)]
pub struct HostArguments {
    /// What the kernel gets as `parent_tid`.
    pub parent_tid: usize,
    /// What the kernel gets as `tls`.
    pub tls: usize,
    /// What the kernel gets as `child_tid`.
    pub child_tid: usize,
}

/// The calling thread's thread pointer: the address of its thread control block,
/// or of that block's end, without the bias that some architectures add.
pub fn thread_pointer() -> usize {
    // SAFETY: reads a register, or what the thread pointer's ABI keeps there.
    unsafe { read_thread_pointer() }
}

/// glibc's vector of the calling thread's blocks of thread-local storage, from
/// its thread control block.
pub fn dtv() -> usize {
    // SAFETY: reads a word that the thread pointer's ABI reserves.
    unsafe { read_dtv() }
}

/// AArch64's matrix extension (SME): its ZA storage must be saved and off before clone,
/// and a caller may leave it on.
#[cfg(target_arch = "aarch64")]
mod sme {
    /// Linux, arch/arm64/include/uapi/asm/hwcap.h.
    const HWCAP2_SME: libc::c_ulong = 1 << 23;

    unsafe extern "C" {
        /// arch/aarch64.S saves ZA if this isn't 0.
        #[link_name = "nbclone_arch_has_sme"]
        static HAS_SME: core::sync::atomic::AtomicU8;
    }

    /// Asks the auxiliary vector.
    pub fn learn() {
        // SAFETY: takes a number, and looks at what the kernel gave the process.
        let has = unsafe { libc::getauxval(libc::AT_HWCAP2) } & HWCAP2_SME != 0;
        // SAFETY: a byte of arch/aarch64.S.
        unsafe { HAS_SME.store(has.into(), core::sync::atomic::Ordering::Relaxed) };
    }

    /// Whether there is a ZA.
    pub fn is_there() -> bool {
        // SAFETY: a byte of arch/aarch64.S.
        unsafe { HAS_SME.load(core::sync::atomic::Ordering::Relaxed) != 0 }
    }
}

/// Learns what arch/ has to know of the machine, at load.
pub fn learn_machine() {
    #[cfg(target_arch = "aarch64")]
    sme::learn();
}

/// Whether the machine has state that must be saved before each call.
pub fn has_state_to_save() -> bool {
    #[cfg(target_arch = "aarch64")]
    return sme::is_there();
    #[cfg(not(target_arch = "aarch64"))]
    false
}

/// Declares functions of arch/ that may also be called through a pointer. On x86-64 and
/// AArch64, where that wants a landing pad, each is a naked function: the landing pad
/// and a jump. (It also saves a table of addresses: x86-64's rustc calls foreign
/// functions through one.)
#[cfg(all(any(target_arch = "x86_64", target_arch = "aarch64"), nbclone_naked))]
macro_rules! functions {
    ($($(#[$doc:meta])* $visibility:vis fn $name:ident($($parameter:ident: $type:ty),*)
       $(-> $result:ty)? = $symbol:literal;)*) => {
        $($(#[$doc])*
        #[unsafe(naked)]
        $visibility unsafe extern "C" fn $name($($parameter: $type),*) $(-> $result)? {
            core::arch::naked_asm!(
                ".cfi_startproc",
                #[cfg(target_arch = "x86_64")]
                concat!("endbr64; jmp ", $symbol),
                #[cfg(target_arch = "aarch64")]
                concat!("hint #34; b ", $symbol),
                ".cfi_endproc",
            )
        })*
    };
}

/// The same before Rust 1.88, which has no naked functions: assembly beside Rust.
#[cfg(all(any(target_arch = "x86_64", target_arch = "aarch64"), not(nbclone_naked)))]
macro_rules! functions {
    ($($(#[$doc:meta])* $visibility:vis fn $name:ident($($parameter:ident: $type:ty),*)
       $(-> $result:ty)? = $symbol:literal;)*) => {
        $(#[cfg(target_arch = "x86_64")]
        pad!($symbol, "endbr64; jmp ");
        #[cfg(target_arch = "aarch64")]
        pad!($symbol, "hint #34; b ");)*
        unsafe extern "C" {
            $($(#[$doc])* #[link_name = concat!($symbol, "_pad")]
            $visibility fn $name($($parameter: $type),*) $(-> $result)?;)*
        }
    };
}

/// The landing pad of one function, in a section that goes where nothing wants it.
#[cfg(all(any(target_arch = "x86_64", target_arch = "aarch64"), not(nbclone_naked)))]
macro_rules! pad {
    ($symbol:literal, $jump:literal) => {
        core::arch::global_asm!(
            concat!(".pushsection .text.", $symbol, "_pad, \"ax\", %progbits"),
            concat!(".globl ", $symbol, "_pad"),
            concat!(".hidden ", $symbol, "_pad"),
            concat!(".type ", $symbol, "_pad, %function"),
            concat!($symbol, "_pad:"),
            ".cfi_startproc",
            concat!($jump, $symbol),
            ".cfi_endproc",
            concat!(".size ", $symbol, "_pad, . - ", $symbol, "_pad"),
            ".popsection",
        );
    };
}

/// The same where no landing pad is wanted.
#[cfg(not(any(target_arch = "x86_64", target_arch = "aarch64")))]
macro_rules! functions {
    ($($(#[$doc:meta])* $visibility:vis fn $name:ident($($parameter:ident: $type:ty),*)
       $(-> $result:ty)? = $symbol:literal;)*) => {
        unsafe extern "C" {
            $($(#[$doc])* #[link_name = $symbol]
            $visibility fn $name($($parameter: $type),*) $(-> $result)?;)*
        }
    };
}

functions! {
    /// Copies clone's arguments behind the fourth to `arguments`. This may read the
    /// caller's stack, so the caller must have passed all seven. `frame`: what
    /// `nbclone_slow_clone` got; this is a call below it.
    pub fn copy_host_arguments(frame: *const c_void, arguments: &mut HostArguments)
        = "nbclone_arch_host_arguments";
    fn read_thread_pointer() -> usize = "nbclone_arch_thread_pointer";
    fn read_dtv() -> usize = "nbclone_arch_dtv";

    /// The trampoline: the child's id, or -errno. Writes nothing to `stack`
    /// before the kernel has made the child. `stack`: `LOWEST_STACK` or more.
    pub fn launch(
        func: Func,
        stack: *mut c_void,
        flags: u32,
        arg: *mut c_void,
        parent_tid: usize,
        tls: usize,
        child_tid: usize
    ) -> isize = "nbclone_arch_launch";

    /// A func for the trampoline that calls `nbclone_child_start` with the
    /// trampoline's last three arguments behind `arg`.
    pub fn child_start(arg: *mut c_void) -> c_int = "nbclone_arch_child_start";

    /// `clone::internal`'s callback for dl_iterate_phdr(3).
    pub fn visit(
        module: *mut libc::dl_phdr_info,
        size: libc::size_t,
        search: *mut c_void
    ) -> c_int = "nbclone_visit";

    /// A system call with up to five arguments: the kernel's result, -errno
    /// included. errno itself is left alone, which is what a child that shares
    /// its parent's thread pointer needs.
    pub fn syscall(
        number: usize,
        a: usize,
        b: usize,
        c: usize,
        d: usize,
        e: usize
    ) -> isize = "nbclone_arch_syscall";
}

unsafe extern "C" {
    /// NetBSD's clone, for abi.rs to jump to.
    #[link_name = "nbclone_arch_clone"]
    pub fn clone();

    /// Linux 1.x's clone, for abi.rs to jump to.
    #[link_name = "nbclone_arch_linux1_clone"]
    pub fn linux1_clone();
}
