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

use crate::host::reopen::{self, TABLE};
use crate::host::{self, File, Limit, decimal};
use core::ffi::CStr;
use libc::{S_IFCHR, S_IFDIR, S_IFIFO};

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
        while let Some((name, next)) = host::first_entry(rest) {
            // Not a number: `.` and `..`.
            if let Some(descriptor) = decimal::parse(name) {
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
    let filled = match host::seek(table, *position, libc::SEEK_SET) {
        Ok(_) => host::read_directory(table, entries),
        Err(_) => 0,
    };
    let reached = host::seek(table, 0, libc::SEEK_CUR);
    host::close(table);
    *position = reached.ok().filter(|reached| reached > position)?;
    entries.get(..filled).filter(|filled| !filled.is_empty())
}

/// open(2), with the process' descriptor limit raised if it is in the way.
fn open(path: &CStr, flags: i32, limit: &mut Limit) -> Option<i32> {
    loop {
        match host::open(path, flags) {
            Ok(descriptor) => return Some(descriptor),
            Err(libc::EINTR) => {}
            Err(libc::EMFILE) if limit.raise_further() => {}
            Err(_) => return None,
        }
    }
}

fn copy(descriptor: i32, name: &[u8], limit: &mut Limit) {
    let Ok(flags) = i32::try_from(host::fcntl(descriptor, libc::F_GETFL, 0)) else { return };
    let Some(file) = host::file(descriptor) else { return };
    if flags < 0 || flags & libc::O_PATH != 0 || !reopen::opens_alike(descriptor, &file, flags) {
        return;
    }
    // O_TMPFILE contains O_DIRECTORY.
    let directory = if file.kind == S_IFDIR { flags & libc::O_DIRECTORY } else { 0 };
    let mut buffer = [0u8; 32];
    let Some(path) = reopen::path_of(name, &mut buffer) else { return };
    let Some(new) = open(path, flags & OPENED_WITH | directory | ALWAYS, limit) else { return };
    if reopen::is_same(descriptor, &file, new)
        && take_position(descriptor, &file, new)
        && take_flags(new, flags)
    {
        let close_on_exec = host::fcntl(descriptor, libc::F_GETFD, 0) & libc::FD_CLOEXEC as isize;
        host::dup3(new, descriptor, if close_on_exec != 0 { libc::O_CLOEXEC } else { 0 });
    }
    host::close(new);
}

/// Gives `new` the offset of `old`. False: it has one that `new` can't have.
fn take_position(old: i32, file: &File, new: i32) -> bool {
    match host::seek(old, 0, libc::SEEK_CUR) {
        Ok(offset) => host::seek(new, offset, libc::SEEK_SET) == Ok(offset),
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
    host::fcntl(new, libc::F_SETFL, (flags & SETTABLE) as usize);
    (host::fcntl(new, libc::F_GETFL, 0) ^ flags as isize) & COMPARED == 0
}
