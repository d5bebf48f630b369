//! The exported functions: `clone`, `__clone`, `linux1_clone`.
//!
//! Their C declarations, with the meaning of each argument, the errors and
//! the sources, are in include/nbclone.h and include/linux1/linux/sched.h.
//! They are exported without a version: a preloaded symbol that has one is
//! passed over for references that name another.
#![allow(unsafe_code)]

use crate::arch::{self, Func};
use crate::{environment, errno, libc_calls};
use core::ffi::c_void;
use libc::{c_int, pid_t};

/// NetBSD's clone(2).
///
/// # Safety
///
/// As in C: `func` must be callable with `arg` on `stack`, the end of memory
/// that is the child's alone.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn clone(
    func: Option<Func>,
    stack: *mut c_void,
    flags: c_int,
    arg: *mut c_void,
    parent_tid: *mut c_void,
    tls: *mut c_void,
    child_tid: *mut c_void,
) -> pid_t {
    // SAFETY: passed on to the caller.
    unsafe {
        match plain(func, stack, flags) {
            Some(func) => errno::result(arch::clone(func, stack, flags as u32, arg, 0, 0, 0)),
            None => arch::checked_clone(func, stack, flags, arg, parent_tid, tls, child_tid),
        }
    }
}

/// The same by its other name, and libc's own way to the kernel.
///
/// # Safety
///
/// As [`clone`].
#[unsafe(no_mangle)]
pub unsafe extern "C" fn __clone(
    func: Option<Func>,
    stack: *mut c_void,
    flags: c_int,
    arg: *mut c_void,
    parent_tid: *mut c_void,
    tls: *mut c_void,
    child_tid: *mut c_void,
) -> pid_t {
    // SAFETY: passed on to the caller.
    unsafe {
        match plain(func, stack, flags) {
            Some(func) if !libc_calls::may_spawn(flags as u32) => {
                errno::result(arch::clone(func, stack, flags as u32, arg, 0, 0, 0))
            }
            _ => libc_calls::clone(func, stack, flags, arg, parent_tid, tls, child_tid),
        }
    }
}

/// Func, if the call needs no more than to be handed to the kernel.
#[inline(always)]
fn plain(func: Option<Func>, stack: *mut c_void, flags: c_int) -> Option<Func> {
    func.filter(|_| stack.addr() >= arch::LOWEST_STACK && environment::passes(flags as u32))
}

/// Linux 1.x's clone(2): returns twice, in the child on `sp`.
///
/// # Safety
///
/// As in C: include/linux1/linux/sched.h says what a caller has to see to.
#[cfg_attr(not(target_abi = "elfv1"), unsafe(naked))]
#[unsafe(no_mangle)]
pub unsafe extern "C" fn linux1_clone(sp: *mut c_void, flags: libc::c_ulong) -> pid_t {
    // The entry itself needs the caller's registers and return address.
    #[cfg(target_arch = "powerpc")]
    core::arch::naked_asm!(".cfi_startproc", "b {}", ".cfi_endproc", sym arch::linux1_clone);
    // The entry is reached behind where it sets its own TOC pointer, which is ours.
    #[cfg(target_abi = "elfv2")]
    core::arch::naked_asm!(
        ".cfi_startproc",
        "addis 2, 12, .TOC. - linux1_clone@ha",
        "addi 2, 2, .TOC. - linux1_clone@l",
        ".localentry linux1_clone, . - linux1_clone",
        "b {}",
        ".cfi_endproc",
        sym arch::linux1_clone
    );
    // ELFv1 exports a descriptor, and a naked function has none. This one has
    // no frame, since nothing in it needs one: no call and, by `nostack`, no
    // alignment of the stack for the jump. Its arguments are where they were.
    // SAFETY: r1 and lr are the caller's, so that the entry returns there; all
    // else is the entry's business.
    #[cfg(target_abi = "elfv1")]
    unsafe {
        core::arch::asm!(
            "b {}",
            sym arch::linux1_clone,
            in("r3") sp,
            in("r4") flags,
            options(noreturn, nostack)
        )
    }
    #[cfg(target_arch = "s390x")]
    core::arch::naked_asm!(".cfi_startproc", "jg {}", ".cfi_endproc", sym arch::linux1_clone);
    #[cfg(target_arch = "x86_64")]
    core::arch::naked_asm!(
        ".cfi_startproc",
        "endbr64",
        "jmp {}",
        ".cfi_endproc",
        sym arch::linux1_clone
    )
}
