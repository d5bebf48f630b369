//! Memory that several processes share.
#![allow(unsafe_code)]

use crate::host::{self, errno};
use core::ffi::c_void;
use core::ptr::null_mut;

/// shmat(2): the System V segment `id`, or null.
pub fn segment(id: i32) -> *mut c_void {
    // SAFETY: the kernel chooses an address that is free.
    keep_errno(|| unsafe { libc::shmat(id, null_mut(), 0) })
}

/// mmap(2): the first `size` bytes of the file that `descriptor` is open on,
/// or null. It must have `seals`, which only memfd_create(2)'s files can have.
pub fn sealed_file(descriptor: i32, seals: i32, size: usize) -> *mut c_void {
    if host::fcntl(descriptor, libc::F_GET_SEALS, 0) != seals as isize {
        return null_mut();
    }
    let access = libc::PROT_READ | libc::PROT_WRITE;
    // SAFETY: the kernel chooses an address that is free.
    keep_errno(|| unsafe { libc::mmap(null_mut(), size, access, libc::MAP_SHARED, descriptor, 0) })
}

/// libc's functions are used, which know how an architecture wants these calls
/// made; the program's errno stays as it is. Both fail with -1.
fn keep_errno(call: impl FnOnce() -> *mut c_void) -> *mut c_void {
    // SAFETY: errno is the calling thread's own.
    let before = unsafe { *errno::location() };
    let place = call();
    // SAFETY: as before.
    unsafe { *errno::location() = before };
    if place.addr() == usize::MAX { null_mut() } else { place }
}
