// SPDX-License-Identifier: MIT OR Apache-2.0
// Copyright (c) 2026 The nbclone developers
//! The one place that sets errno.
#![allow(unsafe_code)]

use libc::pid_t;

/// errno's place in the calling thread.
pub fn location() -> *mut i32 {
    // SAFETY: takes nothing, returns the address of the thread's errno.
    unsafe { libc::__errno_location() }
}

/// A failure as C wants it: sets errno, returns -1.
pub fn fail(error: i32) -> pid_t {
    // SAFETY: errno is the calling thread's own, and it is in the parent: a
    // child never comes here.
    unsafe { *location() = error };
    -1
}

/// Calls a function that may change errno, and restores errno behind it.
pub fn keep<T>(call: impl FnOnce() -> T) -> T {
    // SAFETY: errno is the calling thread's own.
    let before = unsafe { *location() };
    let result = call();
    // SAFETY: as before.
    unsafe { *location() = before };
    result
}
