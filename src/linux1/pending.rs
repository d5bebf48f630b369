// SPDX-License-Identifier: MIT OR Apache-2.0
// Copyright (c) 2026 The nbclone developers
//! What nbclone_linux1_prepare knew of a call, kept for the line that
//! nbclone_linux1_finish traces: the request has no room for it.
//!
//! There are no locks, and no thread-local storage: a call claims a slot by the address
//! of its request, which no other call of the process has at that time.

use core::sync::atomic::{AtomicUsize, Ordering::Acquire, Ordering::Relaxed, Ordering::Release};

/// What the line needs.
pub struct Kept {
    /// The stack pointer as it was passed.
    pub sp: usize,
    /// The flag word as it was passed.
    pub word: usize,
    /// The call site.
    pub caller: usize,
}

struct Slot {
    /// 0: free.
    request: AtomicUsize,
    sp: AtomicUsize,
    word: AtomicUsize,
    caller: AtomicUsize,
}

/// The threads that can be in a call at once; the line of one more has no caller.
const SLOTS: usize = 8;

static TABLE: [Slot; SLOTS] = [const {
    Slot {
        request: AtomicUsize::new(0),
        sp: AtomicUsize::new(0),
        word: AtomicUsize::new(0),
        caller: AtomicUsize::new(0),
    }
}; SLOTS];

/// Keeps it, if a slot is free.
pub fn keep(request: usize, kept: Kept) {
    let claim = |slot: &&Slot| slot.request.compare_exchange(0, request, Acquire, Relaxed).is_ok();
    if let Some(slot) = TABLE.iter().find(claim) {
        slot.sp.store(kept.sp, Relaxed);
        slot.word.store(kept.word, Relaxed);
        slot.caller.store(kept.caller, Relaxed);
    }
}

/// Takes back what the same call kept, and frees its slot.
pub fn take(request: usize) -> Option<Kept> {
    let slot = TABLE.iter().find(|slot| slot.request.load(Relaxed) == request)?;
    let kept = Kept {
        sp: slot.sp.load(Relaxed),
        word: slot.word.load(Relaxed),
        caller: slot.caller.load(Relaxed),
    };
    slot.request.store(0, Release);
    Some(kept)
}

/// Frees every slot: in a child with copied memory they are all its parent's.
#[inline(never)]
pub fn forget() {
    TABLE.iter().for_each(|slot| slot.request.store(0, Relaxed));
}
