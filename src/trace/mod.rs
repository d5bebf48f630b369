// SPDX-License-Identifier: MIT OR Apache-2.0
// Copyright (c) 2026 The nbclone developers
//! `NBCLONE_TRACE`: one line for each call, written by the caller after it.
//!
//! The program has to behave as without it: no allocation, no stdio, no lock,
//! no errno, no descriptor that stays open, nothing in the child. Where a line
//! can't be written at once, it is lost; the next one says how many were.
//!
//! nbclone(1) documents the line; src/bin/nbclone/parse.rs reads it.

pub mod line;
pub mod module;
pub mod words;
pub mod write;

use self::line::Line;
use self::words::Bits;
use crate::flags::*;
use crate::policy::Refusal;
use crate::settings::Target;
use crate::{host, settings};
use core::sync::atomic::{AtomicU32, Ordering::Relaxed};
use libc::pid_t;

/// How many lines this process couldn't write since the last one that it wrote.
static LOST: AtomicU32 = AtomicU32::new(0);

/// Why the shim itself refuses a call: a text, and for the last two of them the flag
/// word's bits.
#[derive(Clone, Copy)]
pub struct Reason {
    text: Text,
    bits: u32,
}

/// The first are in the order of `REASONS`.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Text {
    Func,
    Stack,
    LowStack,
    SighandWithoutVm,
    Ptrace,
    Linux1Flags,
    Unimplemented,
    ExitSignal,
}

impl Reason {
    /// `func` is NULL.
    pub const FUNC: Reason = Reason { text: Text::Func, bits: 0 };
    /// `stack` is NULL.
    pub const STACK: Reason = Reason { text: Text::Stack, bits: 0 };
    /// `sp` is in the first page.
    pub const LOW_STACK: Reason = Reason { text: Text::LowStack, bits: 0 };

    /// Why a flag word is refused.
    pub fn of(refusal: Refusal) -> Reason {
        let (text, bits) = match refusal {
            Refusal::Unimplemented(bits) => (Text::Unimplemented, bits),
            Refusal::Ptrace => (Text::Ptrace, 0),
            Refusal::ExitSignal(signal) => (Text::ExitSignal, signal),
            Refusal::SighandWithoutVm => (Text::SighandWithoutVm, 0),
        };
        Reason { text, bits }
    }

    /// Why a flag word of Linux 1.x is refused.
    pub fn of_linux1(refusal: Refusal) -> Reason {
        match refusal {
            Refusal::Unimplemented(_) => Reason { text: Text::Linux1Flags, bits: 0 },
            other => Reason::of(other),
        }
    }
}

/// What a call asked for.
pub enum Call {
    /// NetBSD's clone.
    Clone { func: usize, stack: usize, flags: u32, arg: usize },
    /// Linux 1.x's clone.
    Linux1 { sp: usize, flags: usize },
}

/// How it went.
#[derive(Clone, Copy)]
pub enum Outcome {
    /// The child's id.
    Made(pid_t),
    /// The kernel's errno.
    Failed(i32),
    /// EINVAL, by the shim.
    Refused(Reason),
}

impl Outcome {
    /// What the kernel returned: an id, or -errno.
    pub fn of(raw: isize) -> Outcome {
        if raw < 0 {
            Outcome::Failed(raw.wrapping_neg() as i32)
        } else {
            Outcome::Made(raw as pid_t)
        }
    }
}

/// Writes the line of one call, if there is a trace. `caller`: clone's return
/// address, 0 if unknown.
#[cold]
#[inline(never)]
pub fn write(call: &Call, outcome: Outcome, caller: usize) {
    let Some(target) = settings::trace() else { return };
    if let Target::Command(ring) = target {
        // Counted before anything can fail: nbclone(1) compares the lines with this count.
        ring.calls.fetch_add(1, Relaxed);
    }
    // A handler that leaves by longjmp would leave a descriptor open.
    let mask = host::block_signals(&host::SignalSet::ALL);
    let mut line = Line::new();
    let lost = LOST.swap(0, Relaxed);

    line.literal(c"nbclone[");
    line.decimal(host::getpid());
    line.byte(b'/');
    line.decimal(host::gettid());
    line.literal(c"] ");
    if lost != 0 {
        line.literal(c"lost=");
        line.decimal(lost as i32);
        line.byte(b' ');
    }
    add_call(&mut line, call);
    add_outcome(&mut line, outcome);
    if caller != 0 {
        line.literal(c" <caller ");
        if !module::add_module(&mut line, c"", caller) {
            line.address(caller);
        }
        line.byte(b'>');
    }
    if !write::write_at_once(target, line.finish()) {
        LOST.fetch_add(lost.wrapping_add(1), Relaxed);
    }
    host::set_signal_mask(&mask);
}

fn add_call(line: &mut Line, call: &Call) {
    match *call {
        Call::Clone { func, stack, flags, arg } => {
            line.literal(c"clone(func=");
            line.address(func);
            if module::add_module(line, c" <", func) {
                line.byte(b'>');
            }
            line.literal(c", stack=");
            line.address(stack);
            line.literal(c", flags=");
            for bit in Bits::of(flags) {
                add_flag(line, bit);
                line.byte(b'|');
            }
            add_signal(line, flags);
            line.literal(c", arg=");
            line.address(arg);
        }
        Call::Linux1 { sp, flags } => {
            line.literal(c"linux1_clone(sp=");
            line.address(sp);
            line.literal(c", flags=");
            let low = COPYVM | COPYFD | CLONE_FILES | CLONE_SIGHAND;
            let named = if is_linux1_3(flags as u32) { low } else { COPYVM | COPYFD };
            for bit in Bits::of(flags as u32 & named) {
                match bit {
                    _ if named == low => add_flag(line, bit),
                    COPYVM => line.literal(c"COPYVM"),
                    _ => line.literal(c"COPYFD"),
                }
                line.byte(b'|');
            }
            let rest = flags & !((named | CLONE_CSIGNAL) as usize);
            if rest != 0 {
                line.address(rest);
                line.byte(b'|');
            }
            add_signal(line, flags as u32);
        }
    }
    line.byte(b')');
}

/// The flag's name.
#[inline(never)]
fn add_flag(line: &mut Line, bit: u32) {
    line.literal(c"CLONE_");
    line.text(words::flag(bit));
}

/// The exit signal, 0 for none.
fn add_signal(line: &mut Line, word: u32) {
    let signal = word & CLONE_CSIGNAL;
    match words::signal(signal) {
        Some(name) => {
            line.literal(c"SIG");
            line.text(name);
        }
        None => line.decimal(signal as i32),
    }
}

fn add_outcome(line: &mut Line, outcome: Outcome) {
    line.literal(c" = ");
    match outcome {
        Outcome::Made(pid) => line.decimal(pid),
        Outcome::Failed(error) => {
            line.literal(c"-1 ");
            let (name, reason) = words::error(error);
            match name {
                b"" => line.decimal(error),
                _ => line.text(name),
            }
            line.literal(c" (");
            line.text(if reason.is_empty() { b"the kernel's answer" } else { reason });
            line.byte(b')');
        }
        Outcome::Refused(reason) => {
            line.literal(c"-1 EINVAL (");
            add_reason(line, reason);
            line.byte(b')');
        }
    }
}

/// The reasons that are one text. (A `match` with a text in each arm would become
/// a table of jumps, to places without a landing pad.)
const REASONS: &[u8] = b"\
func is NULL
stack is NULL
sp is no stack: Linux 1.x has sp first, then flags
CLONE_SIGHAND without CLONE_VM: handlers are shared with memory only
NetBSD refuses CLONE_PTRACE
Linux 1.x has COPYVM, COPYFD and an exit signal only";

fn add_reason(line: &mut Line, reason: Reason) {
    match reason.text {
        Text::Unimplemented => add_lacking(line, reason.bits),
        Text::ExitSignal => {
            line.decimal(reason.bits as i32);
            line.literal(c" is no signal");
        }
        text => line.text(words::part(REASONS, b'\n', text as usize)),
    }
}

/// The reasons for the lowest bits; the flags themselves are in the line.
fn add_lacking(line: &mut Line, bits: u32) {
    for (count, bit) in Bits::of(bits).enumerate() {
        if count == 3 {
            line.literal(c"and others; ");
            break;
        }
        add_flag(line, bit);
        line.literal(c": NetBSD has no ");
        line.text(words::lacking(bit));
        line.literal(c"; ");
    }
    // No other policy refuses them.
    line.literal(c"policy strict refuses ");
    let several = bits & bits.wrapping_sub(1) != 0;
    line.literal(if several { c"them" } else { c"it" });
}
