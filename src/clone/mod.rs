//! NetBSD's clone where the call isn't the usual one: every check, every policy.
#![allow(unsafe_code)]

mod internal;
mod launch;

use self::internal::Convention;
use self::launch::Launch;
use crate::flags::*;
use crate::host::entry::{self, Func, HostArguments};
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
    let mut convention = internal::exempt(word, caller);
    let outcome = match check(func, stack, word, convention.is_some()) {
        Ok((policy, func, flags)) => {
            let mut launch = Launch { func, flags, host: HostArguments::default() };
            if policy.takes_host_arguments() {
                // SAFETY: the frame is nbclone_arch_clone's.
                launch.host = unsafe { entry::host_arguments(frame) };
            }
            if flags & CLONE_VM == 0 {
                launch.repair_identity();
            } else if policy.inherits_alternate_stack() && flags & CLONE_VFORK == 0 {
                launch.keep_alternate_stack();
            }
            // SAFETY: the caller of clone vouches for func, stack and arg; the
            // other arguments are as the flags say.
            Outcome::of(unsafe { launch.run(stack, arg) })
        }
        Err(reason) => Outcome::Refused(reason),
    };
    let call = Call::Clone {
        func: func.map_or(0, |func| func as usize),
        stack: stack.addr(),
        flags: word,
        arg: arg.addr(),
    };
    trace::call(&call, outcome, caller);
    let error = match outcome {
        Outcome::Made(pid) => return pid,
        Outcome::Failed(error) => error,
        Outcome::Refused(_) => libc::EINVAL,
    };
    fail(error, *convention.get_or_insert_with(|| internal::convention(caller)))
}

/// Where the usual call goes if the kernel refuses it. `caller`: the return
/// address of `clone`.
#[unsafe(no_mangle)]
extern "C" fn nbclone_failed(raw: isize, caller: usize) -> pid_t {
    fail(raw.wrapping_neg() as c_int, internal::convention(caller))
}

fn fail(error: c_int, convention: Convention) -> pid_t {
    match convention {
        Convention::Errno => errno::fail(error),
        Convention::Negative => error.wrapping_neg(),
    }
}

/// The policy, func and the host's flag word, or why the call is refused.
/// `exempt`: libc's own call, which goes to the host as it is.
fn check(
    func: Option<Func>,
    stack: *mut c_void,
    word: u32,
    exempt: bool,
) -> Result<(Policy, Func, u32), Reason> {
    let policy = if exempt { Policy::Host } else { settings::policy() };
    let func = func.ok_or(Reason::Func)?;
    if stack.is_null() {
        return Err(Reason::Stack);
    }
    let flags = translate(policy, word).map_err(|refusal| Reason::Flags(Some(policy), refusal))?;
    Ok((policy, func, flags))
}
