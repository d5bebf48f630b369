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
    func.filter(|_| !stack.is_null() && environment::passes(flags as u32))
}

/// Linux 1.x's clone(2): returns twice, in the child on `sp`.
///
/// # Safety
///
/// As in C: include/linux1/linux/sched.h says what a caller has to see to.
#[unsafe(naked)]
#[unsafe(no_mangle)]
pub unsafe extern "C" fn linux1_clone(sp: *mut c_void, flags: libc::c_ulong) -> pid_t {
    // The entry itself needs the caller's registers and return address.
    #[cfg(target_arch = "x86_64")]
    core::arch::naked_asm!("endbr64", "jmp {}", sym arch::linux1_clone);
    #[cfg(target_arch = "riscv64")]
    core::arch::naked_asm!("tail {}", sym arch::linux1_clone);
    // Through t9, by the table of addresses: see arch/mips.S.
    #[cfg(target_arch = "mips")]
    core::arch::naked_asm!(
        ".set noreorder",
        "lui $24, %hi(_gp_disp)",
        "addiu $24, $24, %lo(_gp_disp)",
        "addu $24, $24, $25",
        "lw $25, %got({})($24)",
        "jr $25",
        "nop",
        sym arch::linux1_clone,
    );
    #[cfg(target_arch = "mips64")]
    core::arch::naked_asm!(
        ".set noreorder",
        "lui $24, %hi(%neg(%gp_rel(linux1_clone)))",
        "daddiu $24, $24, %lo(%neg(%gp_rel(linux1_clone)))",
        "daddu $24, $24, $25",
        "ld $25, %got_disp({})($24)",
        "jr $25",
        "nop",
        sym arch::linux1_clone,
    );
    #[cfg(target_arch = "loongarch64")]
    core::arch::naked_asm!("b {}", sym arch::linux1_clone);
    #[cfg(target_arch = "m68k")]
    core::arch::naked_asm!("bra {}", sym arch::linux1_clone);
}
