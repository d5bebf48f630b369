//! One NetBSD call that isn't plain: every check, every policy.
#![allow(unsafe_code)]

pub mod internal;
mod launch;

use self::launch::Launch;
use crate::flags::*;
use crate::host::entry::{self, Func};
use crate::policy::{Policy, translate};
use crate::settings;
use crate::trace::{self, Call, Reason};
use core::ffi::c_void;
use libc::{c_int, pid_t};

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
    caller: usize,
) -> pid_t {
    let word = flags as u32;
    let outcome = checked(func, stack, word).map(|(policy, func, flags)| {
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
    });
    let call = Call::Clone {
        func: func.map_or(0, |func| func as usize),
        stack: stack.addr(),
        flags: word,
        arg: arg.addr(),
    };
    trace::call(&call, outcome, caller);
    let raw = outcome.unwrap_or(-(libc::EINVAL as isize));
    internal::spawn_outcome(func, word, raw)
}

/// Policy, func and the host's flag word, or why there are none.
fn checked(
    func: Option<Func>,
    stack: *mut c_void,
    word: u32,
) -> Result<(Policy, Func, u32), Reason> {
    let policy = settings::policy();
    let func = func.ok_or(Reason::Func)?;
    if stack.is_null() {
        return Err(Reason::Stack);
    }
    let flags = translate(policy, word).map_err(|refusal| Reason::Flags(policy, refusal))?;
    Ok((policy, func, flags))
}

/// # Safety
///
/// As clone(2): func may run on `stack` with `arg`.
unsafe fn launch_child(launch: &Launch, stack: *mut c_void, arg: *mut c_void) -> isize {
    let &Launch { func, flags, parent_tid, tls, child_tid } = launch;
    // Neither address is mapped: the child gets the SIGSEGV that it asked for.
    let stack = stack.map_addr(|address| address.max(entry::LOWEST_STACK));
    // SAFETY: passed on to the caller.
    unsafe { entry::clone(func, stack, flags, arg, parent_tid, tls, child_tid) }
}
