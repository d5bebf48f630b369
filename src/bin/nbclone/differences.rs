// SPDX-License-Identifier: MIT OR Apache-2.0
// Copyright (c) 2026 The nbclone developers
//! The differences between NetBSD 10 and Linux that a program can notice, and
//! for which flag words each can matter.
//!
//! Source: 579 questions about clone(2), answered by NetBSD 10.99.12 and by
//! Linux (tests/fidelity/data, which has the numbers). All of these were
//! measured. 18, 20 and 21 are missing: only older NetBSD differs there.
//! `tests/fidelity/run` compares this list with the answers.

use crate::constants;
use crate::flags::*;

/// One difference.
pub struct Difference {
    /// Its number.
    pub number: u32,
    /// What it is about.
    pub topic: &'static str,
    /// What NetBSD does.
    pub netbsd: &'static str,
    /// What Linux does.
    pub linux: &'static str,
    /// When it matters to a program that makes such a call; "" if `applies`
    /// says it all.
    pub matters: &'static str,
    /// Whether it can matter, by flag word and stack argument.
    applies: fn(u32, u64) -> bool,
}

const SIGCHLD: u32 = constants::SIGCHLD as u32;

const fn signal(word: u32) -> u32 {
    word & CLONE_CSIGNAL
}

fn has(word: u32, bits: u32) -> bool {
    word & bits == bits
}

fn other_signal(word: u32) -> bool {
    signal(word) != 0 && signal(word) != SIGCHLD
}

macro_rules! differences {
    ($($number:literal, $topic:literal, $netbsd:literal, $linux:literal, $matters:literal, $applies:expr;)*) => {
        &[$(Difference {
            number: $number,
            topic: $topic,
            netbsd: $netbsd,
            linux: $linux,
            matters: $matters,
            applies: $applies,
        }),*]
    };
}

/// All of them.
pub const DIFFERENCES: &[Difference] = differences! {
    1, "exit signals 64 to 255", "EINVAL", "taken; 65 and up send nothing", "",
        |word, _| signal(word) >= 64;
    2, "CLONE_PTRACE, CLONE_PIDFD", "the first is EINVAL, the second is ignored", "a tracer for the child, a descriptor", "",
        |word, _| word & (CLONE_PTRACE | CLONE_PIDFD) != 0;
    3, "other bits that NetBSD doesn't implement", "ignored: an ordinary child", "they have effects", "",
        |word, _| word & !(NETBSD_FLAGS | CLONE_PTRACE | CLONE_PIDFD) != 0;
    4, "func or stack NULL", "EINVAL, nothing touched", "the same", "",
        |_, _| false;
    5, "a misaligned stack", "used as it is: the child may crash", "rounded down", "",
        |_, stack| stack % 16 != 0;
    6, "the memory below the stack argument", "never written before the child runs (i386: four bytes)", "libc writes there, on failure too", "",
        |_, _| false;
    7, "an unwritable or tiny stack", "the child gets SIGSEGV (i386: the caller)", "the caller does", "",
        |_, _| false;
    8, "the alternate signal stack", "the child has its parent's", "the child has none", "if a handler of the child runs on it: two processes on one stack",
        |word, _| word & (CLONE_VM | CLONE_VFORK) == CLONE_VM;
    9, "the exit signal after exec", "kept", "becomes SIGCHLD", "if the child execs",
        |word, _| signal(word) != SIGCHLD;
    10, "CLONE_FS after exec", "directory and umask are the child's own again", "they stay shared", "if the child execs",
        |word, _| has(word, CLONE_FS);
    11, "a parent that ignores SIGCHLD, or has SA_NOCLDWAIT", "every child is reaped by init, whatever its exit signal; waits give ECHILD", "only children with SIGCHLD", "if the program does that",
        |word, _| signal(word) != SIGCHLD;
    12, "SA_NOCLDWAIT with a handler", "no SIGCHLD is sent", "it is sent", "if the program does that",
        |word, _| signal(word) == SIGCHLD;
    13, "a child with CLONE_SIGHAND that ignores SIGCHLD", "the parent's zombies stay", "the parent's children leave no zombies either", "if the child does that",
        |word, _| has(word, CLONE_SIGHAND);
    14, "CLONE_SIGHAND, the parent ignores a signal, the child installs a handler", "signals to the parent are discarded still", "the handler runs", "if they do that",
        |word, _| has(word, CLONE_SIGHAND);
    15, "CLONE_SIGHAND, the parent ignores a signal, the child sets SIG_DFL", "the parent survives the signal", "it dies", "if they do that",
        |word, _| has(word, CLONE_SIGHAND);
    16, "CLONE_SIGHAND and SA_NOCLDSTOP", "not shared", "shared", "if one of them sets it",
        |word, _| has(word, CLONE_SIGHAND);
    17, "a blocked signal that is ignored (SIGCHLD by default)", "discarded", "queued", "if the program blocks the exit signal without a handler and looks for it with sigwait or sigpending",
        |word, _| signal(word) != 0;
    19, "siginfo of an exit signal other than SIGCHLD", "si_code is SI_USER; si_status is 0, or the signal that killed the child", "si_code is one of CLD_*; si_status is the exit code or the signal", "if a handler looks at it",
        |word, _| other_signal(word);
    22, "a signal to a parent that CLONE_VFORK suspends", "acts after the child's exit or exec, SIGKILL too", "SIGKILL and SIGTERM act at once", "if the child takes long",
        |word, _| has(word, CLONE_VFORK);
    23, "SIGTSTP and SIGTTIN to a child of CLONE_VFORK", "held until it execs or exits (SIGSTOP stops it)", "they stop the child, and the parent waits for it to continue", "if it gets one",
        |word, _| has(word, CLONE_VFORK);
    24, "when CLONE_VFORK returns because the child exited", "it can be waited for at once", "often not yet", "never for the worse: code that runs on Linux runs there",
        |_, _| false;
    25, "a record lock (fcntl) that a child with CLONE_FILES takes", "the child's own; the parent's descriptors keep it", "the parent's too", "if they lock files",
        |word, _| has(word, CLONE_FILES);
    26, "getpgid() of a zombie", "ESRCH", "works", "not the call's: any child's, fork's too",
        |_, _| false;
    27, "the bits of waitpid's options", "WALTSIG and WALLSIG", "__WCLONE and __WALL: other bits, the same meaning", "the names have to be changed",
        |word, _| signal(word) != SIGCHLD;
    28, "a value of func beyond 0 to 255 (-1, say)", "the wait status and si_status have all its bits: 0x123400 and 0x1234", "its low eight bits alone: 0x3400 and 0x34", "if the program looks at them without WEXITSTATUS",
        |_, _| true;
    29, "a SIGCHLD that is pending still when a child that was stopped exits", "its siginfo becomes the exit's", "it stays the stop's, or the continue's", "if children are stopped and a handler looks at it",
        |word, _| signal(word) == SIGCHLD;
};

/// The differences that can matter for a call.
pub fn of(word: u32, stack: u64) -> impl Iterator<Item = &'static Difference> {
    DIFFERENCES.iter().filter(move |difference| (difference.applies)(word, stack))
}
