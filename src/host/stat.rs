// SPDX-License-Identifier: MIT OR Apache-2.0
// Copyright (c) 2026 The nbclone developers
//! What is open: statx(2), or fstatat(2) where a kernel or a filter has no
//! statx.
#![allow(unsafe_code)]

use super::{call5, number};
use core::ffi::CStr;
use core::mem::MaybeUninit;

/// What a descriptor is open on, or a path leads to.
pub struct File {
    /// `S_IFREG` and so on, or 0 for what has no type.
    pub kind: u32,
    /// Of a device file: the device.
    pub device: Device,
    file_system: Device,
    inode: u64,
}

impl File {
    /// Two words made of the file's device, inode and type: equal for one file, and in
    /// practice for no other.
    pub fn identity(&self) -> (u32, u32) {
        let mixed = self.file_system.0 ^ self.device.0.rotate_left(16) ^ self.kind;
        (self.inode as u32, (self.inode >> 32) as u32 ^ mixed)
    }

    /// Whether both are one file.
    pub fn is(&self, other: &File) -> bool {
        self.inode == other.inode && self.file_system == other.file_system
    }
}

/// What `descriptor` is open on.
// Not inlined, for its size.
#[inline(never)]
pub fn file(descriptor: i32) -> Option<File> {
    look(descriptor, c"", libc::AT_EMPTY_PATH)
}

/// What `path` leads to, an absolute one.
pub fn file_at(path: &CStr) -> Option<File> {
    look(libc::AT_FDCWD, path, 0)
}

/// Room for either call's answer.
type Answer = MaybeUninit<[u64; 32]>;
const _: () = assert!(size_of::<libc::statx>() <= size_of::<Answer>());

/// Never inlined: the answer is a quarter of a kilobyte of stack.
#[inline(never)]
fn look(directory: i32, path: &CStr, flags: i32) -> Option<File> {
    let mut answer = Answer::uninit();
    let (directory, path) = (directory as usize, path.as_ptr() as usize);
    // AT_STATX_DONT_SYNC: type and inode never change, so a network file
    // system's server isn't asked.
    let at_once = (flags | libc::AT_NO_AUTOMOUNT | libc::AT_STATX_DONT_SYNC) as usize;
    let wanted = (libc::STATX_TYPE | libc::STATX_INO) as usize;
    let place = answer.as_mut_ptr() as usize;
    if call5(number::SYS_statx, directory, path, at_once, wanted, place) == 0 {
        // SAFETY: the kernel has filled all of it; only numbers are in it.
        let status = unsafe { &*answer.as_ptr().cast::<libc::statx>() };
        return Some(File {
            kind: u32::from(status.stx_mode) & libc::S_IFMT,
            device: Device::new(status.stx_rdev_major, status.stx_rdev_minor),
            file_system: Device::new(status.stx_dev_major, status.stx_dev_minor),
            inode: status.stx_ino,
        });
    }
    let flags = (flags | libc::AT_NO_AUTOMOUNT) as usize;
    match call5(number::FSTATAT?, directory, path, place, flags, 0) {
        0 => Some(layout::read(&answer)),
        _ => None,
    }
}

/// A device's major and minor number, as the kernel's new_encode_dev() packs them.
#[derive(Clone, Copy, PartialEq, Eq)]
#[repr(transparent)]
pub struct Device(u32);

impl Device {
    /// No device has these numbers.
    pub const NONE: Device = Device::new(0, 0);

    /// The device of these numbers.
    pub const fn new(major: u32, minor: u32) -> Device {
        Device(minor & 0xff | major << 8 | (minor & !0xff) << 12)
    }

    /// Its major and its minor number.
    pub const fn numbers(self) -> (u32, u32) {
        ((self.0 >> 8) & 0xfff, (self.0 & 0xff) | ((self.0 >> 12) & 0xf_ff00))
    }
}

/// fstatat's answer: the lower halves of the fields, where they are.
///
/// Source: Linux, arch/*/include/uapi/asm/stat.h and asm-generic/stat.h:
/// `struct stat64` where there are 32 bits, and on sparc64; else `struct stat`.
mod layout {
    use super::{Answer, Device, File};

    /// The lower half of a field of 64 bits.
    const LOW: usize = if cfg!(target_endian = "big") { 4 } else { 0 };

    const DEVICE: usize = if IS_MIPS { 0 } else { LOW };
    const INODE: usize = match () {
        () if IS_MIPS => 16 + LOW,
        () if cfg!(target_arch = "m68k") => 10,
        () if cfg!(any(target_arch = "x86", target_arch = "arm")) => 12,
        () => 8 + LOW,
    };
    const MODE: usize = match () {
        () if cfg!(target_arch = "m68k") => 14,
        () if IS_MIPS || HAS_WIDE_LINKS => 24,
        () => 16,
    };
    const SPECIAL: usize = match () {
        () if IS_MIPS => 40,
        () if cfg!(target_arch = "m68k") => 30 + LOW,
        () if HAS_WIDE_LINKS => 40 + LOW,
        () => 32 + LOW,
    };

    const IS_MIPS: bool = crate::flags::IS_MIPS;

    /// The number of links has 64 bits, and comes before the mode.
    const HAS_WIDE_LINKS: bool = cfg!(any(
        target_arch = "x86_64",
        target_arch = "powerpc64",
        target_arch = "s390x",
        target_arch = "sparc64"
    ));

    pub fn read(answer: &Answer) -> File {
        // SAFETY: within the answer, and written by the kernel.
        let word = |place| unsafe {
            answer.as_ptr().cast::<u8>().add(place).cast::<u32>().read_unaligned()
        };
        File {
            kind: word(MODE) & libc::S_IFMT,
            device: Device(word(SPECIAL)),
            file_system: Device(word(DEVICE)),
            inode: u64::from(word(INODE)),
        }
    }
}
