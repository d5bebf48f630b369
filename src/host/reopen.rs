//! A file opened once more through /proc/self/fd, where that gives the same
//! thing and does nothing else.

use crate::host::{self, File, decimal};
use core::ffi::CStr;
use libc::{S_IFBLK, S_IFCHR, S_IFDIR, S_IFIFO, S_IFREG};

/// The directory of the process' descriptors.
pub const TABLE: &CStr = c"/proc/self/fd";

/// Whether opening the file again may give the same thing, and does nothing
/// else.
pub fn opens_alike(descriptor: i32, file: &File, flags: i32) -> bool {
    match file.kind {
        // It would break a write lease, and its holder be sent a signal.
        S_IFREG => host::fcntl(descriptor, libc::F_GETLEASE, 0) != libc::F_WRLCK as isize,
        S_IFDIR | S_IFBLK | S_IFIFO => true,
        S_IFCHR => device_opens_alike(descriptor, file, flags),
        // Sockets, and what has no type at all: eventfd, epoll and the like.
        _ => false,
    }
}

/// Opens the pipe or the terminal behind `descriptor` once more. `None`: it is
/// another kind of file, or can't be opened again.
pub fn stream(descriptor: i32, flags: i32) -> Option<i32> {
    let file = host::file(descriptor)?;
    if !matches!(file.kind, S_IFIFO | S_IFCHR) || !opens_alike(descriptor, &file, 0) {
        return None;
    }
    let (mut digits, mut buffer) = ([0u8; 10], [0u8; 32]);
    let path = path_of(decimal::digits(descriptor, &mut digits)?, &mut buffer)?;
    let new = host::open(path, flags).ok()?;
    if is_same(descriptor, &file, new) {
        Some(new)
    } else {
        host::close(new);
        None
    }
}

/// Many a character device makes something new at each open: /dev/ptmx a
/// terminal, /dev/net/tun an interface; a tape rewinds. Those that don't are
/// memory devices and terminals (Linux's admin-guide/devices.txt).
fn device_opens_alike(descriptor: i32, file: &File, flags: i32) -> bool {
    match file.device {
        // mem, null, port, zero, full, random, urandom; kmsg has a position
        // that can't be read.
        (1, minor) => matches!(minor, 1 | 3 | 4 | 5 | 7 | 8 | 9),
        // With O_ASYNC a terminal looks for an owner of its signals itself.
        _ if flags & libc::O_ASYNC != 0 => false,
        // /dev/tty, /dev/console, /dev/tty0: names for a terminal that may be
        // another by now; is_same will see.
        (5, 0 | 1) | (4, 0) => true,
        // A terminal's own device. A pseudo-terminal's master, of which the
        // kernel tells the other side, isn't. One that hung up tells nothing,
        // and opening it again would bring it back to life.
        device => host::terminal(descriptor) == Some(device),
    }
}

/// Whether `new` is open on the file of `old`.
pub fn is_same(old: i32, file: &File, new: i32) -> bool {
    host::file(new).as_ref() == Some(file)
        && (file.kind != S_IFCHR || host::terminal(new) == host::terminal(old))
}

/// The path of an entry of the table.
pub fn path_of<'a>(name: &[u8], buffer: &'a mut [u8; 32]) -> Option<&'a CStr> {
    let parts = TABLE.to_bytes().iter().chain(b"/").chain(name).chain(b"\0");
    for (place, &byte) in buffer.iter_mut().zip(parts) {
        *place = byte;
    }
    CStr::from_bytes_until_nul(buffer).ok()
}
