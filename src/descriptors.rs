//! COPYFD: every descriptor of the child becomes an open file description of
//! its own, with the offset and the status flags that it had.
//!
//! Linux 1.0's copy_fd() copied `struct file` and called its open again. Here
//! the file is opened again through /proc/self/fd, and the copy takes the
//! descriptor's place with dup3. What can't be opened again, or would become
//! another thing by it, stays shared: no descriptor is ever lost.
//!
//! All of it runs in the child, which may share its parent's memory: system
//! calls only, nothing static, and little stack (tests/linux1 measures it).
//! One free descriptor is enough: the table is never open beside a copy.

use crate::kernel::{self, File, Limit};
use core::ffi::CStr;
use libc::{S_IFBLK, S_IFCHR, S_IFDIR, S_IFIFO, S_IFREG};

const TABLE: &CStr = c"/proc/self/fd";

/// The status flags that fcntl(F_SETFL) can set.
const SETTABLE: i32 =
    libc::O_APPEND | libc::O_NONBLOCK | libc::O_DIRECT | libc::O_NOATIME | libc::O_ASYNC;

/// Those to open with: what open(2) alone can give, and what the file may ask
/// for (an append-only file O_APPEND). O_DIRECT isn't among them: a pipe has
/// it from F_SETFL alone. O_SYNC contains O_DSYNC.
const OPENED_WITH: i32 =
    libc::O_ACCMODE | libc::O_SYNC | libc::O_APPEND | libc::O_NOATIME | libc::O_LARGEFILE;

/// And no waiting for the other end of a FIFO. O_CREAT, O_EXCL, O_TRUNC and
/// O_NOFOLLOW were for the first time; O_NOCTTY is for who leads a session,
/// which a child never does.
const ALWAYS: i32 = libc::O_NONBLOCK;

/// Replaces every descriptor that can be copied by its copy. Never inlined: a
/// child without COPYFD needs none of this stack.
#[inline(never)]
pub fn copy_all() {
    // Descriptors above the soft limit can't be replaced.
    let mut limit = Limit::raise();
    let mut entries = [0u8; 256];
    let mut position = 0;
    while let Some(mut rest) = read_table(&mut entries, &mut position, &mut limit) {
        while let Some((name, next)) = kernel::first_entry(rest) {
            if let Some(descriptor) = number(name) {
                copy(descriptor, name, &mut limit);
            }
            rest = next;
        }
    }
    limit.restore();
}

/// The entries from `position` on, the table's own among them, which isn't open
/// any more. Without /proc there are none, and everything stays shared.
fn read_table<'a>(
    entries: &'a mut [u8],
    position: &mut i64,
    limit: &mut Limit,
) -> Option<&'a [u8]> {
    let table = open(TABLE, libc::O_RDONLY | libc::O_DIRECTORY | libc::O_CLOEXEC, limit)?;
    let filled = match kernel::seek(table, *position, libc::SEEK_SET) {
        Ok(_) => kernel::read_directory(table, entries),
        Err(_) => 0,
    };
    let reached = kernel::seek(table, 0, libc::SEEK_CUR);
    kernel::close(table);
    *position = reached.ok().filter(|reached| reached > position)?;
    entries.get(..filled).filter(|filled| !filled.is_empty())
}

/// open(2), with the process' descriptor limit raised if it is in the way.
fn open(path: &CStr, flags: i32, limit: &mut Limit) -> Option<i32> {
    loop {
        match kernel::open(path, flags) {
            Ok(descriptor) => return Some(descriptor),
            Err(libc::EINTR) => {}
            Err(libc::EMFILE) if limit.raise_further() => {}
            Err(_) => return None,
        }
    }
}

fn copy(descriptor: i32, name: &[u8], limit: &mut Limit) {
    let Ok(flags) = i32::try_from(kernel::fcntl(descriptor, libc::F_GETFL, 0)) else { return };
    let Some(file) = kernel::file(descriptor) else { return };
    if flags < 0 || flags & libc::O_PATH != 0 || !opens_alike(descriptor, &file, flags) {
        return;
    }
    // O_TMPFILE contains O_DIRECTORY.
    let directory = if file.kind == S_IFDIR { flags & libc::O_DIRECTORY } else { 0 };
    let mut buffer = [0u8; 32];
    let Some(path) = path_of(name, &mut buffer) else { return };
    let Some(new) = open(path, flags & OPENED_WITH | directory | ALWAYS, limit) else { return };
    if is_same(descriptor, &file, new)
        && take_position(descriptor, &file, new)
        && take_flags(new, flags)
    {
        let close_on_exec = kernel::fcntl(descriptor, libc::F_GETFD, 0) & libc::FD_CLOEXEC as isize;
        kernel::dup3(new, descriptor, if close_on_exec != 0 { libc::O_CLOEXEC } else { 0 });
    }
    kernel::close(new);
}

/// Whether opening the file again may give the same thing, and does nothing
/// else.
fn opens_alike(descriptor: i32, file: &File, flags: i32) -> bool {
    match file.kind {
        // It would break a write lease, and its holder be sent a signal.
        S_IFREG => kernel::fcntl(descriptor, libc::F_GETLEASE, 0) != libc::F_WRLCK as isize,
        S_IFDIR | S_IFBLK | S_IFIFO => true,
        S_IFCHR => device_opens_alike(descriptor, file, flags),
        // Sockets, and what has no type at all: eventfd, epoll and the like.
        _ => false,
    }
}

/// Opens the pipe or the terminal behind `descriptor` once more. `None`: it is
/// another kind of file, or can't be opened again.
pub fn reopen_stream(descriptor: i32, flags: i32) -> Option<i32> {
    let file = kernel::file(descriptor)?;
    if !matches!(file.kind, S_IFIFO | S_IFCHR) || !opens_alike(descriptor, &file, 0) {
        return None;
    }
    let (mut digits, mut buffer) = ([0u8; 10], [0u8; 32]);
    let path = path_of(name_of(descriptor, &mut digits)?, &mut buffer)?;
    let new = kernel::open(path, flags).ok()?;
    if is_same(descriptor, &file, new) {
        Some(new)
    } else {
        kernel::close(new);
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
        device => kernel::terminal(descriptor) == Some(device),
    }
}

/// Whether `new` is open on the file of `old`.
fn is_same(old: i32, file: &File, new: i32) -> bool {
    kernel::file(new).as_ref() == Some(file)
        && (file.kind != S_IFCHR || kernel::terminal(new) == kernel::terminal(old))
}

/// Gives `new` the offset of `old`. False: it has one that `new` can't have.
fn take_position(old: i32, file: &File, new: i32) -> bool {
    match kernel::seek(old, 0, libc::SEEK_CUR) {
        Ok(offset) => kernel::seek(new, offset, libc::SEEK_SET) == Ok(offset),
        // Pipes and terminals have none; a file without one is a stream, and
        // opening it again starts another.
        Err(libc::ESPIPE) => matches!(file.kind, S_IFIFO | S_IFCHR),
        Err(_) => false,
    }
}

/// Gives `new` the status flags. False: some can't be given here. O_ASYNC, say,
/// which a lease has given to a file that has no signals else.
fn take_flags(new: i32, flags: i32) -> bool {
    const COMPARED: isize = (SETTABLE | libc::O_ACCMODE | libc::O_SYNC) as isize;
    kernel::fcntl(new, libc::F_SETFL, (flags & SETTABLE) as usize);
    (kernel::fcntl(new, libc::F_GETFL, 0) ^ flags as isize) & COMPARED == 0
}

/// A descriptor's number, from its name in the table; `None` for `.` and `..`.
fn number(name: &[u8]) -> Option<i32> {
    name.iter().try_fold(0i32, |number, &byte| {
        let digit = byte.checked_sub(b'0').filter(|&digit| digit <= 9)?;
        number.checked_mul(10)?.checked_add(i32::from(digit))
    })
}

/// The name that a descriptor has in the table.
fn name_of(descriptor: i32, digits: &mut [u8; 10]) -> Option<&[u8]> {
    let mut rest = u32::try_from(descriptor).ok()?;
    let mut start = digits.len();
    loop {
        start = start.checked_sub(1)?;
        *digits.get_mut(start)? = b'0' + (rest % 10) as u8;
        rest /= 10;
        if rest == 0 {
            return digits.get(start..);
        }
    }
}

/// The path of an entry of the table.
fn path_of<'a>(name: &[u8], buffer: &'a mut [u8; 32]) -> Option<&'a CStr> {
    let parts = TABLE.to_bytes().iter().chain(b"/").chain(name).chain(b"\0");
    for (place, &byte) in buffer.iter_mut().zip(parts) {
        *place = byte;
    }
    CStr::from_bytes_until_nul(buffer).ok()
}
