// SPDX-License-Identifier: MIT OR Apache-2.0
// Copyright (c) 2026 The nbclone developers
//! Calls that don't pass by the library: what the filter's questions tell.

use std::collections::{BTreeMap, BTreeSet};

use crate::constants;
use crate::flags::*;
use crate::origin::{self, Origin};
use crate::parse::Place;
use crate::printable;
use crate::seccomp::{Question, Way};
use crate::symbols::Symbols;
use crate::syscalls::Call;

const CLONE_THREAD: u32 = 0x0001_0000;

/// What a call is for.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Purpose {
    /// libc's pthread_create.
    Thread,
    /// libc's fork.
    Fork,
    /// libc's posix_spawn, system, popen or vfork.
    Spawn,
    /// Not known: where it comes from can't be read.
    Unknown,
    /// libc's clone: the preload doesn't reach this process, or this call.
    Missed,
    /// The program's own, or a library's.
    Raw,
}

impl Purpose {
    /// In words.
    pub fn words(self) -> &'static str {
        match self {
            Purpose::Thread => "libc: pthread_create",
            Purpose::Fork => "libc: fork",
            Purpose::Spawn => "libc: posix_spawn, system, popen or vfork",
            Purpose::Unknown => "from a place that can't be read",
            Purpose::Missed => "libc's clone, which the preload didn't reach",
            Purpose::Raw => "a raw system call",
        }
    }

    /// For scripts.
    pub fn keyword(self) -> &'static str {
        match self {
            Purpose::Thread => "thread",
            Purpose::Fork => "fork",
            Purpose::Spawn => "spawn",
            Purpose::Unknown => "unknown",
            Purpose::Missed => "missed",
            Purpose::Raw => "raw",
        }
    }
}

/// Calls that are alike.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct Key {
    /// What for.
    pub purpose: Purpose,
    /// Which system call.
    pub call: Call,
    /// Its flag word, with the exit signal.
    pub word: u64,
    /// The system call instruction, or who called libc's syscall() or clone().
    pub place: Place,
}

/// What was counted.
#[derive(Default)]
pub struct Bypass {
    /// Calls of each kind, by process.
    pub calls: BTreeMap<Key, BTreeMap<i32, u64>>,
    /// Calls that the library made.
    pub library: u64,
    /// The same by process, by the id that the process itself sees.
    pub callers: BTreeMap<i32, u64>,
    /// How the filter asks.
    pub way: Way,
    /// Programs that asked for a listener of their own, and couldn't have it.
    pub refused: BTreeSet<String>,
}

impl Bypass {
    /// How many calls came from a place that can't be read.
    pub fn unknown(&self) -> impl Iterator<Item = u64> {
        let unknown = self.calls.iter().filter(|(key, _)| key.purpose == Purpose::Unknown);
        unknown.flat_map(|(_, counts)| counts.values().copied())
    }

    /// Counts a call, while its thread waits for the answer.
    pub fn count(&mut self, question: &Question, library: &str, symbols: &Symbols) {
        if question.wants_listener() && self.way == Way::Listener {
            self.refused.insert(printable::escape(&origin::program_of(question.thread)));
        }
        let Some(call) = question.call.filter(|&call| call != Call::Seccomp) else { return };
        let origin = Origin::of(question, symbols);
        let (process, own_id) = origin::process_of(question.thread);
        if origin::is_library_place(&origin.place, library) {
            self.library += 1;
            // The line that tells the caller comes when the process may be gone.
            symbols.keep_program_of(question.thread);
            *self.callers.entry(own_id).or_default() += 1;
            return;
        }
        let word = word_of(call, question);
        let purpose = purpose(call, word, &origin);
        let place = match purpose {
            Purpose::Raw | Purpose::Missed => origin.caller.unwrap_or(origin.place),
            _ => origin.place,
        };
        let key = Key { purpose, call, word, place };
        *self.calls.entry(key).or_default().entry(process).or_default() += 1;
    }
}

fn purpose(call: Call, word: u64, origin: &Origin) -> Purpose {
    let word = word as u32;
    let function = origin.symbol.function.as_deref().unwrap_or_default();
    if origin.place == Place::Unknown {
        return Purpose::Unknown;
    }
    if !origin::is_libc_place(&origin.place) || function == "syscall" {
        return Purpose::Raw;
    }
    // libc itself calls its clone where there is no clone3.
    let is_function = call == Call::Clone && matches!(function, "clone" | "__clone");
    let by_libc = match &origin.caller {
        Some(caller) => origin::is_libc_place(caller),
        None => LIBC_WORDS.contains(&word),
    };
    match call {
        _ if is_function && !by_libc => Purpose::Missed,
        Call::Fork => Purpose::Fork,
        Call::Vfork => Purpose::Spawn,
        _ if word & CLONE_THREAD != 0 => Purpose::Thread,
        _ if word & (CLONE_VM | CLONE_VFORK) == CLONE_VM | CLONE_VFORK => Purpose::Spawn,
        _ if word & CLONE_VM == 0 => Purpose::Fork,
        _ => Purpose::Raw,
    }
}

/// The words of glibc's and musl's pthread_create, and of their posix_spawn.
const LIBC_WORDS: [u32; 3] =
    [0x003d_0f00, 0x007d_0f00, CLONE_VM | CLONE_VFORK | constants::SIGCHLD as u32];

fn word_of(call: Call, question: &Question) -> u64 {
    let [argument, ..] = question.arguments;
    match call {
        Call::Fork => constants::SIGCHLD as u64,
        Call::Vfork => u64::from(CLONE_VM | CLONE_VFORK) | constants::SIGCHLD as u64,
        Call::Clone => argument & u64::from(u32::MAX),
        Call::Clone3 => {
            // struct clone_args: the flags first, the exit signal fifth.
            let flags = origin::read_word(question.thread, argument).unwrap_or(0);
            flags | origin::read_word(question.thread, argument.wrapping_add(32)).unwrap_or(0)
        }
        Call::Seccomp => 0,
    }
}
