// SPDX-License-Identifier: MIT OR Apache-2.0
// Copyright (c) 2026 The nbclone developers
//! Where a line of the trace goes: to nbclone(1), a file by its path, or a
//! descriptor of the program that may be closed, full or broken.

use crate::host::message::write_line;
use crate::host::{self, reopen};
use crate::ring::Ring;
use crate::settings::{self, Target};
use core::sync::atomic::Ordering::{Relaxed, SeqCst};

/// O_NONBLOCK: a FIFO that is full or that nobody reads, a terminal that is
/// stopped must not hold the program up.
const OPEN: i32 = libc::O_WRONLY | libc::O_CLOEXEC | libc::O_NOCTTY | libc::O_NONBLOCK;

/// Writes `line` with one write(2), if that doesn't block. True: it is written.
/// Signals must be blocked: a file may be open in between.
pub fn write_at_once(target: Target, line: &[u8]) -> bool {
    let opened = match target {
        Target::Command(ring) => return put(ring, line),
        Target::Path(path) => host::open(path, OPEN | libc::O_APPEND | libc::O_CREAT).ok(),
        // Between a poll that says yes and the write, other processes may fill
        // a pipe. A file of our own can have O_NONBLOCK; the program's can't.
        Target::Descriptor(descriptor) => {
            let Some(file) = settings::traced_file(descriptor) else { return false };
            let stream = reopen::stream(descriptor, &file, OPEN);
            if stream.is_none() {
                return host::is_writable(descriptor) && write_line(descriptor, line);
            }
            stream
        }
    };
    let Some(file) = opened else { return false };
    let written = write_line(file, line);
    host::close(file);
    written
}

/// For how many seconds a writer waits while the reader makes no room.
const PATIENCE: u32 = 2;

/// Puts a line where nbclone(1) takes it out, and waits for room: as a tracer
/// does, it may hold the program up. False: nobody has read for a while.
fn put(ring: &Ring, line: &[u8]) -> bool {
    let mut waited = 0;
    loop {
        let room = ring.room.load(SeqCst);
        if ring.put(line) {
            // See `Ring::bell` for the order.
            if ring.is_asleep.load(SeqCst) != 0 {
                host::wake(&ring.bell);
            }
            return true;
        }
        if waited == PATIENCE {
            ring.is_stalled.store(1, Relaxed);
        }
        if ring.is_stalled.load(Relaxed) != 0 {
            return false;
        }
        ring.waiting.fetch_add(1, SeqCst);
        // If room has come since it was looked at, this returns at once.
        host::wait_for_change(&ring.room, room);
        ring.waiting.fetch_sub(1, SeqCst);
        waited = if ring.room.load(SeqCst) == room { waited + 1 } else { 0 };
    }
}
