// SPDX-License-Identifier: MIT OR Apache-2.0
// Copyright (c) 2026 The nbclone developers
//! How the library's lines come here: through memory that COMMAND's processes
//! share with this one (`ring`). No path, no permission, no limit on files, and
//! no sandbox stands between, once a process has it.
//!
//! A process gets it when the library is loaded: the System V segment, or, if
//! that is closed to it (another user's, another IPC namespace), the file by
//! its descriptor. Where both are closed it knocks at a door, so that we know of
//! calls that we don't see.

use std::collections::BTreeMap;
use std::io;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, RawFd};
use std::sync::Arc;
use std::sync::atomic::Ordering::{Relaxed, SeqCst};
use std::thread;

use nix::sys::eventfd::{EfdFlags, EventFd};
use nix::sys::resource::{Resource, getrlimit};

use crate::door::Door;
use crate::memory::{self, Nameless, Segment};
use crate::printable;
use crate::ring::Ring;
use crate::system;

/// The reading side.
pub struct Channel {
    key: u32,
    door: Option<Door>,
    segment: Option<Segment>,
    nameless: Option<(Nameless, RawFd)>,
    inlets: Vec<Inlet>,
    event: Arc<EventFd>,
    /// Lines that came.
    pub seen: u64,
}

/// One memory, and the thread that listens for its bell.
struct Inlet {
    ring: &'static Ring,
    listener: Option<thread::Thread>,
    /// Lines by their number since the first, until none can come before.
    waiting: BTreeMap<u64, String>,
    next: u64,
}

impl Channel {
    /// A new one.
    pub fn new() -> io::Result<Channel> {
        let key = memory::random_key()?;
        let segment = Segment::new(key);
        let nameless =
            free_descriptor().and_then(|number| Some((Nameless::new(key).ok()?, number)));
        let segment = match (segment, &nameless) {
            (Ok(segment), _) => Some(segment),
            (Err(_), Some(_)) => None,
            (Err(error), None) => return Err(error),
        };
        let rings = segment.iter().map(|segment| segment.ring);
        let rings = rings.chain(nameless.iter().map(|(nameless, _)| nameless.ring));
        let inlets = rings
            .map(|ring| Inlet { ring, listener: None, waiting: BTreeMap::new(), next: 0 })
            .collect();
        let event = EventFd::from_flags(EfdFlags::EFD_NONBLOCK | EfdFlags::EFD_CLOEXEC)?;
        let (door, event) = (Door::new().ok(), Arc::new(event));
        Ok(Channel { key, door, segment, nameless, inlets, event, seen: 0 })
    }

    /// What `NBCLONE_TRACE` has to be.
    pub fn address(&self) -> String {
        let id = self.segment.as_ref().map_or(i32::MAX, |segment| segment.id);
        let number = self.nameless.as_ref().map_or(i32::MAX, |(_, number)| *number);
        let door = self.door.as_ref().map_or(0, |door| door.number);
        format!("@{id},{number},{},{door}", self.key)
    }

    /// The segment's id.
    pub fn segment(&self) -> Option<i32> {
        self.segment.as_ref().map(|segment| segment.id)
    }

    /// The descriptor that COMMAND needs, and the number that it must have.
    pub fn descriptor(&self) -> Option<(RawFd, RawFd)> {
        self.nameless.as_ref().map(|(nameless, number)| (nameless.file.as_raw_fd(), *number))
    }

    /// Begins to listen. A process that has threads can't fork safely: this
    /// comes after COMMAND's start.
    pub fn listen(&mut self) {
        for inlet in &mut self.inlets {
            let (ring, event) = (inlet.ring, Arc::clone(&self.event));
            inlet.listener = Some(thread::spawn(move || listen(ring, &event)).thread().clone());
        }
    }

    /// Readable when there may be lines.
    pub fn event(&self) -> BorrowedFd<'_> {
        self.event.as_fd()
    }

    /// Hands the lines that have come to `each`, made printable.
    pub fn read(&mut self, mut each: impl FnMut(&str)) {
        let _ = self.event.read();
        for inlet in &mut self.inlets {
            self.seen += inlet.read(&mut each);
            if let Some(listener) = &inlet.listener {
                listener.unpark();
            }
        }
    }

    /// How many calls were made, by the library's own count.
    pub fn made(&self) -> u64 {
        self.inlets.iter().map(|inlet| u64::from(inlet.ring.calls.load(Relaxed))).sum()
    }

    /// How many programs said that their lines can't come.
    pub fn unreached(&self) -> u64 {
        self.door.as_ref().map_or(0, |door| door.visitors(self.key))
    }

    /// How many processes can still send lines; those that have no segment
    /// aren't known.
    pub fn writers(&self) -> u64 {
        self.segment.as_ref().map_or(0, Segment::others)
    }
}

impl Inlet {
    /// A line that is ready may be seen before an earlier one of the same thread
    /// that became ready meanwhile, at a place that was passed already: that one
    /// is found by the next look. So a line goes out after another look.
    fn read(&mut self, each: &mut impl FnMut(&str)) -> u64 {
        let mut count = 0;
        loop {
            let last = self.waiting.keys().next_back().copied();
            let (next, waiting) = (self.next, &mut self.waiting);
            let found = self.ring.take(|order, line| {
                let line = line.strip_suffix(b"\n").unwrap_or(line);
                // Numbers wrap at 2^32; at most a few hundred are on the way.
                let distance = i64::from(order.wrapping_sub(next as u32) as i32);
                waiting.insert(next.saturating_add_signed(distance), printable::escape(line));
            });
            if found {
                self.make_room();
            }
            let Some(last) = last else {
                if found {
                    continue;
                }
                return count;
            };
            let later = self.waiting.split_off(&(last + 1));
            for line in std::mem::replace(&mut self.waiting, later).values() {
                each(line);
                count += 1;
            }
            self.next = self.next.max(last + 1);
        }
    }

    fn make_room(&self) {
        self.ring.is_stalled.store(0, Relaxed);
        self.ring.room.fetch_add(1, SeqCst);
        if self.ring.waiting.load(SeqCst) != 0 {
            memory::wake_all(&self.ring.room);
        }
    }
}

/// Passes the bell on, and waits until the lines are read: writers don't have
/// to wake anybody meanwhile.
fn listen(ring: &Ring, event: &EventFd) {
    let mut heard = 0;
    loop {
        let bell = ring.bell.load(SeqCst);
        if bell == heard {
            ring.is_asleep.store(1, SeqCst);
            memory::wait(&ring.bell, heard);
            ring.is_asleep.store(0, SeqCst);
            continue;
        }
        heard = bell;
        let _ = event.write(1);
        thread::park();
    }
}

/// A high number that no descriptor has, and that programs seldom ask for.
fn free_descriptor() -> Option<RawFd> {
    const HIGHEST: u64 = 1 << 16;
    const LOWEST: u64 = 10;
    let limit = getrlimit(Resource::RLIMIT_NOFILE).ok()?.0.min(HIGHEST);
    let mut numbers = (LOWEST..limit).rev().filter_map(|number| RawFd::try_from(number).ok());
    numbers.find(|&number| !system::is_open(number))
}
