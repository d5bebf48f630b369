//! The one place that turns -errno into errno.
#![allow(unsafe_code)]

use libc::pid_t;

/// errno's place in the calling thread.
pub fn location() -> *mut i32 {
    // SAFETY: takes nothing, returns the address of the thread's errno.
    unsafe { libc::__errno_location() }
}

/// A raw result as C wants it: a pid, or -1 and errno.
#[inline]
pub fn result(raw: isize) -> pid_t {
    if raw < 0 { fail(raw) } else { raw as pid_t }
}

#[cold]
#[inline(never)]
fn fail(raw: isize) -> pid_t {
    // SAFETY: errno is the calling thread's own, and it is in the parent: a
    // child never comes here.
    unsafe { *location() = raw.wrapping_neg() as i32 };
    -1
}
