//! One NetBSD call that isn't plain: every check, every policy.
#![allow(unsafe_code)]

use crate::arch::{self, Func};
use crate::child::Launch;
use crate::environment;
use crate::flags::*;
use crate::libc_calls;
use crate::translate::{Policy, translate};
use core::ffi::c_void;
use libc::{c_int, pid_t};

const EINVAL: isize = -(libc::EINVAL as isize);

/// `clone` with all its checks. `caller`: the return address of `clone`.
///
/// # Safety
///
/// Only `nbclone_arch_checked_clone` may call it, with what `clone` got.
#[unsafe(no_mangle)]
unsafe extern "C" fn nbclone_checked_clone(
    func: Option<Func>,
    stack: *mut c_void,
    flags: c_int,
    arg: *mut c_void,
    parent_tid: *mut c_void,
    tls: *mut c_void,
    child_tid: *mut c_void,
    _caller: usize,
) -> pid_t {
    let word = flags as u32;
    let policy = environment::policy();
    let raw = match (func, translate(policy, word)) {
        (Some(func), Ok(flags)) if !stack.is_null() => {
            let mut launch = Launch { func, flags, parent_tid: 0, tls: 0, child_tid: 0 };
            if policy == Policy::Host {
                launch.parent_tid = parent_tid.expose_provenance();
                launch.tls = tls.expose_provenance();
                launch.child_tid = child_tid.expose_provenance();
            }
            if flags & CLONE_VM == 0 {
                launch.give_identity();
            } else if policy == Policy::Netbsd && flags & CLONE_VFORK == 0 {
                launch.keep_alternate_stack();
            }
            // SAFETY: the caller of clone vouches for func, stack and arg; the
            // other arguments are as the flags say.
            unsafe { launch_child(&launch, stack, arg) }
        }
        _ => EINVAL,
    };
    libc_calls::spawn_outcome(func, word, raw)
}

/// # Safety
///
/// As clone(2): func may run on `stack` with `arg`.
unsafe fn launch_child(launch: &Launch, stack: *mut c_void, arg: *mut c_void) -> isize {
    let &Launch { func, flags, parent_tid, tls, child_tid } = launch;
    // Neither address is mapped: the child gets the SIGSEGV that it asked for.
    let stack = stack.map_addr(|address| address.max(arch::LOWEST_STACK));
    // SAFETY: passed on to the caller.
    unsafe { arch::clone(func, stack, flags, arg, parent_tid, tls, child_tid) }
}
