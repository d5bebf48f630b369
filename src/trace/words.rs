// SPDX-License-Identifier: MIT OR Apache-2.0
// Copyright (c) 2026 The nbclone developers
//! The names of flags, signals and errors, and what NetBSD lacks, in words.
//! Pure: the command includes this file too.
//!
//! The tables hold no addresses, so that the loader has nothing to relocate.

use crate::flags::{CLONE_CSIGNAL, IS_MIPS};

/// The names of the bits 8 to 31 in order without their CLONE_, each with what
/// NetBSD has not; nothing for the five that it has.
const FLAGS: &[u8] = b"\
VM|
FS|
FILES|
SIGHAND|
PIDFD|descriptors for processes
PTRACE|tracer that a child inherits
VFORK|
PARENT|child that is its creator's sibling
THREAD|threads by clone, only by _lwp_create
NEWNS|mount namespaces
SYSVSEM|semaphore undo values that processes share
SETTLS|thread pointer among clone's arguments
PARENT_SETTID|id stored for the parent
CHILD_CLEARTID|id cleared at the child's end
DETACHED|such flag, nor has Linux since 2.6
UNTRACED|flag against tracers: they follow by their own choice
CHILD_SETTID|id stored for the child
NEWCGROUP|control groups
NEWUTS|UTS namespaces
NEWIPC|IPC namespaces
NEWUSER|user namespaces
NEWPID|PID namespaces
NEWNET|network namespaces
IO|I/O contexts
";

/// The bits of a flag word above the exit signal, lowest first.
pub struct Bits(u32);

impl Bits {
    /// Those of `word`.
    pub fn of(word: u32) -> Bits {
        Bits(word & !CLONE_CSIGNAL)
    }
}

impl Iterator for Bits {
    type Item = u32;

    fn next(&mut self) -> Option<u32> {
        let lowest = self.0 & self.0.wrapping_neg();
        self.0 ^= lowest;
        (lowest != 0).then_some(lowest)
    }
}

/// A flag's name without its CLONE_.
pub fn flag(bit: u32) -> &'static [u8] {
    field(FLAGS, place_of(bit), 0)
}

/// What stands behind "NetBSD has no" in the reason why it lacks the flag, "" if it doesn't.
#[allow(dead_code)]
pub fn lacking(bit: u32) -> &'static [u8] {
    field(FLAGS, place_of(bit), 1)
}

fn place_of(bit: u32) -> usize {
    bit.trailing_zeros().wrapping_sub(CLONE_CSIGNAL.count_ones()) as usize
}

/// A field of a line of a table.
#[inline(never)]
fn field(table: &[u8], line: usize, field: usize) -> &[u8] {
    part(part(table, b'\n', line), b'|', field)
}

/// The part of a text that `count` separators stand before, or nothing. A table of
/// texts in one text: no addresses, and no table of jumps where it is looked up.
#[inline(never)]
pub fn part(mut text: &[u8], separator: u8, mut count: usize) -> &[u8] {
    loop {
        let end = text.iter().position(|&byte| byte == separator).unwrap_or(text.len());
        let (part, rest) = text.split_at(end);
        if count == 0 {
            return part;
        }
        let Some((_, rest)) = rest.split_first() else { return rest };
        text = rest;
        count -= 1;
    }
}

/// The names of the signals from 1 on, in the order of their numbers, without their SIG.
const SIGNALS: &[u8] = if IS_MIPS {
    b"HUP INT QUIT ILL TRAP ABRT EMT FPE KILL BUS SEGV SYS PIPE ALRM TERM USR1 USR2 CHLD \
      PWR WINCH URG IO STOP TSTP CONT TTIN TTOU VTALRM PROF XCPU XFSZ"
} else if cfg!(target_arch = "sparc64") {
    b"HUP INT QUIT ILL TRAP ABRT EMT FPE KILL BUS SEGV SYS PIPE ALRM TERM URG STOP TSTP \
      CONT CHLD TTIN TTOU IO XCPU XFSZ VTALRM PROF WINCH PWR USR1 USR2"
} else {
    b"HUP INT QUIT ILL TRAP ABRT BUS FPE KILL USR1 SEGV USR2 PIPE ALRM TERM STKFLT CHLD \
      CONT STOP TSTP TTIN TTOU URG XCPU XFSZ VTALRM PROF WINCH IO PWR SYS"
};

/// A signal's name without its SIG; `None` for 0, real-time signals, and
/// what is none.
pub fn signal(number: u32) -> Option<&'static [u8]> {
    matches!(number, 1..=31).then(|| part(SIGNALS, b' ', number as usize - 1))
}

/// The errors of `ERROR_TEXTS`, in its order.
const ERRORS: [i16; 11] = [
    libc::EAGAIN as i16,
    libc::ENOMEM as i16,
    libc::EINVAL as i16,
    libc::EPERM as i16,
    libc::ENOSPC as i16,
    libc::EUSERS as i16,
    libc::ENOSYS as i16,
    libc::EINTR as i16,
    libc::EBUSY as i16,
    libc::EMFILE as i16,
    libc::EOPNOTSUPP as i16,
];

/// Their names, each with why clone(2) gives it, where that is known.
const ERROR_TEXTS: &[u8] = b"\
EAGAIN|a limit on processes is reached
ENOMEM|the kernel has no memory for it
EINVAL|Linux refuses this combination
EPERM|Linux wants a privilege for it, or a filter refuses it
ENOSPC|a limit on namespaces is reached
EUSERS|a limit on namespaces is reached
ENOSYS|this kernel, or a filter, doesn't have it
EINTR|
EBUSY|
EMFILE|
EOPNOTSUPP|
";

/// An errno's name, and why the kernel gave it; either is "" if it isn't known.
#[inline(always)]
pub fn error(number: i32) -> (&'static [u8], &'static [u8]) {
    let place = ERRORS.iter().position(|&error| i32::from(error) == number);
    let place = place.unwrap_or(ERRORS.len());
    (field(ERROR_TEXTS, place, 0), field(ERROR_TEXTS, place, 1))
}
