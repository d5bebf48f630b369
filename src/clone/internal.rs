//! The calls that libc itself makes through `__clone`: in static programs,
//! and from glibc's libpthread up to 2.33. They are no use of NetBSD's clone,
//! so no policy applies to them.
#![allow(unsafe_code)]

use crate::flags::*;
use crate::host::entry::{self, Func};
use crate::host::errno;
use core::ffi::c_void;
use libc::{c_int, pid_t};

/// The flag word of glibc's pthread_create (its createthread.c).
const GLIBC_THREAD: u32 = 0x003d_0f00;
/// The flag word of musl's pthread_create.
const MUSL_THREAD: u32 = 0x007d_0f00;
/// The flag word of musl's posix_spawn.
const MUSL_SPAWN: u32 = CLONE_VM | CLONE_VFORK | libc::SIGCHLD as u32;

/// How far from posix_spawn its child's function may be: they are of one
/// object file, which has about 1 KiB of text.
const SPAWN_REACH: usize = 4096;

unsafe extern "C" {
    /// Where posix_spawn is in a static program, or 0 (arch/libc.S).
    static nbclone_posix_spawn: usize;
}

/// `__clone` where the call isn't plain.
///
/// # Safety
///
/// As `clone`.
#[cold]
#[inline(never)]
pub unsafe extern "C" fn clone(
    func: Option<Func>,
    stack: *mut c_void,
    flags: c_int,
    arg: *mut c_void,
    parent_tid: *mut c_void,
    tls: *mut c_void,
    child_tid: *mut c_void,
) -> pid_t {
    let word = flags as u32;
    // SAFETY: passed on to the caller.
    unsafe {
        match func {
            Some(func) if word == GLIBC_THREAD || word == MUSL_THREAD => {
                let (tid, tls, cleared) = (parent_tid.addr(), tls.addr(), child_tid.addr());
                let raw = entry::clone(func, stack, word, arg, tid, tls, cleared);
                if word == MUSL_THREAD { raw as pid_t } else { errno::result(raw) }
            }
            _ => entry::checked_clone(func, stack, flags, arg, parent_tid, tls, child_tid),
        }
    }
}

/// Whether this word through `__clone` may be posix_spawn's.
#[inline(always)]
pub fn may_spawn(word: u32) -> bool {
    word == MUSL_SPAWN
}

/// The result of any other call: musl's posix_spawn too takes -errno, where
/// NetBSD's and glibc's callers take -1 and errno. Where glibc's own child
/// function happens to lie beside its posix_spawn it gets -errno and errno,
/// and looks at no more than the sign.
pub fn spawn_outcome(func: Option<Func>, word: u32, raw: isize) -> pid_t {
    let result = errno::result(raw);
    if result < 0 && may_spawn(word) && is_near_posix_spawn(func) { raw as pid_t } else { result }
}

/// Only in a static program: elsewhere the shim's word for posix_spawn is 0.
fn is_near_posix_spawn(func: Option<Func>) -> bool {
    // SAFETY: a word that the linker or the loader has written.
    let posix_spawn = unsafe { nbclone_posix_spawn };
    let func = func.map_or(0, |func| func as usize);
    let distance = func.wrapping_sub(posix_spawn).wrapping_add(SPAWN_REACH);
    posix_spawn != 0 && distance < 2 * SPAWN_REACH
}
