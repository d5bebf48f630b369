// SPDX-License-Identifier: MIT OR Apache-2.0
// Copyright (c) 2026 The nbclone developers
//! COPYFD: every descriptor of the child becomes an open file description of
//! its own, with the offset and the status flags that it had.
//!
//! Linux 1.0's copy_fd() copied `struct file` and called its open again. Here
//! the file is opened again through /proc/self/fd, and the copy takes the
//! descriptor's place with dup3. What can't be opened again, would become
//! another thing by it or would have to wait for it stays shared: no descriptor
//! is ever lost.
//!
//! All of it runs in the child, which may share its parent's memory: system
//! calls only, nothing static, and little stack (tests/linux1 measures it).
//! One free descriptor is enough: the table is never open beside a copy.

use crate::host::buffer::Buffer;
use crate::host::reopen::{self, Path, TABLE};
use crate::host::stat::{self, Device};
use crate::host::{self, Limit, SignalsBlocked, numeral};
use core::ffi::CStr;
use libc::{S_IFBLK, S_IFCHR, S_IFDIR, S_IFIFO, S_IFREG};

/// The status flags that fcntl(F_SETFL) can set.
const SETTABLE: i32 =
    libc::O_APPEND | libc::O_NONBLOCK | libc::O_DIRECT | libc::O_NOATIME | libc::O_ASYNC;

/// Flags passed to open(2): those that fcntl can't set, and those that the file
/// may insist on (an append-only file on O_APPEND). O_SYNC contains O_DSYNC.
/// O_CREAT, O_EXCL, O_TRUNC and O_NOFOLLOW were for the first time; O_NOCTTY is
/// for who leads a session, which a child never does.
const OPENED_WITH: i32 =
    libc::O_ACCMODE | libc::O_SYNC | libc::O_APPEND | libc::O_NOATIME | libc::O_LARGEFILE;

/// /dev/fuse.
const FUSE: Device = Device::new(10, 229);

/// Replaces every descriptor that can be copied by its copy. Never inlined: a
/// child without COPYFD needs none of this stack.
#[inline(never)]
pub fn copy_all() {
    // A handler would find a raised limit, and a copy in the making.
    let _blocked = SignalsBlocked::new();
    // Descriptors above the soft limit can't be replaced.
    let mut limit = Limit::raise();
    let mut entries = Entries::new();
    let mut plain = Plain { bits: Buffer::new(), others_from: 0 };
    if may_open_files(&mut entries, &mut plain, &mut limit) {
        let mut position = 0;
        while read_table(&mut entries, position, &mut limit) {
            let mut walk = Walk { rest: entries.bytes(), position: 0 };
            while let Some((descriptor, name)) = walk.next() {
                copy(descriptor, name, &plain, &mut limit);
            }
            if walk.position <= position {
                break;
            }
            position = walk.position;
        }
    }
}

/// What getdents64 gives at once.
type Entries = Buffer<256>;

/// Which descriptors are open on a file or a directory; it saves asking again.
struct Plain {
    /// A bit for each of the first 512.
    bits: Buffer<64>,
    /// All from this one on that have no bit.
    others_from: i32,
}

/// A walk through entries of the table.
struct Walk<'a> {
    rest: &'a [u8],
    /// Behind the last, for lseek(2).
    position: i64,
}

impl<'a> Walk<'a> {
    /// The next descriptor and its name. No iterator, whose adapters would
    /// become frames around what is done to each.
    #[inline(never)]
    fn next(&mut self) -> Option<(i32, &'a [u8])> {
        loop {
            let (name, behind, rest) = host::first_entry(self.rest)?;
            (self.rest, self.position) = (rest, behind);
            // Not a number: `.` and `..`.
            if let Some(descriptor) = numeral::parse(name) {
                return Some((descriptor, name));
            }
        }
    }
}

/// Opens the table. Without /proc there is none, and everything stays shared.
fn open_table(limit: &mut Limit) -> Option<i32> {
    open(TABLE, libc::O_RDONLY | libc::O_DIRECTORY | libc::O_CLOEXEC, limit)
}

/// The entries from `position` on, the table's own among them, which isn't open
/// any more. False: there are none.
fn read_table(entries: &mut Entries, position: i64, limit: &mut Limit) -> bool {
    let Some(table) = open_table(limit) else { return false };
    entries.truncate(0);
    if position == 0 || host::seek(table, position, libc::SEEK_SET).is_ok() {
        host::read_directory(table, entries);
    }
    host::close(table);
    !entries.bytes().is_empty()
}

/// Walks the table and notes what is a file or a directory. False: nothing may
/// be opened. The table isn't the process' own, or the process holds one end of
/// what answers to open(2), and its parent may be the one who has to answer,
/// while it waits for this child.
fn may_open_files(entries: &mut Entries, plain: &mut Plain, limit: &mut Limit) -> bool {
    let Some(table) = open_table(limit) else { return false };
    let mut may_open = is_own(table);
    while may_open {
        host::read_directory(table, entries);
        if entries.bytes().is_empty() {
            break;
        }
        let mut walk = Walk { rest: entries.bytes(), position: 0 };
        while may_open {
            let Some((descriptor, name)) = walk.next() else { break };
            may_open = survey(descriptor, name, plain);
        }
    }
    host::close(table);
    may_open
}

/// Whether `table`, open on what is found at TABLE, is the process' own: its
/// entry of its own number leads to itself.
fn is_own(table: i32) -> bool {
    reopen::path_to(table, &mut Path::new())
        .and_then(stat::file_at)
        .is_some_and(|file| stat::file(table).is_some_and(|table| table.is(&file)))
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

/// Whether it is a file or a directory. Not inlined: with all kinds of files in
/// one `match`, LLVM makes a table of jumps, to places without a landing pad.
#[inline(never)]
fn is_file(kind: u32) -> bool {
    matches!(kind, S_IFREG | S_IFDIR)
}

/// One descriptor of `may_open_files`; they come in ascending order.
fn survey(descriptor: i32, name: &[u8], plain: &mut Plain) -> bool {
    let file = stat::file(descriptor);
    match file.map(|file| (file.kind, file.device)) {
        Some((kind, _)) if is_file(kind) => {
            note_plain(plain, descriptor);
            return true;
        }
        Some((S_IFCHR, FUSE)) => return false,
        Some((0, _)) if is_fanotify(name) => return false,
        _ => {}
    }
    plain.others_from = descriptor.saturating_add(1);
    true
}

/// Whether it is a fanotify listener: of what has no type the kernel tells a
/// name.
fn is_fanotify(name: &[u8]) -> bool {
    let (mut path, mut link) = (Path::new(), Buffer::<32>::new());
    if let Some(path) = reopen::path_of(name, &mut path) {
        host::read_link(path, &mut link);
    }
    // Not `==`, which is bcmp(3).
    link.bytes().iter().eq(b"anon_inode:[fanotify]")
}

fn bit_of(descriptor: i32) -> (usize, u8) {
    (descriptor as usize / 8, 1 << (descriptor % 8))
}

fn note_plain(plain: &mut Plain, descriptor: i32) {
    let (byte, bit) = bit_of(descriptor);
    while plain.bits.bytes().len() <= byte && plain.bits.push(0) {}
    if let Some(byte) = plain.bits.bytes_mut().get_mut(byte) {
        *byte |= bit;
    }
}

fn is_plain(plain: &Plain, descriptor: i32) -> bool {
    let (byte, bit) = bit_of(descriptor);
    descriptor >= plain.others_from
        || plain.bits.bytes().get(byte).is_some_and(|byte| byte & bit != 0)
}

/// Puts a copy in the descriptor's place, if there can be one.
fn copy(descriptor: i32, name: &[u8], plain: &Plain, limit: &mut Limit) -> Option<()> {
    let flags = i32::try_from(host::fcntl(descriptor, libc::F_GETFL, 0)).ok()?;
    if flags < 0 || flags & libc::O_PATH != 0 {
        return None;
    }
    let (kind, device) = if is_plain(plain, descriptor) {
        (S_IFREG, Device::NONE)
    } else {
        let file = stat::file(descriptor)?;
        (file.kind, file.device)
    };
    let is_async = flags & libc::O_ASYNC != 0;
    let open_flags = match kind {
        // With O_ASYNC there is a lease, which opening the file would break:
        // nothing else gives a file that flag. Leases of others can't be in the
        // way of a mode in which the file is open already.
        kind if is_file(kind) && !is_async => flags & (libc::O_NONBLOCK | libc::O_DIRECT),
        // Without waiting for the other end, for a medium or a carrier. A pipe
        // takes O_DIRECT from fcntl alone.
        S_IFIFO | S_IFBLK => libc::O_NONBLOCK,
        // With O_ASYNC a terminal looks for an owner of its signals itself.
        S_IFCHR if !is_async && reopen::device_opens_alike(descriptor, device) => libc::O_NONBLOCK,
        // Sockets, and what has no type at all: eventfd, epoll and the like.
        _ => return None,
    } | flags & OPENED_WITH;
    // O_TMPFILE contains O_DIRECTORY.
    let directory =
        if flags & libc::O_TMPFILE == libc::O_DIRECTORY { libc::O_DIRECTORY } else { 0 };
    let offset = match kind {
        S_IFIFO => 0,
        _ => match host::seek(descriptor, 0, libc::SEEK_CUR) {
            Ok(offset) => offset,
            // Terminals have none; a file without one is a stream, and opening
            // it again starts another.
            Err(libc::ESPIPE) if kind == S_IFCHR => 0,
            Err(_) => return None,
        },
    };
    let mut path = Path::new();
    let path = reopen::path_of(name, &mut path)?;
    let new = open(path, open_flags | directory | libc::O_CLOEXEC, limit)?;
    let is_alike = match kind {
        // The read end of a FIFO whose writers have gone: opened again, it
        // waits for the next.
        S_IFIFO => {
            flags & libc::O_ACCMODE != libc::O_RDONLY || host::hung_up_alike([descriptor, new])
        }
        S_IFCHR => reopen::is_same_terminal(device, descriptor, new),
        _ => true,
    };
    if is_alike && take_position(new, offset) && take_flags(new, flags, open_flags) {
        let close_on_exec = host::fcntl(descriptor, libc::F_GETFD, 0) & libc::FD_CLOEXEC as isize;
        host::dup3(new, descriptor, if close_on_exec != 0 { libc::O_CLOEXEC } else { 0 });
    }
    host::close(new);
    Some(())
}

/// Gives `new` the offset. False: it can't have it.
fn take_position(new: i32, offset: i64) -> bool {
    offset == 0 || host::seek(new, offset, libc::SEEK_SET) == Ok(offset)
}

/// Gives `new` the status flags that it wasn't opened with. False: some can't
/// be given.
fn take_flags(new: i32, flags: i32, opened_with: i32) -> bool {
    if (flags ^ opened_with) & SETTABLE == 0 {
        return true;
    }
    // Where O_ASYNC is refused in silence it isn't among them.
    host::fcntl(new, libc::F_SETFL, (flags & SETTABLE) as usize) == 0
}
