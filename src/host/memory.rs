// SPDX-License-Identifier: MIT OR Apache-2.0
// Copyright (c) 2026 The nbclone developers
//! Memory that several processes share, and a way to tell that it is closed.
//!
//! libc's functions are used, which know how each architecture wants these
//! calls made. They change errno: `errno::keep`.
#![allow(unsafe_code)]

use crate::constants;
use crate::host::{self, message::write_line};
use core::ffi::c_void;
use core::ptr::null_mut;

/// shmat(2): the System V segment `id`, or null.
pub fn segment(id: i32) -> *mut c_void {
    // SAFETY: the kernel chooses an address that is free.
    or_null(unsafe { libc::shmat(id, null_mut(), 0) })
}

/// mmap(2): the first `size` bytes of the file that `descriptor` is open on,
/// or null. It must have `seals`, which only memfd_create(2)'s files can have.
pub fn sealed_file(descriptor: i32, seals: i32, size: usize) -> *mut c_void {
    if host::fcntl(descriptor, libc::F_GET_SEALS, 0) != seals as isize {
        return null_mut();
    }
    let access = libc::PROT_READ | libc::PROT_WRITE;
    // SAFETY: the kernel chooses an address that is free.
    or_null(unsafe { libc::mmap(null_mut(), size, access, libc::MAP_SHARED, descriptor, 0) })
}

/// Connects to the abstract address `nbclone--` and the bytes of `door`
/// (unix(7)), sends the bytes of `key`, and closes: the listener learns which process
/// it was. Anybody can see the address; the key is secret.
pub fn knock(door: i32, key: i32) {
    #[repr(C)]
    struct Address {
        family: libc::sa_family_t,
        name: [u8; 10],
        door: i32,
    }
    let address = Address { family: libc::AF_UNIX as u16, name: *b"\0nbclone--", door };
    let kind = constants::SOCK_STREAM | libc::SOCK_CLOEXEC | constants::SOCK_NONBLOCK;
    // SAFETY: an address of that length; the descriptor is ours.
    unsafe {
        let socket = libc::socket(libc::AF_UNIX, kind, 0);
        libc::connect(socket, (&raw const address).cast(), size_of::<Address>() as u32);
        write_line(socket, &key.to_ne_bytes());
        host::close(socket);
    }
}

/// Both fail with -1.
fn or_null(place: *mut c_void) -> *mut c_void {
    if place.addr() == usize::MAX { null_mut() } else { place }
}
