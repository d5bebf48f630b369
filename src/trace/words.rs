// SPDX-License-Identifier: MIT OR Apache-2.0
// Copyright (c) 2026 The nbclone developers
//! The names of flags, signals and errors, and what NetBSD lacks, in words.
//! Pure: the command includes this file too.
//!
//! The tables hold no addresses, so that the loader has nothing to relocate.

use crate::constants;
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

/// A flag's name without its CLONE_, and what stands behind "NetBSD has no" in the
/// reason why it lacks the flag, "" if it doesn't.
pub fn flag(bit: u32) -> (&'static [u8], &'static [u8]) {
    let place = bit.trailing_zeros().wrapping_sub(CLONE_CSIGNAL.count_ones());
    let line = part(FLAGS, b'\n', place as usize);
    (part(line, b'|', 0), part(line, b'|', 1))
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

/// Number and name. A number has one byte, so that no entry is padded.
const SIGNALS: [(u8, [u8; 6]); 31] = [
    (libc::SIGHUP as u8, *b"HUP   "),
    (libc::SIGINT as u8, *b"INT   "),
    (libc::SIGQUIT as u8, *b"QUIT  "),
    (libc::SIGILL as u8, *b"ILL   "),
    (libc::SIGTRAP as u8, *b"TRAP  "),
    (libc::SIGABRT as u8, *b"ABRT  "),
    (constants::SIGBUS as u8, *b"BUS   "),
    (libc::SIGFPE as u8, *b"FPE   "),
    (libc::SIGKILL as u8, *b"KILL  "),
    (constants::SIGUSR1 as u8, *b"USR1  "),
    (libc::SIGSEGV as u8, *b"SEGV  "),
    (constants::SIGUSR2 as u8, *b"USR2  "),
    (libc::SIGPIPE as u8, *b"PIPE  "),
    (libc::SIGALRM as u8, *b"ALRM  "),
    (libc::SIGTERM as u8, *b"TERM  "),
    (constants::SIGCHLD as u8, *b"CHLD  "),
    (constants::SIGCONT as u8, *b"CONT  "),
    (constants::SIGSTOP as u8, *b"STOP  "),
    (constants::SIGTSTP as u8, *b"TSTP  "),
    (constants::SIGTTIN as u8, *b"TTIN  "),
    (constants::SIGTTOU as u8, *b"TTOU  "),
    (constants::SIGURG as u8, *b"URG   "),
    (constants::SIGXCPU as u8, *b"XCPU  "),
    (constants::SIGXFSZ as u8, *b"XFSZ  "),
    (constants::SIGVTALRM as u8, *b"VTALRM"),
    (constants::SIGPROF as u8, *b"PROF  "),
    (constants::SIGWINCH as u8, *b"WINCH "),
    (constants::SIGIO as u8, *b"IO    "),
    (constants::SIGSYS as u8, *b"SYS   "),
    (SIGPWR, *b"PWR   "),
    (SIGSTKFLT, *b"STKFLT"),
];

// Some architectures lack one, and libc's crate its name.
const IS_SPARC: bool = cfg!(target_arch = "sparc64");
const SIGPWR: u8 = if IS_MIPS {
    19
} else if IS_SPARC {
    29
} else {
    30
};
const SIGSTKFLT: u8 = if IS_MIPS || IS_SPARC { 0 } else { 16 };

/// A signal's name without its SIG; `None` for 0, real-time signals, and
/// what is none.
pub fn signal(number: u32) -> Option<&'static [u8]> {
    let known = |&&(signal, _): &&(u8, [u8; 6])| signal != 0 && u32::from(signal) == number;
    SIGNALS.iter().find(known).map(|(_, name)| part(name, b' ', 0))
}

const ERRORS: [(u8, [u8; 10]); 11] = [
    (libc::EPERM as u8, *b"EPERM     "),
    (libc::EINTR as u8, *b"EINTR     "),
    (libc::EAGAIN as u8, *b"EAGAIN    "),
    (libc::ENOMEM as u8, *b"ENOMEM    "),
    (libc::EBUSY as u8, *b"EBUSY     "),
    (libc::EINVAL as u8, *b"EINVAL    "),
    (libc::EMFILE as u8, *b"EMFILE    "),
    (libc::ENOSPC as u8, *b"ENOSPC    "),
    (libc::ENOSYS as u8, *b"ENOSYS    "),
    (libc::EUSERS as u8, *b"EUSERS    "),
    (libc::EOPNOTSUPP as u8, *b"EOPNOTSUPP"),
];

/// An errno's name, if clone(2) is known to give it.
pub fn error(number: i32) -> Option<&'static [u8]> {
    ERRORS
        .iter()
        .find(|&&(error, _)| i32::from(error) == number)
        .map(|(_, name)| part(name, b' ', 0))
}

const KERNEL_REASONS: &[u8] = b"\
a limit on processes is reached
the kernel has no memory for it
Linux refuses this combination
Linux wants a privilege for it, or a filter refuses it
a limit on namespaces is reached
this kernel, or a filter, doesn't have it
the kernel's answer";

/// Why the kernel gave that errno.
pub fn kernel_reason(number: i32) -> &'static [u8] {
    let place = match number {
        libc::EAGAIN => 0,
        libc::ENOMEM => 1,
        libc::EINVAL => 2,
        libc::EPERM => 3,
        libc::ENOSPC | libc::EUSERS => 4,
        libc::ENOSYS => 5,
        _ => 6,
    };
    part(KERNEL_REASONS, b'\n', place)
}
