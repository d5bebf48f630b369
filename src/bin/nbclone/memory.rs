// SPDX-License-Identifier: MIT OR Apache-2.0
// Copyright (c) 2026 The nbclone developers
//! The memory that COMMAND's processes and this one share. It belongs to no
//! file system: it goes with its last process, whatever ends that.
#![allow(unsafe_code)]

use std::io;
use std::os::fd::{AsFd, AsRawFd, FromRawFd, OwnedFd};
use std::ptr::null_mut;
use std::sync::atomic::{AtomicU32, Ordering::Relaxed};

use crate::ring::{LAYOUT, Ring, SEALS};

/// A System V segment, by whose id a process attaches it after execve(2),
/// whatever it has closed: as long as it is the same user's, in the same IPC
/// namespace.
pub struct Segment {
    /// Its id, by which shmat(2) knows it.
    pub id: i32,
    /// What is in it.
    pub ring: &'static Ring,
}

impl Segment {
    /// A new one, for this user alone.
    pub fn new(key: u32) -> io::Result<Segment> {
        // SAFETY: numbers; the kernel chooses an address that is free.
        let (id, place) = unsafe {
            let id = libc::shmget(libc::IPC_PRIVATE, size_of::<Ring>(), libc::IPC_CREAT | 0o600);
            if id < 0 {
                return Err(io::Error::last_os_error());
            }
            let place = libc::shmat(id, null_mut(), 0);
            let error = io::Error::last_os_error();
            // Linux lets processes attach it still, until the last one has
            // detached it.
            libc::shmctl(id, libc::IPC_RMID, null_mut());
            if place.addr() == usize::MAX {
                return Err(error);
            }
            (id, place)
        };
        Ok(Segment { id, ring: prepared(place, key) })
    }

    /// How many other processes have it; those that share their memory count
    /// as one.
    pub fn others(&self) -> u64 {
        // SAFETY: a structure of numbers, which the kernel fills.
        let attached = unsafe {
            let mut status = std::mem::zeroed::<libc::shmid_ds>();
            if libc::shmctl(self.id, libc::IPC_STAT, &raw mut status) != 0 {
                return 0;
            }
            status.shm_nattch
        };
        (attached as u64).saturating_sub(1)
    }
}

/// A file without a name, for processes to which the segment is closed: the
/// descriptor stays open when they execute, if they leave it open.
pub struct Nameless {
    /// The file.
    pub file: OwnedFd,
    /// What is in it.
    pub ring: &'static Ring,
}

impl Nameless {
    /// A new one.
    pub fn new(key: u32) -> io::Result<Nameless> {
        let flags = libc::MFD_CLOEXEC | libc::MFD_ALLOW_SEALING;
        let size = size_of::<Ring>();
        // SAFETY: a string; a descriptor that is new, and nobody else's.
        let file = unsafe {
            let descriptor = libc::memfd_create(c"nbclone".as_ptr(), flags);
            if descriptor < 0 {
                return Err(io::Error::last_os_error());
            }
            OwnedFd::from_raw_fd(descriptor)
        };
        nix::unistd::ftruncate(file.as_fd(), size as libc::off_t)?;
        let access = libc::PROT_READ | libc::PROT_WRITE;
        // SAFETY: the kernel chooses an address that is free.
        let place = unsafe {
            if libc::fcntl(file.as_raw_fd(), libc::F_ADD_SEALS, SEALS) != 0 {
                return Err(io::Error::last_os_error());
            }
            libc::mmap(null_mut(), size, access, libc::MAP_SHARED, file.as_raw_fd(), 0)
        };
        if place == libc::MAP_FAILED {
            return Err(io::Error::last_os_error());
        }
        Ok(Nameless { file, ring: prepared(place, key) })
    }
}

/// Zeros, written once: all of it is there from now on, and no process of
/// COMMAND's meets a page for which there is no memory.
fn prepared(place: *mut libc::c_void, key: u32) -> &'static Ring {
    // SAFETY: fresh memory of that size, page-aligned, never unmapped; a
    // structure of atomic numbers.
    let ring: &Ring = unsafe {
        place.write_bytes(0, size_of::<Ring>());
        &*place.cast::<Ring>()
    };
    ring.key.store(key, Relaxed);
    ring.layout.store(LAYOUT, Relaxed);
    ring
}

/// A number that nobody can guess, without a sign.
pub fn random_key() -> io::Result<u32> {
    let mut bytes = [0u8; 4];
    // SAFETY: the kernel writes at most as many bytes as there are.
    let count = unsafe { libc::getrandom(bytes.as_mut_ptr().cast(), bytes.len(), 0) };
    if count != bytes.len() as isize {
        return Err(io::Error::last_os_error());
    }
    Ok(u32::from_ne_bytes(bytes) >> 1)
}

/// futex(2): waits until `word` isn't `value`, or somebody wakes us.
pub fn wait(word: &AtomicU32, value: u32) {
    let place = word.as_ptr();
    // SAFETY: the word outlives the call; no time limit.
    unsafe { libc::syscall(libc::SYS_futex, place, libc::FUTEX_WAIT, value, 0usize) };
}

/// futex(2): wakes all who wait for a change of `word`.
pub fn wake_all(word: &AtomicU32) {
    let place = word.as_ptr();
    // SAFETY: the word outlives the call.
    unsafe { libc::syscall(libc::SYS_futex, place, libc::FUTEX_WAKE, i32::MAX) };
}
