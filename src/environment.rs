//! What the environment asks for: read once, when the library is loaded.
#![allow(unsafe_code)]

use crate::flags::*;
use crate::output;
use crate::translate::Policy;
use core::ffi::CStr;
use core::sync::atomic::{AtomicU8, AtomicU32, Ordering::Relaxed};

const POLICY: &CStr = c"NBCLONE_POLICY";

/// Which flag words go straight to the kernel: those whose bits in `GATE`
/// are `CLONE_VM` alone. 0, which no word passes: not read yet, or not strict.
static GATE: AtomicU32 = AtomicU32::new(0);

/// `GATE` under strict: words of NetBSD's flags with `CLONE_VM` and a signal
/// below 64. They are valid, mean the same to Linux, and their child shares
/// its parent's libc state as it is.
const STRICT_GATE: u32 = !(NETBSD_FLAGS & !CLONE_VM & !CLONE_CSIGNAL | 63);

/// The policy: 0 not read yet, else its place in `POLICIES` plus 1.
static SETTINGS: AtomicU8 = AtomicU8::new(0);

const POLICIES: [(&[u8], Policy); 3] =
    [(b"strict", Policy::Strict), (b"netbsd", Policy::Netbsd), (b"host", Policy::Host)];

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
    POLICIES.get(place).map_or(Policy::Strict, |&(_, policy)| policy)
}

extern "C" fn read() {
    let value = variable(POLICY);
    let place = match value {
        None | Some(b"") => Some(0),
        Some(name) => POLICIES.iter().position(|&(known, _)| known == name),
    };
    let settings = place.unwrap_or(0) as u8 + 1;
    let first = SETTINGS.compare_exchange(0, settings, Relaxed, Relaxed).is_ok();
    if !first {
        return;
    }
    if settings == 1 {
        GATE.store(STRICT_GATE, Relaxed);
    }
    if place.is_none() {
        output::write_line(
            libc::STDERR_FILENO,
            b"nbclone: NBCLONE_POLICY is none of strict, netbsd, host: strict is in force\n",
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
