// SPDX-License-Identifier: MIT OR Apache-2.0
// Copyright (c) 2026 The nbclone developers
//! COPYFD: every descriptor of the child becomes an open file description of
//! its own, with the offset and the status flags that it had.
//!
//! Linux 1.0's copy_fd() copied `struct file` and called its open again. Here
//! the file is opened again through /proc/self/fd, and the copy takes the
//! descriptor's place with dup3. A descriptor stays shared if its file can't be
//! opened again, if that open would give something else, or if it might have to
//! wait. No descriptor is ever lost.
//!
//! All of it runs in the child, which may share its parent's memory: system
//! calls only, nothing static, and little stack (tests/linux1 measures it).
//! One free descriptor is enough: the table is closed while a copy is made.

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
/// O_CREAT, O_EXCL, O_TRUNC and O_NOFOLLOW concern the first open alone; O_NOCTTY
/// concerns session leaders, and a child is none.
const OPENED_WITH: i32 =
    libc::O_ACCMODE | libc::O_SYNC | libc::O_APPEND | libc::O_NOATIME | libc::O_LARGEFILE;

/// /dev/fuse.
const FUSE: Device = Device::new(10, 229);

/// Replaces every descriptor that can be copied by its copy. Never inlined: a
/// child without COPYFD needs none of this stack.
#[inline(never)]
pub fn copy_all() {
    // Or a handler would find the limit raised, and the descriptor of a copy in the making.
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

/// Room for one getdents64(2): some ten entries.
type Entries = Buffer<256>;

/// Which descriptors are open on a file or a directory: found by the first walk, so that
/// the second needn't ask for each once more.
struct Plain {
    /// A bit for each of the first 512 descriptors.
    bits: Buffer<64>,
    /// From this one on, all are: the first walk met nothing else there.
    others_from: i32,
}

/// A walk through what getdents64(2) gave of the table.
struct Walk<'a> {
    rest: &'a [u8],
    /// The table's offset behind the entry that came last, for lseek(2).
    position: i64,
}

impl<'a> Walk<'a> {
    /// The next descriptor and its name. Not an `Iterator`: its adapters would add
    /// stack frames around what is done to each.
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

/// Reads entries from `position` on. The table's own descriptor, closed by now, is
/// among them. False: none is left.
fn read_table(entries: &mut Entries, position: i64, limit: &mut Limit) -> bool {
    let Some(table) = open_table(limit) else { return false };
    entries.truncate(0);
    if position == 0 || host::seek(table, position, libc::SEEK_SET).is_ok() {
        host::read_directory(table, entries);
    }
    host::close(table);
    !entries.bytes().is_empty()
}

/// The first walk: notes in `plain` what is a file or a directory. False: nothing may
/// be opened, for one of two reasons. The table isn't the process' own. Or the process
/// has a descriptor by which opens are answered: its parent has it too, may have to
/// answer, and may be waiting for this child.
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

/// Whether `table` is open on the process' own table: there, the entry with its number
/// leads to the table.
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

/// Notes one descriptor; they come in ascending order. False: nothing may be opened.
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

/// Whether it is a fanotify listener, by the name that /proc gives to what has no type.
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
        // A file with O_ASYNC has a lease, held through this descriptor: nothing else
        // gives it that flag. Another open would break the lease. The lease of another
        // process is never against a mode in which the file is open already.
        kind if is_file(kind) && !is_async => flags & (libc::O_NONBLOCK | libc::O_DIRECT),
        // O_NONBLOCK: without a wait for the other end or a medium. A pipe takes
        // O_DIRECT from fcntl alone.
        S_IFIFO | S_IFBLK => libc::O_NONBLOCK,
        // A terminal that gets O_ASYNC chooses an owner of its signals by itself.
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
        // The read end of a FIFO whose writers have gone, opened again, would wait for
        // new ones.
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

/// Gives `new` the offset. False: it refuses it.
fn take_position(new: i32, offset: i64) -> bool {
    offset == 0 || host::seek(new, offset, libc::SEEK_SET) == Ok(offset)
}

/// Gives `new` the status flags that it wasn't opened with. False: some can't
/// be given.
fn take_flags(new: i32, flags: i32, opened_with: i32) -> bool {
    if (flags ^ opened_with) & SETTABLE == 0 {
        return true;
    }
    // A file that ignores O_ASYNC never had it among its flags.
    host::fcntl(new, libc::F_SETFL, (flags & SETTABLE) as usize) == 0
}
