//! What the environment asks for: read once, when the library is loaded.
#![allow(unsafe_code)]

use crate::flags::*;
use crate::host::decimal;
use crate::host::message::write_line;
use crate::policy::Policy;
use core::ffi::CStr;
use core::sync::atomic::{AtomicI32, AtomicU8, AtomicU32};
use core::sync::atomic::{Ordering::Acquire, Ordering::Relaxed, Ordering::Release};

const POLICY: &CStr = c"NBCLONE_POLICY";
const TRACE: &CStr = c"NBCLONE_TRACE";

/// Which flag words go straight to the kernel: those whose bits in `GATE`
/// are `CLONE_VM` alone. 0, which no word passes: not read yet, not strict, or
/// traced.
static GATE: AtomicU32 = AtomicU32::new(0);

/// `GATE` under strict: words of NetBSD's flags with `CLONE_VM` and a signal
/// below 64. They are valid, mean the same to Linux, and their child shares
/// its parent's libc state as it is.
const STRICT_GATE: u32 = !(NETBSD_FLAGS & !CLONE_VM & !CLONE_CSIGNAL | 63);

/// The policy: 0 not read yet, else its place in `Policy::NAMES` plus 1.
static SETTINGS: AtomicU8 = AtomicU8::new(0);

/// Where the trace goes: a descriptor's number, or one of these.
static TARGET: AtomicI32 = AtomicI32::new(NOWHERE);
const NOWHERE: i32 = -1;
const TO_PATH: i32 = -2;

/// The trace file's path with its NUL: the program may change its environment.
/// Written before TARGET says so, and never again.
static PATH: [AtomicU8; libc::PATH_MAX as usize] =
    [const { AtomicU8::new(0) }; libc::PATH_MAX as usize];

/// Where a line of the trace goes.
#[derive(Clone, Copy)]
pub enum Target {
    /// A descriptor that is the program's.
    Descriptor(i32),
    /// A file, by its absolute path.
    Path(&'static CStr),
}

/// Before the program's own constructors, where it is preloaded or linked.
#[used]
#[unsafe(link_section = ".init_array")]
static AT_LOAD: extern "C" fn() = read;

/// Whether `word` needs no more than to be handed to the kernel.
#[inline(always)]
pub fn passes(word: u32) -> bool {
    word & GATE.load(Relaxed) == CLONE_VM
}

/// The policy in force.
pub fn policy() -> Policy {
    if SETTINGS.load(Relaxed) == 0 {
        // A constructor that ran before ours has called.
        read();
    }
    let place = usize::from(SETTINGS.load(Relaxed)).wrapping_sub(1);
    Policy::NAMES.get(place).map_or(Policy::Strict, |&(_, policy)| policy)
}

/// Whether there is a trace, once the policy is known.
#[inline(always)]
pub fn is_traced() -> bool {
    TARGET.load(Relaxed) != NOWHERE
}

/// Where lines of the trace go, if they are asked for.
#[inline(never)]
pub fn trace() -> Option<Target> {
    if SETTINGS.load(Relaxed) == 0 {
        read();
    }
    match TARGET.load(Acquire) {
        NOWHERE => None,
        TO_PATH => {
            // SAFETY: bytes with a NUL at their end, that don't change any more.
            let path = unsafe { CStr::from_ptr(PATH.as_ptr().cast()) };
            Some(Target::Path(path))
        }
        descriptor => Some(Target::Descriptor(descriptor)),
    }
}

/// Keeps what `NBCLONE_TRACE` asks for. False: it can't be understood.
fn set_trace(value: &[u8]) -> bool {
    let target = if value.first() == Some(&b'/') {
        // Too long for the kernel too.
        if value.len() >= PATH.len() {
            return false;
        }
        // Byte by byte: a copy would want memcpy, which glibc has versions of.
        PATH.iter().zip(value).for_each(|(place, &byte)| place.store(byte, Relaxed));
        TO_PATH
    } else {
        let Some(descriptor) = decimal::parse(value) else { return false };
        descriptor
    };
    TARGET.store(target, Release);
    true
}

#[cold]
extern "C" fn read() {
    let value = variable(POLICY);
    let place = match value {
        None | Some(b"") => Some(0),
        Some(name) => Policy::NAMES.iter().position(|(known, _)| known.as_bytes() == name),
    };
    let settings = place.unwrap_or(0) as u8 + 1;
    let first = SETTINGS.compare_exchange(0, settings, Relaxed, Relaxed).is_ok();
    if !first {
        return;
    }
    let trace = variable(TRACE).filter(|value| !value.is_empty());
    let understood = trace.is_none_or(set_trace);
    if settings == 1 && TARGET.load(Relaxed) == NOWHERE {
        GATE.store(STRICT_GATE, Relaxed);
    }
    if place.is_none() {
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

/// A variable's value; nothing in a secure-execution process (AT_SECURE).
fn variable(name: &CStr) -> Option<&'static [u8]> {
    // SAFETY: the name ends in NUL; at load no other thread changes the
    // environment, and the value is only looked at before this returns.
    unsafe {
        let value = secure_getenv(name.as_ptr());
        if value.is_null() { None } else { Some(CStr::from_ptr(value).to_bytes()) }
    }
}

unsafe extern "C" {
    /// glibc 2.17, musl 1.1.24.
    fn secure_getenv(name: *const libc::c_char) -> *const libc::c_char;
}
