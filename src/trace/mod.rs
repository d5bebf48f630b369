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
use crate::policy::{Policy, Refusal};
use crate::settings::Target;
use crate::{host, settings};
use core::sync::atomic::{AtomicU32, Ordering::Relaxed};
use libc::pid_t;

/// How many lines this process couldn't write since the last one that it wrote.
static LOST: AtomicU32 = AtomicU32::new(0);

/// Why the shim itself refuses a call.
#[derive(Clone, Copy)]
pub enum Reason {
    /// `func` is NULL.
    Func,
    /// `stack` is NULL.
    Stack,
    /// `sp` is in the first page.
    LowStack,
    /// The flag word, by the policy; `None`: Linux 1.x's, which has none.
    Flags(Option<Policy>, Refusal),
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
#[inline(always)]
pub fn call(call: &Call, outcome: Outcome, caller: usize) {
    if settings::is_traced() {
        write(call, outcome, caller);
    }
}

#[cold]
#[inline(never)]
fn write(call: &Call, outcome: Outcome, caller: usize) {
    let Some(target) = settings::trace() else { return };
    if let Target::Command(ring) = target {
        // Counted before anything can fail: nbclone(1) compares the lines with this count.
        ring.calls.fetch_add(1, Relaxed);
    }
    // A handler that leaves by longjmp would leave a descriptor open.
    let mask = host::block_signals(&host::SignalSet::ALL);
    let mut line = Line::new();
    let lost = LOST.swap(0, Relaxed);

    line.text(b"nbclone[");
    line.decimal(host::getpid());
    line.byte(b'/');
    line.decimal(host::gettid());
    line.text(b"] ");
    if lost != 0 {
        line.text(b"lost=");
        line.decimal(lost.min(i32::MAX as u32) as i32);
        line.byte(b' ');
    }
    add_call(&mut line, call);
    add_outcome(&mut line, outcome);
    if caller != 0 && !module::add_module(&mut line, b" <caller ", caller) {
        line.text(b" <caller ");
        line.address(caller);
        line.byte(b'>');
    }
    if !write::write_at_once(target, line.finish()) {
        LOST.fetch_add(lost.saturating_add(1), Relaxed);
    }
    host::set_signal_mask(&mask);
}

fn add_call(line: &mut Line, call: &Call) {
    match *call {
        Call::Clone { func, stack, flags, arg } => {
            line.text(b"clone(func=");
            line.address(func);
            module::add_module(line, b" <", func);
            line.text(b", stack=");
            line.address(stack);
            line.text(b", flags=");
            for bit in Bits::of(flags) {
                add_flag(line, bit);
                line.byte(b'|');
            }
            add_signal(line, flags);
            line.text(b", arg=");
            line.address(arg);
        }
        Call::Linux1 { sp, flags } => {
            line.text(b"linux1_clone(sp=");
            line.address(sp);
            line.text(b", flags=");
            let low = COPYVM | COPYFD | CLONE_FILES | CLONE_SIGHAND;
            let named = if is_linux1_3(flags as u32) { low } else { COPYVM | COPYFD };
            for bit in Bits::of(flags as u32 & named) {
                match bit {
                    _ if named == low => _ = add_flag(line, bit),
                    COPYVM => line.text(b"COPYVM"),
                    _ => line.text(b"COPYFD"),
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

/// The flag's name. Returns what NetBSD lacks.
#[inline(never)]
fn add_flag(line: &mut Line, bit: u32) -> &'static [u8] {
    let (name, lacking) = words::flag(bit);
    line.text(b"CLONE_");
    line.text(name);
    lacking
}

/// The exit signal, 0 for none.
fn add_signal(line: &mut Line, word: u32) {
    let signal = word & CLONE_CSIGNAL;
    match words::signal(signal) {
        Some(name) => {
            line.text(b"SIG");
            line.text(name);
        }
        None => line.decimal(signal as i32),
    }
}

#[inline(never)]
fn add_outcome(line: &mut Line, outcome: Outcome) {
    line.text(b" = ");
    match outcome {
        Outcome::Made(pid) => line.decimal(pid),
        Outcome::Failed(error) => {
            line.text(b"-1 ");
            match words::error(error) {
                Some(name) => line.text(name),
                None => line.decimal(error),
            }
            line.text(b" (");
            line.text(words::kernel_reason(error));
            line.byte(b')');
        }
        Outcome::Refused(reason) => {
            line.text(b"-1 EINVAL (");
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
    let mut place = match reason {
        Reason::Func => 0,
        Reason::Stack => 1,
        Reason::LowStack => 2,
        Reason::Flags(..) => 3,
    };
    if let Reason::Flags(policy, refusal) = reason {
        place = match (policy, refusal) {
            (_, Refusal::ExitSignal(signal)) => {
                line.decimal(signal as i32);
                return line.text(b" is no signal");
            }
            (None, _) => 5,
            (Some(policy), Refusal::Unimplemented(bits)) => {
                return add_lacking(line, policy, bits);
            }
            (_, Refusal::Ptrace) => 4,
            (_, Refusal::SighandWithoutVm) => place,
        };
    }
    line.text(words::part(REASONS, b'\n', place));
}

/// The reasons for the lowest bits; the flags themselves are in the line.
fn add_lacking(line: &mut Line, policy: Policy, bits: u32) {
    for (count, bit) in Bits::of(bits).enumerate() {
        if count == 3 {
            line.text(b"and others; ");
            break;
        }
        let lacking = add_flag(line, bit);
        line.text(b": NetBSD has no ");
        line.text(lacking);
        line.text(b"; ");
    }
    // Only strict and netbsd refuse bits, so the policy is one of these two.
    line.text(if policy == Policy::Strict { b"policy strict" } else { b"policy netbsd" });
    let several = bits & bits.wrapping_sub(1) != 0;
    line.text(if several { &b" refuses them"[..] } else { b" refuses it" });
}
