// SPDX-License-Identifier: MIT OR Apache-2.0
// Copyright (c) 2026 The nbclone developers
//! What NetBSD 10 does with a call, by its flag word.
//!
//! Source: answers of NetBSD 10.99.12 (tests/fidelity/data, and what
//! tests/conformance/otherbits.c found there); where nobody asked it, clone(2)
//! of NetBSD 10 and its kern_fork.c, which do nothing for the bit. The words
//! say which.

use crate::flags::*;
use crate::parse::Entry;
use crate::words::{self, Bits};

/// NetBSD's `_NSIG`: exit signals are below it.
const NSIG: u32 = 64;

/// The fate of a call on NetBSD 10.
#[derive(Debug, PartialEq)]
pub enum Fate {
    /// As on Linux, but for the measured differences.
    Alike,
    /// EINVAL, and why.
    Refused(String),
    /// EINVAL on Linux too, and why.
    RefusedAlike(String),
    /// These bits do nothing there.
    Ignored(Vec<u32>),
    /// There is no such function.
    Missing,
}

impl Fate {
    /// Of a call of `entry` with `word`.
    pub fn of(entry: Entry, word: u32) -> Fate {
        let signal = word & CLONE_CSIGNAL;
        if entry == Entry::Linux1 {
            return Fate::Missing;
        }
        if word & CLONE_PTRACE != 0 {
            return Fate::Refused("CLONE_PTRACE".to_owned());
        }
        if signal >= NSIG {
            return Fate::Refused(format!("exit signal {signal}: its signals end at {}", NSIG - 1));
        }
        if word & (CLONE_SIGHAND | CLONE_VM) == CLONE_SIGHAND {
            return Fate::RefusedAlike("CLONE_SIGHAND without CLONE_VM".to_owned());
        }
        let ignored: Vec<u32> =
            Bits::of(word & !NETBSD_FLAGS).filter(|&bit| lost(bit).is_some()).collect();
        if ignored.is_empty() { Fate::Alike } else { Fate::Ignored(ignored) }
    }

    /// Whether the call site has to be changed.
    pub fn needs_work(&self) -> bool {
        !matches!(self, Fate::Alike | Fate::RefusedAlike(_))
    }

    /// One word for it, for scripts.
    pub fn keyword(&self) -> &'static str {
        match self {
            Fate::Alike => "alike",
            Fate::RefusedAlike(_) => "refused alike",
            Fate::Refused(_) => "refused",
            Fate::Ignored(_) => "ignored",
            Fate::Missing => "missing",
        }
    }

    /// In words, one sentence a line.
    pub fn words(&self) -> Vec<String> {
        match self {
            Fate::Alike => vec!["works alike".to_owned()],
            Fate::Refused(why) => vec![format!("refused with EINVAL: {why}")],
            Fate::RefusedAlike(why) => vec![format!("refused with EINVAL, as by Linux: {why}")],
            Fate::Missing => {
                vec!["NetBSD never had Linux 1.x's clone: call clone, or fork".to_owned()]
            }
            Fate::Ignored(bits) => bits
                .iter()
                .filter_map(|&bit| {
                    let name = String::from_utf8_lossy(words::flag(bit));
                    let (what, known) = lost(bit)?;
                    Some(format!("ignores CLONE_{name}: {what} ({})", known.words()))
                })
                .collect(),
        }
    }
}

/// How it is known what a bit lacks. (That it is ignored was measured for all.)
#[derive(Clone, Copy)]
enum Known {
    /// NetBSD 10.99.12 showed it.
    Measured,
    /// The manual and the source have nothing of the kind.
    Read,
}

impl Known {
    fn words(self) -> &'static str {
        match self {
            Known::Measured => "measured",
            Known::Read => "from its source",
        }
    }
}

/// What a program doesn't get where a bit is ignored, and how that is known;
/// `None` for bits that do nothing on Linux either.
fn lost(bit: u32) -> Option<(&'static str, Known)> {
    use Known::{Measured, Read};
    Some(match words::flag(bit) {
        b"PIDFD" => ("no descriptor for the child is stored", Measured),
        b"PARENT" => {
            ("the child is the caller's, not its sibling; getppid() tells the caller", Measured)
        }
        b"THREAD" => (
            "the child is a process of its own with its own pid, and has to be waited for",
            Measured,
        ),
        b"NEWNS" => ("the child's mounts are everyone's", Read),
        b"SYSVSEM" => ("semaphore undo values aren't shared", Read),
        b"SETTLS" => ("the child keeps the caller's thread pointer", Measured),
        b"PARENT_SETTID" => ("no id is stored for the caller", Measured),
        b"CHILD_CLEARTID" => {
            ("no id is cleared when the child ends, so that no waiter wakes", Measured)
        }
        b"UNTRACED" => ("a tracer's own choice decides whether the child is traced", Read),
        b"CHILD_SETTID" => ("no id is stored for the child", Measured),
        b"NEWCGROUP" => ("there is no control group for the child alone", Read),
        b"NEWUTS" => ("a host name set in the child is everyone's", Read),
        b"NEWIPC" => ("System V IPC objects and message queues are everyone's", Read),
        b"NEWUSER" => {
            ("the child's user and group ids are everyone's: it gains no privilege", Read)
        }
        b"NEWPID" => (
            "the child isn't process 1 of its own; it sees, and can signal, all processes",
            Measured,
        ),
        b"NEWNET" => ("the child's interfaces, addresses and ports are everyone's", Read),
        b"IO" => ("I/O scheduling isn't shared", Read),
        // CLONE_DETACHED does nothing on Linux either.
        _ => return None,
    })
}
