// SPDX-License-Identifier: MIT OR Apache-2.0
// Copyright (c) 2026 The nbclone developers
//! Reads back what src/trace/ writes. nbclone(1) documents the line.
//!
//! A path in it may be anything but has no `<` and no `>`, which are what the
//! line is taken apart by.

use crate::flags::{COPYFD, COPYVM, LINUX1_3, is_linux1_3};
use crate::words::{self, Bits};

/// An address in a file, or one of which no file is known.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Place {
    /// Path, made printable, and offset from the start of the file's mapping.
    Module(String, u64),
    /// The bare address.
    Address(u64),
    /// Not known.
    Unknown,
}

impl Place {
    /// In words.
    pub fn words(&self) -> String {
        match self {
            Place::Module(path, offset) => format!("{path}+{offset:#x}"),
            Place::Address(address) => format!("{address:#x}"),
            Place::Unknown => "an unknown place".to_owned(),
        }
    }
}

/// Which function was called.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Entry {
    /// NetBSD's.
    Clone,
    /// Linux 1.x's.
    Linux1,
}

/// One call.
#[derive(Debug, PartialEq)]
pub struct Record {
    /// The process that called.
    pub pid: i32,
    /// Lines that were lost before this one.
    pub lost: u32,
    /// What it called.
    pub entry: Entry,
    /// The flag word.
    pub word: u32,
    /// `func`, where it is.
    pub func: Option<Place>,
    /// `stack` or `sp`.
    pub stack: u64,
    /// The child's id, or an errno's name.
    pub result: Result<i32, String>,
    /// The call site.
    pub caller: Place,
}

/// Reads one line; `None` if it is none of ours, or torn.
pub fn line(text: &str) -> Option<Record> {
    let rest = text.strip_prefix("nbclone[")?;
    let (ids, rest) = rest.split_once("] ")?;
    let (pid, _tid) = ids.split_once('/')?;
    let (lost, rest) = match rest.strip_prefix("lost=") {
        Some(rest) => rest.split_once(' ').and_then(|(n, rest)| Some((n.parse().ok()?, rest)))?,
        None => (0, rest),
    };
    let (entry, func, stack, rest) = if let Some(rest) = rest.strip_prefix("clone(func=") {
        let (func, rest) = function(rest)?;
        let (stack, rest) = rest.strip_prefix(", stack=")?.split_once(", flags=")?;
        (Entry::Clone, Some(func), stack, rest)
    } else {
        let rest = rest.strip_prefix("linux1_clone(sp=")?;
        let (stack, rest) = rest.split_once(", flags=")?;
        (Entry::Linux1, None, stack, rest)
    };
    let (arguments, outcome) = rest.split_once(") = ")?;
    let flags = arguments.split(',').next()?;
    let (outcome, caller) = match outcome.split_once(" <caller ") {
        Some((outcome, caller)) => (outcome, place(caller.strip_suffix('>')?)?),
        None => (outcome, Place::Unknown),
    };
    let result = match outcome.strip_prefix("-1 ") {
        Some(error) => Err(error.split(' ').next()?.to_owned()),
        None => Ok(outcome.parse().ok()?),
    };
    Some(Record {
        pid: pid.parse().ok()?,
        lost,
        entry,
        word: word(entry, flags)?,
        func,
        stack: number(stack)?,
        result,
        caller,
    })
}

/// The place of `func`, and what is behind it.
fn function(text: &str) -> Option<(Place, &str)> {
    let end = text.find([' ', ','])?;
    let (address, rest) = text.split_at_checked(end)?;
    match rest.strip_prefix(" <") {
        Some(rest) => {
            let (module, rest) = rest.split_once('>')?;
            Some((place(module)?, rest))
        }
        None => Some((Place::Address(number(address)?), rest)),
    }
}

fn place(text: &str) -> Option<Place> {
    match text.rsplit_once("+0x") {
        Some((path, offset)) => {
            Some(Place::Module(path.to_owned(), u64::from_str_radix(offset, 16).ok()?))
        }
        None => number(text).map(Place::Address),
    }
}

fn number(text: &str) -> Option<u64> {
    u64::from_str_radix(text.strip_prefix("0x")?, 16).ok()
}

fn word(entry: Entry, text: &str) -> Option<u32> {
    text.split('|').try_fold(0u32, |word, part| Some(word | bit(entry, part)?))
}

fn bit(entry: Entry, text: &str) -> Option<u32> {
    if let Some(name) = text.strip_prefix("SIG") {
        return (1..=64).find(|&signal| words::signal(signal) == Some(name.as_bytes()));
    }
    if let Some(name) = text.strip_prefix("CLONE_") {
        return Bits::of(u32::MAX).find(|&bit| words::flag(bit) == name.as_bytes());
    }
    if text.starts_with("0x") {
        // Linux 1.x's flags are a long.
        return Some(u32::try_from(number(text)?).unwrap_or(1 << 31));
    }
    match (entry, text) {
        (Entry::Linux1, "COPYVM") => Some(COPYVM),
        (Entry::Linux1, "COPYFD") => Some(COPYFD),
        _ => text.parse().ok(),
    }
}

/// A flag word by names, as the trace writes it.
pub fn flag_names(entry: Entry, word: u32) -> Vec<String> {
    let mut names = Vec::new();
    for bit in Bits::of(word) {
        names.push(match (entry, bit) {
            (Entry::Linux1, _) if bit & LINUX1_3 != 0 => format!("{bit:#x}"),
            _ if entry == Entry::Clone || is_linux1_3(word) => {
                format!("CLONE_{}", String::from_utf8_lossy(words::flag(bit)))
            }
            (Entry::Linux1, COPYVM) => "COPYVM".to_owned(),
            (Entry::Linux1, COPYFD) => "COPYFD".to_owned(),
            _ => format!("{bit:#x}"),
        });
    }
    names
}

/// The exit signal's name; `None` for none.
pub fn signal_name(word: u32) -> Option<String> {
    let signal = word & crate::flags::CLONE_CSIGNAL;
    match words::signal(signal) {
        Some(name) => Some(format!("SIG{}", String::from_utf8_lossy(name))),
        None if signal == 0 => None,
        None => Some(signal.to_string()),
    }
}
