// SPDX-License-Identifier: MIT OR Apache-2.0
// Copyright (c) 2026 The nbclone developers
//! What libc keeps of a thread's identity, for a child with memory of its own.
//!
//! Such a child has a copy of its parent's libc, which believes itself the
//! parent: its cached thread id is the parent's, and so are the robust mutexes in
//! its list. libc's own fork mends that in its child; clone gives its child the
//! same, by the same means:
//!
//! | | glibc | musl |
//! |---|---|---|
//! | thread id | `CLONE_CHILD_SETTID` | `CLONE_CHILD_SETTID` |
//! | cleared at the thread's end | `CLONE_CHILD_CLEARTID`, the thread id | set_tid_address(2), libc's lock |
//! | robust mutexes | the list emptied, set_robust_list(2) | the list not registered |
//! | list of threads | - | the child alone |
//! | cached process id | up to 2.24 | - |
//!
//! The places are learnt once, at load, and each is verified by its value. What
//! isn't verified isn't used: the child is then as the host's clone makes it. No
//! byte of a thread whose thread pointer isn't libc's is read behind its thread
//! control block, and none is written.
#![allow(unsafe_code)]

use super::libc_symbols::symbols;
use super::{entry, errno};
use crate::flags::*;
use crate::host;
use crate::target::{COPIES_IN_USUAL_CALL, DESCRIPTOR_AT_POINTER, ROBUST_LINKED_BOTH_WAYS};
use core::num::NonZeroU32;
use core::sync::atomic::{AtomicIsize, AtomicU8, AtomicUsize};
use core::sync::atomic::{Ordering::Acquire, Ordering::Relaxed, Ordering::Release};

const WORD: usize = size_of::<usize>();

/// Which libc's layout was verified: one of the constants below.
static LAYOUT: AtomicU8 = AtomicU8::new(NOT_LEARNT);
const NOT_LEARNT: u8 = 0;
const UNKNOWN: u8 = 1;
const GLIBC: u8 = 2;
/// glibc up to 2.24: the process id is cached behind the thread id.
const GLIBC_WITH_PID: u8 = 3;
const MUSL: u8 = 4;

/// The cached thread id, from the thread pointer.
static TID: AtomicIsize = AtomicIsize::new(0);
/// What tells libc's thread pointers from others: see `mark`.
static MARK: AtomicUsize = AtomicUsize::new(0);
/// The head of the robust-mutex list, from the cached thread id.
static ROBUST: AtomicIsize = AtomicIsize::new(0);
/// musl: what the kernel clears at a thread's end; 0: not known.
static CLEARED: AtomicUsize = AtomicUsize::new(0);
/// musl: the links of the list of threads, from the cached thread id; 0: not known.
static THREADS: AtomicIsize = AtomicIsize::new(0);

/// The thread id from the thread's first block of TLS, for arch/x86_64.S. While it
/// is 0, arch/ leaves each call with copied memory to this module.
#[unsafe(export_name = "nbclone_tid_from_tls")]
static TID_FROM_TLS: AtomicIsize = AtomicIsize::new(0);

/// `futex_offset` of glibc's list: from a mutex' link to its lock word.
const FUTEX_OFFSET: isize = match (WORD, ROBUST_LINKED_BOTH_WAYS) {
    (8, _) => -32,
    (_, true) => -28,
    _ => -20,
};

/// What the kernel is asked for, and what the child has to be told.
pub struct Repair {
    /// The flags that have the kernel write the id, before any instruction or
    /// signal handler of the child.
    pub flags: NonZeroU32,
    /// Where libc caches the id: the kernel's `child_tid`, and for `repair`.
    pub tid: usize,
}

const SET: NonZeroU32 = NonZeroU32::new(CLONE_CHILD_SETTID).unwrap();
const SET_AND_CLEAR: NonZeroU32 =
    NonZeroU32::new(CLONE_CHILD_SETTID | CLONE_CHILD_CLEARTID).unwrap();

/// What a child of the calling thread needs; `None`: nothing is known, and the child is
/// made as the host's clone makes it.
pub fn of_caller() -> Option<Repair> {
    if LAYOUT.load(Acquire) == NOT_LEARNT {
        // A constructor that ran before ours has called.
        learn();
    }
    let layout = LAYOUT.load(Acquire);
    if layout == UNKNOWN || mark(layout == MUSL)? != MARK.load(Relaxed) {
        return None;
    }
    let tid = entry::thread_pointer().wrapping_add_signed(TID.load(Relaxed));
    Some(Repair { flags: if layout == MUSL { SET } else { SET_AND_CLEAR }, tid })
}

/// In the child: the part that only the child can do. `tid`: `Repair::tid`. Relaxed loads
/// are enough: the child continues a thread that `of_caller`'s Acquire has passed.
pub fn repair(tid: usize) {
    let robust = tid.wrapping_add_signed(ROBUST.load(Relaxed));
    match LAYOUT.load(Relaxed) {
        MUSL => {
            // Not registered: musl does that with the first robust mutex.
            write_word(robust + WORD, 0);
            write_word(robust + 2 * WORD, 0);
            let links = THREADS.load(Relaxed);
            if links != 0 {
                let links = tid.wrapping_add_signed(links);
                let itself = descriptor();
                write_word(links, itself);
                write_word(links + WORD, itself);
            }
            let cleared = CLEARED.load(Relaxed);
            if cleared != 0 {
                host::set_tid_address(cleared);
            }
        }
        layout => {
            if layout == GLIBC_WITH_PID {
                write_id(tid + 4, read_id(tid));
            }
            write_word(robust, robust);
            if ROBUST_LINKED_BOTH_WAYS {
                write_word(robust - WORD, robust);
            }
            host::set_robust_list(robust);
        }
    }
}

/// Lets arch/ make the usual call with copied memory, if arch/ knows this layout.
pub fn open_usual_call() {
    let layout = (LAYOUT.load(Acquire), TID.load(Relaxed), ROBUST.load(Relaxed));
    // GLIBC_TID and ROBUST_FROM_TID of arch/x86_64.S.
    let known = (GLIBC, 0x2d0, 16);
    if COPIES_IN_USUAL_CALL && layout == known {
        let first_block = MARK.load(Relaxed) as isize;
        TID_FROM_TLS.store(TID.load(Relaxed).wrapping_sub(first_block), Relaxed);
    }
}

/// Learns the places from the calling thread's values, if an earlier call hasn't.
pub fn learn() {
    if LAYOUT.load(Relaxed) > UNKNOWN {
        return;
    }
    let places = if symbols().is_glibc() { learn_glibc() } else { learn_musl() };
    let layout = places.and_then(keep).unwrap_or(UNKNOWN);
    // Release: pairs with of_caller's Acquire, so that a reader that sees the
    // layout also sees the places.
    LAYOUT.store(layout, Release);
}

/// Where the calling thread has them.
struct Places {
    layout: u8,
    /// The cached thread id.
    tid: usize,
    /// The head of the robust-mutex list.
    robust: usize,
}

/// glibc's struct pthread has the thread id (and up to 2.42 another word) right
/// before the list of robust mutexes, which the thread has left empty so far.
fn learn_glibc() -> Option<Places> {
    // All of these bytes are of the structure, whatever the version.
    const SEARCHED: usize = 0x400;
    let start = descriptor();
    if start == 0 {
        return None;
    }
    let is_empty_list = |head| {
        read_word(head) == head
            && read_word(head + WORD) as isize == FUTEX_OFFSET
            && read_word(head + 2 * WORD) == 0
            && (!ROBUST_LINKED_BOTH_WAYS || read_word(head - WORD) == head)
    };
    let (mut head, mut place) = (0, start);
    while place < start + SEARCHED - WORD {
        place += WORD;
        if is_empty_list(place) {
            if head != 0 {
                return None;
            }
            head = place;
        }
    }
    if head == 0 {
        return None;
    }

    let id = host::gettid();
    let end = if ROBUST_LINKED_BOTH_WAYS { head - WORD } else { head };
    let mut tid = end - 8;
    if read_id(tid) != id {
        tid += 4;
        if read_id(tid) != id {
            return None;
        }
    }
    let behind = if tid + 4 < end { read_id(tid + 4) } else { 0 };
    let has_pid = behind != 0 && behind == host::getpid();
    let layout = if has_pid { GLIBC_WITH_PID } else { GLIBC };
    Some(Places { layout, tid, robust: head })
}

/// musl's struct pthread has errno right behind the thread id, and further on
/// the head of the robust mutexes: itself, and nothing registered so far.
fn learn_musl() -> Option<Places> {
    const SEARCHED: usize = 128;
    let tid = errno::location().addr().wrapping_sub(4);
    let id = host::gettid();
    let itself = descriptor();
    if read_id(tid) != id || itself == 0 || read_word(itself) != itself {
        return None;
    }
    let mut head = (tid + 8).next_multiple_of(WORD);
    let is_empty_list = |head| {
        read_word(head) == head && read_word(head + WORD) == 0 && read_word(head + 2 * WORD) == 0
    };
    while !is_empty_list(head) {
        head += WORD;
        if head >= tid + SEARCHED {
            return None;
        }
    }

    let links = itself + if DESCRIPTOR_AT_POINTER { 2 * WORD } else { WORD };
    if read_word(links) == itself && read_word(links + WORD) == itself {
        THREADS.store(links.wrapping_sub(tid) as isize, Relaxed);
    }
    let cleared = match symbols().thread_list_lock {
        0 => host::tid_address(),
        lock => lock,
    };
    CLEARED.store(cleared, Relaxed);
    Some(Places { layout: MUSL, tid, robust: head })
}

/// Keeps the places as distances; the layout, if the thread has a mark.
fn keep(Places { layout, tid, robust }: Places) -> Option<u8> {
    MARK.store(mark(layout == MUSL)?, Relaxed);
    TID.store(tid.wrapping_sub(entry::thread_pointer()) as isize, Relaxed);
    ROBUST.store(robust.wrapping_sub(tid) as isize, Relaxed);
    Some(layout)
}

/// What tells libc's threads from others: the distance from the thread pointer to the
/// thread's first block of thread-local storage, by the thread's vector of blocks (dtv).
/// It is the same for each thread of libc's. `None`: no vector, or another thread's.
fn mark(is_musl: bool) -> Option<usize> {
    let pointer = entry::thread_pointer();
    let vector =
        if is_musl && !DESCRIPTOR_AT_POINTER { read_word(pointer - WORD) } else { entry::dtv() };
    if vector == 0 {
        return None;
    }
    let first = match (is_musl, read_word(vector)) {
        // glibc's entries have two words each, the first is no block's.
        (false, _) => vector + 2 * WORD,
        // musl's have one. Without a block, the vector itself lies beside the
        // thread control block.
        (true, 0) => return (vector.abs_diff(pointer) < 1024).then_some(0),
        (true, _) => vector + WORD,
    };
    Some(read_word(first).wrapping_sub(pointer))
}

/// The calling thread's struct pthread; 0: not known (glibc up to 2.26 without
/// libpthread).
fn descriptor() -> usize {
    if DESCRIPTOR_AT_POINTER {
        return entry::thread_pointer();
    }
    // SAFETY: takes nothing; what it returns is only a number here.
    unsafe { libc::pthread_self() as usize }
}

fn read_word(place: usize) -> usize {
    // SAFETY: a word of libc's thread descriptor or of its vector of TLS blocks.
    unsafe { core::ptr::with_exposed_provenance::<usize>(place).read() }
}

fn write_word(place: usize, word: usize) {
    // SAFETY: a word of libc's thread descriptor, in the child's own copy of it.
    unsafe { core::ptr::with_exposed_provenance_mut::<usize>(place).write(word) }
}

fn read_id(place: usize) -> i32 {
    // SAFETY: as read_word.
    unsafe { core::ptr::with_exposed_provenance::<i32>(place).read() }
}

fn write_id(place: usize, id: i32) {
    // SAFETY: as write_word.
    unsafe { core::ptr::with_exposed_provenance_mut::<i32>(place).write(id) }
}
