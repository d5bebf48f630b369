// SPDX-License-Identifier: MIT OR Apache-2.0
// Copyright (c) 2026 The nbclone developers
//! Opens a file once more through /proc/self/fd, if that gives the same file and has
//! no side effect.

use crate::host;
use crate::host::buffer::Buffer;
use crate::host::numeral::{self, Digits};
use crate::host::stat::{self, Device, File};
use core::ffi::CStr;
use libc::{S_IFCHR, S_IFIFO};

/// The directory of the process' descriptors.
pub const TABLE: &CStr = c"/proc/self/fd/";

/// The path of an entry of the table.
pub type Path = Buffer<32>;

/// Opens `file`, the pipe or the terminal behind `descriptor`, once more. `None`: it is
/// another kind of file, or can't be opened again.
pub fn stream(descriptor: i32, file: &File, flags: i32) -> Option<i32> {
    match file.kind {
        S_IFIFO => {}
        S_IFCHR if device_opens_alike(descriptor, file.device) => {}
        _ => return None,
    }
    let mut path = Path::new();
    let path = path_to(descriptor, &mut path)?;
    let new = host::open(path, flags).ok()?;
    if is_same(descriptor, file, new) {
        Some(new)
    } else {
        host::close(new);
        None
    }
}

/// Whether an open of this character device has no side effect. Many have one:
/// /dev/ptmx makes a terminal, /dev/net/tun an interface; a tape rewinds, a watchdog
/// starts. Those without are memory devices and some terminals (Linux's
/// admin-guide/devices.txt).
pub fn device_opens_alike(descriptor: i32, device: Device) -> bool {
    let numbers = device.numbers();
    if let (MEMORY, minor) = numbers {
        // mem, null, port, zero, full, random, urandom; kmsg has a position
        // that can't be read.
        return matches!(minor, 1 | 3 | 4 | 5 | 7 | 8 | 9);
    }
    // One that hung up tells nothing, and opening it again would bring it back to life.
    let terminal = host::terminal(descriptor);
    // /dev/tty, /dev/console, /dev/tty0: names for a terminal that may be another by
    // now; is_same_terminal will see. Else it has to be a terminal's own device. A
    // pseudo-terminal's master, of which the kernel tells the other side, isn't.
    let is_alike = matches!(numbers, (5, 0 | 1) | (4, 0)) || terminal == device;
    // Virtual consoles, and pseudo-terminals of either kind. Opening a serial line
    // raises DTR and RTS, whatever the program has made of them since.
    is_alike && matches!(terminal.numbers(), (4, 0..=63) | (3 | 136..=143, _))
}

/// The major number of the memory devices.
const MEMORY: u32 = 1;

/// Whether `new` is open on the terminal of `old`, by the character device
/// `device`; a memory device is none.
pub fn is_same_terminal(device: Device, old: i32, new: i32) -> bool {
    device.numbers().0 == MEMORY || host::terminal(new) == host::terminal(old)
}

/// Whether `new` is open on the file of `old`.
fn is_same(old: i32, file: &File, new: i32) -> bool {
    stat::file(new).is_some_and(|new| new.is(file))
        && (file.kind != S_IFCHR || is_same_terminal(file.device, old, new))
}

/// The path of a descriptor's entry of the table.
pub fn path_to(descriptor: i32, path: &mut Path) -> Option<&CStr> {
    path_of(numeral::digits(descriptor as usize, 10, &mut Digits::default())?, path)
}

/// The path of an entry of the table.
pub fn path_of<'a>(name: &[u8], path: &'a mut Path) -> Option<&'a CStr> {
    path.truncate(0);
    path.extend(TABLE.to_bytes());
    path.extend(name);
    path.terminated()
}
