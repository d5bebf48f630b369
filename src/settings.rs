// SPDX-License-Identifier: MIT OR Apache-2.0
// Copyright (c) 2026 The nbclone developers
//! What the environment asks for: read once, when the library is loaded.
#![allow(unsafe_code)]

use crate::host::message::write_line;
use crate::host::stat::{self, File};
use crate::host::{c_text, entry, environment, errno, identity, memory, numeral};
use crate::policy::Policy;
use crate::ring::{LAYOUT, Ring, SEALS};
use core::ffi::CStr;
use core::sync::atomic::{AtomicI32, AtomicPtr, AtomicU8, AtomicU32};
use core::sync::atomic::{Ordering::Acquire, Ordering::Relaxed, Ordering::Release};

const POLICY: &CStr = c"NBCLONE_POLICY=";
const TRACE: &CStr = c"NBCLONE_TRACE=";

/// The gate that arch/ asks: `Policy::gate` of the policy in force. 0 blocks the
/// usual call: environment not read yet, a policy that looks at each word, tracing
/// on, or a machine whose state has to be saved first.
#[unsafe(export_name = "nbclone_gate")]
static GATE: AtomicU32 = AtomicU32::new(0);

/// The policy: 0 not read yet, else its number plus 1.
static SETTINGS: AtomicU8 = AtomicU8::new(0);

/// Where the trace goes: one of these, or the complement of a descriptor's number,
/// which is negative. NOWHERE is 0, so that the library has no initialised data.
static TARGET: AtomicI32 = AtomicI32::new(NOWHERE);
const NOWHERE: i32 = 0;
const TO_PATH: i32 = 1;
const TO_COMMAND: i32 = 2;

/// The trace file's path with its NUL: the program may change its environment.
/// Written once, before the Release store to TARGET.
static PATH: [AtomicU8; libc::PATH_MAX as usize] =
    [const { AtomicU8::new(0) }; libc::PATH_MAX as usize];

/// The file that the trace's descriptor was open on when the library was
/// loaded: the program may use the number for another one later.
static FILE: (AtomicU32, AtomicU32) = (AtomicU32::new(0), AtomicU32::new(0));

/// The memory that nbclone(1) reads.
static RING: AtomicPtr<Ring> = AtomicPtr::new(core::ptr::null_mut());

/// Where a line of the trace goes.
#[derive(Clone, Copy)]
pub enum Target {
    /// A descriptor that is the program's.
    Descriptor(i32),
    /// A file, by its absolute path.
    Path(&'static CStr),
    /// nbclone(1).
    Command(&'static Ring),
}

/// Called when the library is loaded: before the program's own constructors if it is
/// preloaded or linked.
#[unsafe(no_mangle)]
extern "C" fn nbclone_at_load() {
    load();
}

/// All that is done at load. A constructor that runs earlier has it done by its first
/// call, whatever becomes of the call: libc's state can be verified only while it is
/// as libc has made it.
fn load() {
    identity::learn();
    entry::learn_machine();
    read();
}

/// The policy in force.
pub fn policy() -> Policy {
    if SETTINGS.load(Relaxed) == 0 {
        load();
    }
    let number = SETTINGS.load(Relaxed);
    let is_it = |policy: &Policy| *policy as u8 + 1 == number;
    Policy::ALL.into_iter().find(is_it).unwrap_or(Policy::Strict)
}

/// Whether there is a trace, once the policy is known.
#[inline(always)]
pub fn is_traced() -> bool {
    TARGET.load(Relaxed) != NOWHERE
}

/// Where lines of the trace go, if they are asked for.
pub fn trace() -> Option<Target> {
    match TARGET.load(Acquire) {
        NOWHERE => None,
        TO_PATH => {
            // SAFETY: bytes with a NUL at their end, that don't change any more.
            let path = unsafe { c_text(PATH.as_ptr().cast()) };
            Some(Target::Path(path))
        }
        TO_COMMAND => {
            // SAFETY: `attach` has checked it, and it is never unmapped.
            unsafe { RING.load(Relaxed).as_ref() }.map(Target::Command)
        }
        complement => Some(Target::Descriptor(!complement)),
    }
}

/// The file that the trace's descriptor is open on, if it is the one that it was open
/// on at load.
pub fn traced_file(descriptor: i32) -> Option<File> {
    let was = (FILE.0.load(Relaxed), FILE.1.load(Relaxed));
    stat::file(descriptor).filter(|file| file.identity() == was)
}

/// Keeps what `NBCLONE_TRACE` asks for. False: it can't be understood.
fn set_trace(value: &[u8]) -> bool {
    let target = if value.first() == Some(&b'/') {
        // The kernel refuses such a path too.
        if value.len() >= PATH.len() {
            return false;
        }
        // Byte by byte: a copy would want memcpy, which glibc has versions of.
        PATH.iter().zip(value).for_each(|(place, &byte)| place.store(byte, Relaxed));
        TO_PATH
    } else if let Some(value) = value.strip_prefix(b"@") {
        let Some(ring) = errno::keep(|| attach(value)) else { return true };
        RING.store(ring, Relaxed);
        TO_COMMAND
    } else {
        let Some(descriptor) = numeral::parse(value) else { return false };
        let Some(file) = stat::file(descriptor) else { return true };
        let identity = file.identity();
        FILE.0.store(identity.0, Relaxed);
        FILE.1.store(identity.1, Relaxed);
        !descriptor
    };
    // Release: pairs with trace's Acquire, so that a reader that sees the target also
    // sees PATH, FILE and RING.
    TARGET.store(target, Release);
    true
}

/// nbclone(1)'s memory, by the numbers in `value`: the segment's id, the descriptor,
/// the key, and the address to knock at. By now segment and descriptor may be
/// another's, so that each is checked.
fn attach(value: &[u8]) -> Option<*mut Ring> {
    let mut numbers = [0i32; 4];
    let mut places = numbers.iter_mut();
    let mut number = places.next()?;
    for &byte in value {
        if byte == b',' {
            number = places.next()?;
        } else {
            *number = number.wrapping_mul(10).wrapping_add(i32::from(byte) - i32::from(b'0'));
        }
    }
    let [id, descriptor, key, door] = numbers;
    let is_ours = |ring: *mut Ring| {
        // SAFETY: null, or mapped: a segment is a page at least, and a file
        // with our seals doesn't shrink.
        unsafe { ring.as_ref() }.is_some_and(|ring| {
            ring.layout.load(Relaxed) == LAYOUT && ring.key.load(Relaxed) == key as u32
        })
    };
    let mut ring: *mut Ring = memory::segment(id).cast();
    if !is_ours(ring) {
        ring = memory::sealed_file(descriptor, SEALS, size_of::<Ring>()).cast();
    }
    if !is_ours(ring) {
        // So that nbclone(1) knows of a process whose lines won't come.
        memory::knock(door, key);
        return None;
    }
    Some(ring)
}

fn read() {
    let named = match environment::variable(POLICY) {
        None | Some(b"") => Some(Policy::Strict),
        Some(name) => Policy::named(name),
    };
    let policy = named.unwrap_or(Policy::Strict);
    // Relaxed: the number is all there is to see. TARGET, which comes later, has an
    // order of its own.
    let first = SETTINGS.compare_exchange(0, policy as u8 + 1, Relaxed, Relaxed).is_ok();
    if !first {
        return;
    }
    let trace = environment::variable(TRACE).filter(|value| !value.is_empty());
    let understood = trace.is_none_or(set_trace);
    if TARGET.load(Relaxed) == NOWHERE && !entry::has_state_to_save() {
        let gate = policy.gate();
        if gate != 0 {
            // Relaxed: a call in another thread that still sees 0 takes the slow path,
            // which asks `policy`.
            GATE.store(gate, Relaxed);
            identity::open_usual_call();
        }
    }
    if named.is_none() {
        write_line(
            libc::STDERR_FILENO,
            b"nbclone: NBCLONE_POLICY is none of strict, netbsd, host: strict is in force\n",
        );
    }
    if !understood {
        write_line(
            libc::STDERR_FILENO,
            b"nbclone: NBCLONE_TRACE is neither a descriptor nor an absolute path: no trace\n",
        );
    }
}
