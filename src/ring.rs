// SPDX-License-Identifier: MIT OR Apache-2.0
// Copyright (c) 2026 The nbclone developers
//! The memory through which lines come to nbclone(1): its layout, and how a
//! line is put there and taken out. Pure: the command includes this file too.
//!
//! Any process that has the memory may write, and may be killed at any moment: one
//! place then stays claimed for good, and the count of calls is one ahead.

use core::sync::atomic::{AtomicU8, AtomicU32};
use core::sync::atomic::{
    Ordering::Acquire, Ordering::Relaxed, Ordering::Release, Ordering::SeqCst,
};

/// How many lines wait to be read, at most.
pub const PLACES: usize = 512;

/// The longest line.
pub const LONGEST: usize = 2048;

/// The seals of the file that the memory is, where it is a file: its size is
/// fixed (`F_SEAL_SEAL`, `F_SEAL_SHRINK`, `F_SEAL_GROW`).
pub const SEALS: i32 = 1 | 2 | 4;

/// What `Ring::layout` has to be: it changes with the layout.
pub const LAYOUT: u32 = 0x6e62_0001;

/// The states of a place.
const FREE: u32 = 0;
const CLAIMED: u32 = 1;
const READY: u32 = 2;

/// The memory. All zeros: nothing written yet.
#[repr(C)]
pub struct Ring {
    /// `LAYOUT`.
    pub layout: AtomicU32,
    /// Tells this memory from another that has its id or descriptor later.
    pub key: AtomicU32,
    /// How many calls were made, whatever became of their lines.
    pub calls: AtomicU32,
    /// How many lines were put here.
    order: AtomicU32,
    /// A futex: changes with each line. SeqCst, as `is_asleep`: a writer changes the
    /// bell and then asks whether the reader sleeps; the reader says that it sleeps and
    /// then looks at the bell. One of the two sees the other, so no wake-up is lost.
    pub bell: AtomicU32,
    /// Not 0: the reader waits for the bell.
    pub is_asleep: AtomicU32,
    /// A futex: changes when the reader has made room. SeqCst, as `waiting`, for the
    /// same reason with the roles exchanged.
    pub room: AtomicU32,
    /// How many writers wait for room.
    pub waiting: AtomicU32,
    /// Not 0: no room came in time; nobody waits any more.
    pub is_stalled: AtomicU32,
    states: [AtomicU32; PLACES],
    places: [Place; PLACES],
}

#[repr(C)]
struct Place {
    order: AtomicU32,
    length: AtomicU32,
    bytes: [AtomicU8; LONGEST],
}

impl Ring {
    /// Puts a line into a free place. False: there is none.
    pub fn put(&self, line: &[u8]) -> bool {
        let start = self.order.load(Relaxed) as usize;
        for step in 0..PLACES {
            let number = start.wrapping_add(step) % PLACES;
            let (Some(state), Some(place)) = (self.states.get(number), self.places.get(number))
            else {
                return false;
            };
            // Acquire: pairs with take's Release, so that the reader is done with the bytes.
            if state.compare_exchange(FREE, CLAIMED, Acquire, Relaxed).is_ok() {
                // Byte by byte: a copy would want memcpy, which glibc has versions of.
                place.bytes.iter().zip(line).for_each(|(to, &byte)| to.store(byte, Relaxed));
                place.length.store(line.len() as u32, Relaxed);
                place.order.store(self.order.fetch_add(1, Relaxed), Relaxed);
                // Release: pairs with take's Acquire, so that the reader sees the whole line.
                state.store(READY, Release);
                self.bell.fetch_add(1, SeqCst);
                return true;
            }
        }
        false
    }

    /// Takes the lines that are ready and gives each with its number: of two lines of one
    /// thread, the first has the lower one. False: there were none. For the command alone.
    #[allow(dead_code)]
    pub fn take(&self, mut each: impl FnMut(u32, &[u8])) -> bool {
        let mut bytes = [0; LONGEST];
        let mut found = false;
        for (state, place) in self.states.iter().zip(&self.places) {
            if state.load(Acquire) != READY {
                continue;
            }
            // Any process that has the memory may have written any length.
            let length = (place.length.load(Relaxed) as usize).min(LONGEST);
            for (to, from) in bytes.iter_mut().zip(&place.bytes).take(length) {
                *to = from.load(Relaxed);
            }
            let order = place.order.load(Relaxed);
            // Release: pairs with put's Acquire.
            state.store(FREE, Release);
            each(order, bytes.get(..length).unwrap_or_default());
            found = true;
        }
        found
    }
}
