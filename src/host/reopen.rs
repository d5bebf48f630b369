// SPDX-License-Identifier: MIT OR Apache-2.0
// Copyright (c) 2026 The nbclone developers
//! Opens a file once more through /proc/self/fd, if that gives the same file and has
//! no side effect.

use crate::host::buffer::Buffer;
use crate::host::stat::{self, File};
use crate::host::{self, decimal};
use core::ffi::CStr;
use libc::{S_IFCHR, S_IFIFO};

/// The directory of the process' descriptors.
pub const TABLE: &CStr = c"/proc/self/fd";

/// The path of an entry of the table.
pub type Path = Buffer<32>;

/// Opens the pipe or the terminal behind `descriptor` once more. `None`: it is
/// another kind of file, or can't be opened again.
pub fn stream(descriptor: i32, flags: i32) -> Option<i32> {
    let file = stat::file(descriptor)?;
    match file.kind {
        S_IFIFO => {}
        S_IFCHR if device_opens_alike(descriptor, file.device) => {}
        _ => return None,
    }
    let (mut digits, mut path) = ([0u8; 10], Path::new());
    let path = path_of(decimal::digits(descriptor, &mut digits)?, &mut path)?;
    let new = host::open(path, flags).ok()?;
    if is_same(descriptor, &file, new) {
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
pub fn device_opens_alike(descriptor: i32, device: (u32, u32)) -> bool {
    match device {
        // mem, null, port, zero, full, random, urandom; kmsg has a position
        // that can't be read.
        (1, minor) => matches!(minor, 1 | 3 | 4 | 5 | 7 | 8 | 9),
        // /dev/tty, /dev/console, /dev/tty0: names for a terminal that may be
        // another by now; is_same_terminal will see.
        (5, 0 | 1) | (4, 0) => host::terminal(descriptor).is_some_and(terminal_opens_alike),
        // A terminal's own device. A pseudo-terminal's master, of which the
        // kernel tells the other side, isn't. One that hung up tells nothing,
        // and opening it again would bring it back to life.
        device => host::terminal(descriptor) == Some(device) && terminal_opens_alike(device),
    }
}

/// Virtual consoles, and pseudo-terminals of either kind. Opening a serial line
/// raises DTR and RTS, whatever the program has made of them since.
fn terminal_opens_alike(device: (u32, u32)) -> bool {
    matches!(device, (4, 0..=63) | (3 | 136..=143, _))
}

/// Whether `new` is open on the terminal of `old`, by the character device
/// `device`; a memory device is none.
pub fn is_same_terminal(device: (u32, u32), old: i32, new: i32) -> bool {
    device.0 == 1 || host::terminal(new) == host::terminal(old)
}

/// Whether `new` is open on the file of `old`.
fn is_same(old: i32, file: &File, new: i32) -> bool {
    stat::file(new).is_some_and(|new| new.is(file))
        && (file.kind != S_IFCHR || is_same_terminal(file.device, old, new))
}

/// The path of an entry of the table.
pub fn path_of<'a>(name: &[u8], path: &'a mut Path) -> Option<&'a CStr> {
    path.truncate(0);
    path.extend(TABLE.to_bytes());
    path.extend(b"/");
    path.extend(name);
    path.extend(b"\0");
    path.c_str()
}
