//! The exported functions: `clone`, `__clone`, `nbclone_clone`, `linux1_clone`.
//!
//! Their C declarations, with the meaning of each argument, the errors and
//! the sources, are in include/nbclone.h and include/linux1/linux/sched.h.
//! They are exported without a version: a preloaded symbol that has one is
//! passed over for references that name another.
#![allow(unsafe_code)]

use crate::clone::internal;
use crate::host::entry::{self, Func};
use crate::host::errno;
use crate::settings;
use core::ffi::c_void;
use libc::{c_int, pid_t};

/// A function that is NetBSD's clone(2), by this name.
macro_rules! netbsd_clone {
    ($(#[$comment:meta])* $name:ident) => {
        $(#[$comment])*
        #[unsafe(no_mangle)]
        pub unsafe extern "C" fn $name(
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
                match func {
                    Some(child) if is_plain(stack, flags) => {
                        errno::result(entry::clone(child, stack, flags as u32, arg, 0, 0, 0))
                    }
                    _ => entry::checked_clone(func, stack, flags, arg, parent_tid, tls, child_tid),
                }
            }
        }
    };
}

netbsd_clone! {
    /// NetBSD's clone(2).
    ///
    /// # Safety
    ///
    /// As in C: `func` must be callable with `arg` on `stack`, the end of memory
    /// that is the child's alone.
    clone
}

netbsd_clone! {
    /// `clone` under the name that include/nbclone.h gives the linker for it: no libc
    /// has this one, so that a link without this library fails.
    ///
    /// # Safety
    ///
    /// As [`clone`].
    nbclone_clone
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
        match func {
            Some(child) if is_plain(stack, flags) && !internal::may_spawn(flags as u32) => {
                errno::result(entry::clone(child, stack, flags as u32, arg, 0, 0, 0))
            }
            _ => internal::clone(func, stack, flags, arg, parent_tid, tls, child_tid),
        }
    }
}

/// Whether the call needs no more than to be handed to the kernel.
#[inline(always)]
fn is_plain(stack: *mut c_void, flags: c_int) -> bool {
    settings::passes(flags as u32) && stack.addr() >= entry::LOWEST_STACK
}

/// Linux 1.x's clone(2): returns twice, in the child on `sp`.
///
/// # Safety
///
/// As in C: include/linux1/linux/sched.h says what a caller has to see to.
#[cfg(not(all(target_arch = "powerpc64", target_abi = "elfv1")))]
#[unsafe(naked)]
#[unsafe(no_mangle)]
pub unsafe extern "C" fn linux1_clone(sp: *mut c_void, flags: libc::c_ulong) -> pid_t {
    // The entry itself needs the caller's registers and return address.
    core::arch::naked_asm!(
        ".cfi_startproc",
        crate::jump::jump!(),
        ".cfi_endproc",
        sym entry::linux1_clone
    )
}

/// The same on ELFv1, where a function's symbol is that of a descriptor, and
/// naked functions have none. This one has no frame, since nothing in it needs
/// one: no call and, by `nostack`, no alignment of the stack for the jump.
///
/// # Safety
///
/// As above.
#[cfg(all(target_arch = "powerpc64", target_abi = "elfv1"))]
#[unsafe(no_mangle)]
pub unsafe extern "C" fn linux1_clone(sp: *mut c_void, flags: libc::c_ulong) -> pid_t {
    // SAFETY: r1 and lr are the caller's, so that the entry returns there; all
    // else is the entry's business.
    unsafe {
        core::arch::asm!(
            "b {}",
            sym entry::linux1_clone,
            in("r3") sp,
            in("r4") flags,
            options(noreturn, nostack)
        )
    }
}
