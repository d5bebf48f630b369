// SPDX-License-Identifier: MIT OR Apache-2.0
// Copyright (c) 2026 The nbclone developers
//! NetBSD's clone where the call isn't the usual one: every check, every policy.
#![allow(unsafe_code)]

mod internal;
mod launch;

use self::internal::Convention;
use self::launch::Launch;
use crate::host::entry::{self, Func};
use crate::host::errno;
use crate::policy::{Policy, translate};
use crate::settings;
use crate::trace::{self, Call, Outcome, Reason};
use core::ffi::c_void;
use libc::{c_int, pid_t};

/// clone(2) for what doesn't pass the gate. `frame`: where the arguments behind
/// the fourth are; `caller`: the return address of `clone`.
///
/// # Safety
///
/// Only `nbclone_arch_clone` may call it, with what `clone` got.
#[unsafe(no_mangle)]
unsafe extern "C" fn nbclone_slow_clone(
    func: Option<Func>,
    stack: *mut c_void,
    flags: c_int,
    arg: *mut c_void,
    frame: *const c_void,
    caller: usize,
) -> pid_t {
    let word = flags as u32;
    let mut launch = Launch::new();
    let outcome = match prepare(&mut launch, func, stack, word, caller) {
        Ok(policy) => {
            if policy.takes_host_arguments() {
                // SAFETY: the frame is nbclone_arch_clone's.
                unsafe { entry::copy_host_arguments(frame, &mut launch.host) };
            }
            launch.prepare_child(policy);
            // SAFETY: the caller of clone vouches for func, stack and arg; the other
            // arguments are as the flags say.
            Outcome::of(unsafe { launch.run(stack, arg) })
        }
        Err(reason) => Outcome::Refused(reason),
    };
    // libc's own call is no line of the trace.
    if settings::is_traced() && !launch.is_exempt {
        write_line(func, stack, word, arg, caller, outcome);
    }
    let error = match outcome {
        Outcome::Made(pid) => return pid,
        Outcome::Failed(error) => error,
        Outcome::Refused(_) => libc::EINVAL,
    };
    failed(error, word, caller)
}

/// Where the usual call goes if the kernel refuses it. `caller`: the return
/// address of `clone`.
#[unsafe(no_mangle)]
extern "C" fn nbclone_failed(raw: isize, caller: usize) -> pid_t {
    failed(raw.wrapping_neg() as c_int, internal::SPAWN, caller)
}

/// A failure as `caller` wants it.
#[cold]
#[inline(never)]
fn failed(error: c_int, word: u32, caller: usize) -> pid_t {
    match internal::convention(word, caller) {
        Convention::Errno => errno::fail(error),
        Convention::Negative => error.wrapping_neg(),
    }
}

/// Fills in what the child is started with and returns the policy that applies, or why the
/// call is refused. Not inlined: its frame must be gone when the child starts on what may be
/// a small stack, and when `Launch::prepare_child` runs: a caller's stack may be small too.
#[inline(never)]
fn prepare(
    launch: &mut Launch,
    func: Option<Func>,
    stack: *mut c_void,
    word: u32,
    caller: usize,
) -> Result<Policy, Reason> {
    launch.is_exempt = internal::is_exempt(word, caller);
    // libc's own call goes to the host as it is.
    let policy = if launch.is_exempt { Policy::Host } else { settings::policy() };
    launch.func = func.ok_or(Reason::FUNC)?;
    if stack.is_null() {
        return Err(Reason::STACK);
    }
    launch.flags = translate(policy, word).map_err(Reason::of)?;
    Ok(policy)
}

/// The line of `NBCLONE_TRACE`.
#[cold]
#[inline(never)]
fn write_line(
    func: Option<Func>,
    stack: *mut c_void,
    flags: u32,
    arg: *mut c_void,
    caller: usize,
    outcome: Outcome,
) {
    let func = func.map_or(0, |func| func as usize);
    let call = Call::Clone { func, stack: stack.addr(), flags, arg: arg.addr() };
    trace::write(&call, outcome, caller);
}
