//! Calls that don't pass by the library: what the filter's questions tell.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::os::unix::fs::FileExt;
use std::path::Path;

use crate::flags::*;
use crate::parse::Place;
use crate::seccomp::{Call, Question};
use crate::symbols::{Symbol, Symbols};

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
            Purpose::Raw => "a raw system call",
        }
    }

    /// For scripts.
    pub fn keyword(self) -> &'static str {
        match self {
            Purpose::Thread => "thread",
            Purpose::Fork => "fork",
            Purpose::Spawn => "spawn",
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
    /// The system call instruction, or who called libc's syscall().
    pub place: Place,
}

/// What was counted.
#[derive(Default)]
pub struct Bypass {
    /// Calls of each kind, by process.
    pub calls: BTreeMap<Key, BTreeMap<i32, u64>>,
    /// Calls that the library made.
    pub library: u64,
}

impl Bypass {
    /// Counts a call, while its thread waits for the answer.
    pub fn count(&mut self, question: &Question, library: &Path, symbols: &Symbols) {
        let thread = question.thread;
        let mut place = place_of(thread, question.instruction);
        if matches!(&place, Place::Module(path, _) if Path::new(path) == library) {
            self.library += 1;
            return;
        }
        let word = word_of(question);
        let symbol = symbols.function(&place);
        let purpose = purpose(question.call, word, &place, &symbol);
        if purpose == Purpose::Raw && symbol.function.as_deref() == Some("syscall") {
            place = caller_of_syscall(thread).map_or(place, |address| place_of(thread, address));
        }
        let key = Key { purpose, call: question.call, word, place };
        *self.calls.entry(key).or_default().entry(process_of(thread)).or_default() += 1;
    }
}

fn purpose(call: Call, word: u64, place: &Place, symbol: &Symbol) -> Purpose {
    let word = word as u32;
    let in_libc = matches!(place, Place::Module(path, _) if is_libc(path))
        && symbol.function.as_deref() != Some("syscall");
    match call {
        _ if !in_libc => Purpose::Raw,
        Call::Fork => Purpose::Fork,
        Call::Vfork => Purpose::Spawn,
        _ if word & CLONE_THREAD != 0 => Purpose::Thread,
        _ if word & (CLONE_VM | CLONE_VFORK) == CLONE_VM | CLONE_VFORK => Purpose::Spawn,
        _ if word & CLONE_VM == 0 => Purpose::Fork,
        _ => Purpose::Raw,
    }
}

/// glibc's and musl's files, of their several names.
fn is_libc(path: &str) -> bool {
    let name = Path::new(path).file_name().unwrap_or_default().to_string_lossy();
    ["libc.so", "libc-2.", "libpthread", "ld-musl-"].iter().any(|start| name.starts_with(start))
}

fn word_of(question: &Question) -> u64 {
    match question.call {
        Call::Fork => libc::SIGCHLD as u64,
        Call::Vfork => u64::from(CLONE_VM | CLONE_VFORK) | libc::SIGCHLD as u64,
        Call::Clone => question.argument & u64::from(u32::MAX),
        Call::Clone3 => {
            // struct clone_args: the flags first, the exit signal fifth.
            let flags = read_word(question.thread, question.argument).unwrap_or(0);
            flags | read_word(question.thread, question.argument.wrapping_add(32)).unwrap_or(0)
        }
    }
}

fn read_word(thread: i32, address: u64) -> Option<u64> {
    let mut bytes = [0u8; 8];
    let memory = File::open(format!("/proc/{thread}/mem")).ok()?;
    memory.read_exact_at(&mut bytes, address).ok()?;
    Some(u64::from_ne_bytes(bytes))
}

fn process_of(thread: i32) -> i32 {
    let status = fs::read_to_string(format!("/proc/{thread}/status")).unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("Tgid:"));
    line.and_then(|id| id.trim().parse().ok()).unwrap_or(thread)
}

/// libc's syscall() makes no frame on x86-64: its caller is on top of the
/// stack, which /proc tells.
fn caller_of_syscall(thread: i32) -> Option<u64> {
    if !cfg!(target_arch = "x86_64") {
        return None;
    }
    let text = fs::read_to_string(format!("/proc/{thread}/syscall")).ok()?;
    let stack = text.split_ascii_whitespace().rev().nth(1)?;
    read_word(thread, u64::from_str_radix(stack.strip_prefix("0x")?, 16).ok()?)
}

/// As src/maps.rs in the shim, of another process: the file's first mapping
/// at or below the address is where offsets start.
fn place_of(thread: i32, address: u64) -> Place {
    let maps = fs::read_to_string(format!("/proc/{thread}/maps")).unwrap_or_default();
    let (mut file, mut base) = (String::new(), 0);
    for line in maps.lines() {
        let Some((start, end, offset, path)) = mapping(line) else { continue };
        if !path.is_empty() && (path != file || offset == 0) {
            (file, base) = (path.to_owned(), start.wrapping_sub(offset));
        }
        if (start..end).contains(&address) && !path.is_empty() {
            return Place::Module(file, address.wrapping_sub(base));
        }
    }
    Place::Address(address)
}

fn mapping(line: &str) -> Option<(u64, u64, u64, &str)> {
    let (range, rest) = line.split_once(' ')?;
    let (start, end) = range.split_once('-')?;
    let mut fields = rest.splitn(5, ' ');
    let offset = fields.nth(1)?;
    let path = fields.nth(2).unwrap_or_default().trim_start();
    let hex = |text| u64::from_str_radix(text, 16).ok();
    Some((hex(start)?, hex(end)?, hex(offset)?, path))
}
