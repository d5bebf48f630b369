//! COPYFD: every descriptor of the child becomes an open file description of
//! its own, with the offset and the status flags that it had.
//!
//! Linux 1.0's copy_fd() copied `struct file` and called its open again. Here
//! the file is opened again through /proc/self/fd, and the copy takes the
//! descriptor's place with dup3. What can't be opened again, or would become
//! another thing by it, stays shared: no descriptor is ever lost.
//!
//! All of it runs in the child, which may share its parent's memory: system
//! calls only, nothing static, and some 1100 bytes of stack.

use crate::kernel::{self, Limit};
use core::ffi::CStr;
use libc::{S_IFBLK, S_IFCHR, S_IFDIR, S_IFIFO, S_IFMT, S_IFREG};

const TABLE: &CStr = c"/proc/self/fd";

/// The status flags that fcntl(F_SETFL) can set.
const SETTABLE: i32 =
    libc::O_APPEND | libc::O_NONBLOCK | libc::O_DIRECT | libc::O_NOATIME | libc::O_ASYNC;

/// Those that only open(2) can give. O_SYNC contains O_DSYNC.
const GIVEN_BY_OPEN: i32 = libc::O_ACCMODE | libc::O_SYNC | libc::O_DIRECTORY;

/// No O_CREAT, O_EXCL, O_TRUNC or O_NOFOLLOW, which were for the first time;
/// no waiting for the other end of a FIFO, and no controlling terminal.
const ALWAYS: i32 = libc::O_CLOEXEC | libc::O_NONBLOCK | libc::O_NOCTTY;

/// Replaces every descriptor that can be copied by its copy.
pub fn copy_all() {
    let mut limit = Limit::default();
    let table = open(TABLE, libc::O_RDONLY | libc::O_DIRECTORY | libc::O_CLOEXEC, &mut limit);
    // Without /proc everything stays shared.
    if let Ok(table) = table {
        let mut entries = [0u8; 512];
        loop {
            let filled = kernel::read_directory(table, &mut entries);
            let Some(mut rest) = entries.get(..filled).filter(|filled| !filled.is_empty()) else {
                break;
            };
            while let Some((name, next)) = kernel::first_entry(rest) {
                if let Some(descriptor) = number(name).filter(|&number| number != table) {
                    copy(descriptor, &mut limit);
                }
                rest = next;
            }
        }
        kernel::close(table);
    }
    limit.restore();
}

/// open(2), with the process' descriptor limit raised if it is in the way.
fn open(path: &CStr, flags: i32, limit: &mut Limit) -> Result<i32, i32> {
    match kernel::open(path, flags) {
        Err(libc::EMFILE) if limit.raise() => kernel::open(path, flags),
        result => result,
    }
}

fn copy(descriptor: i32, limit: &mut Limit) {
    let Some(flags) = status_flags(descriptor) else { return };
    if flags & libc::O_PATH != 0 || !opens_alike(descriptor) {
        return;
    }
    let mut buffer = [0u8; 32];
    let Some(path) = path_of(descriptor, &mut buffer) else { return };
    let Ok(new) = open(path, flags & (GIVEN_BY_OPEN | SETTABLE_AT_OPEN) | ALWAYS, limit) else {
        return;
    };
    if take_position(descriptor, new) && take_flags(descriptor, new, flags) {
        let close_on_exec = kernel::fcntl(descriptor, libc::F_GETFD, 0) & libc::FD_CLOEXEC as isize;
        kernel::dup3(new, descriptor, if close_on_exec != 0 { libc::O_CLOEXEC } else { 0 });
    }
    kernel::close(new);
}

/// O_NOATIME is wanted from the start; the others F_SETFL gives, for some
/// kinds of file (pipes and O_DIRECT) it alone.
const SETTABLE_AT_OPEN: i32 = libc::O_APPEND | libc::O_NOATIME;

fn status_flags(descriptor: i32) -> Option<i32> {
    i32::try_from(kernel::fcntl(descriptor, libc::F_GETFL, 0)).ok().filter(|&flags| flags >= 0)
}

/// Whether opening the file again gives the same thing and does nothing else.
fn opens_alike(descriptor: i32) -> bool {
    let Some(status) = kernel::status(descriptor) else { return false };
    match u32::from(status.stx_mode) & S_IFMT {
        // A lease would be broken by it, and its holder sent a signal.
        S_IFREG => kernel::fcntl(descriptor, libc::F_GETLEASE, 0) == libc::F_UNLCK as isize,
        S_IFDIR | S_IFBLK | S_IFIFO => true,
        S_IFCHR => device_opens_alike(status.stx_rdev_major, status.stx_rdev_minor),
        // Sockets, and what has no type at all: eventfd, epoll and the like.
        _ => false,
    }
}

/// Opens the pipe or the terminal behind `descriptor` once more. `None`: it is
/// another kind of file, or can't be opened again.
pub fn reopen_stream(descriptor: i32, flags: i32) -> Option<i32> {
    let status = kernel::status(descriptor)?;
    let streams = match u32::from(status.stx_mode) & S_IFMT {
        S_IFIFO => true,
        S_IFCHR => device_opens_alike(status.stx_rdev_major, status.stx_rdev_minor),
        _ => false,
    };
    let mut buffer = [0u8; 32];
    let path = path_of(descriptor, &mut buffer).filter(|_| streams)?;
    kernel::open(path, flags).ok()
}

/// Many a character device makes something new at each open: /dev/ptmx a
/// terminal, /dev/net/tun an interface; a tape rewinds. Those that are known
/// not to are memory devices and terminals (Linux's admin-guide/devices.txt).
fn device_opens_alike(major: u32, minor: u32) -> bool {
    match major {
        // mem, null, port, zero, full, random, urandom; kmsg has a position
        // that can't be read.
        1 => matches!(minor, 1 | 3 | 4 | 5 | 7 | 8 | 9),
        // Consoles and serial lines; /dev/tty and /dev/console, not ptmx.
        4 => true,
        5 => minor <= 1,
        // The other side of pseudo-terminals.
        136..=143 => true,
        _ => false,
    }
}

/// Gives `new` the offset of `old`. False: it has one that `new` can't have.
fn take_position(old: i32, new: i32) -> bool {
    match kernel::seek(old, 0, libc::SEEK_CUR) {
        Ok(offset) => kernel::seek(new, offset, libc::SEEK_SET) == Ok(offset),
        // Pipes and terminals have none; a file without one is a stream, and
        // opening it again would start another.
        Err(libc::ESPIPE) => {
            let mode = kernel::status(old).map_or(0, |status| u32::from(status.stx_mode));
            matches!(mode & S_IFMT, S_IFIFO | S_IFCHR)
        }
        Err(_) => false,
    }
}

/// Gives `new` the status flags of `old`, and with O_ASYNC its owner.
fn take_flags(old: i32, new: i32, flags: i32) -> bool {
    if flags & libc::O_ASYNC != 0 {
        kernel::copy_owner(old, new);
    }
    kernel::fcntl(new, libc::F_SETFL, (flags & SETTABLE) as usize) == 0
}

/// A descriptor's number, from its name in the table; `None` for `.` and `..`.
fn number(name: &[u8]) -> Option<i32> {
    name.iter().try_fold(0i32, |number, &byte| {
        let digit = byte.checked_sub(b'0').filter(|&digit| digit <= 9)?;
        number.checked_mul(10)?.checked_add(i32::from(digit))
    })
}

/// The name of `descriptor` in the table, with its path.
fn path_of(descriptor: i32, buffer: &mut [u8; 32]) -> Option<&CStr> {
    let mut digits = [0u8; 10];
    let mut rest = descriptor as u32;
    let mut start = digits.len();
    loop {
        start = start.checked_sub(1)?;
        *digits.get_mut(start)? = b'0' + (rest % 10) as u8;
        rest /= 10;
        if rest == 0 {
            break;
        }
    }
    let parts = TABLE.to_bytes().iter().chain(b"/").chain(digits.get(start..)?).chain(b"\0");
    for (place, &byte) in buffer.iter_mut().zip(parts) {
        *place = byte;
    }
    CStr::from_bytes_until_nul(buffer).ok()
}
