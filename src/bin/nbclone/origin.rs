// SPDX-License-Identifier: MIT OR Apache-2.0
// Copyright (c) 2026 The nbclone developers
//! Where in a process a system call comes from, while its thread waits for the
//! answer.

use std::fs::{self, File};
use std::os::unix::fs::FileExt;
use std::path::Path;

use crate::parse::Place;
use crate::printable;
use crate::seccomp::Question;
use crate::symbols::{Symbol, Symbols};

/// The place of the system call, and who called the function that it is in.
pub struct Origin {
    /// The instruction; of a 32-bit program, the call of the kernel's page
    /// (`[vdso]`) that holds it.
    pub place: Place,
    /// What it is in.
    pub symbol: Symbol,
    /// The caller of libc's clone() or syscall(), where it can be told.
    pub caller: Option<Place>,
}

impl Origin {
    /// That of a question.
    pub fn of(question: &Question, symbols: &Symbols) -> Origin {
        let thread = question.thread;
        let stack = Stack { thread, is_narrow: question.is_narrow };
        let mut place = place_of(thread, question.instruction);
        let mut depth = 0;
        let is_vdso = matches!(&place, Place::Module(name, _) if name == "[vdso]");
        if let Some(address) = is_vdso.then(|| stack.word(VDSO_WORDS)).flatten() {
            place = place_of(thread, address);
            depth = VDSO_WORDS + 1;
        }
        symbols.keep(&place, || Some(thread));
        let symbol = symbols.call(&place);
        let words = match symbol.function.as_deref() {
            _ if !is_libc_place(&place) => None,
            Some("syscall") => Some(if question.is_narrow { NARROW_SYSCALL_WORDS } else { 0 }),
            Some("clone" | "__clone") if !question.is_narrow => Some(0),
            Some("clone" | "__clone") if is_glibc_place(&place) => Some(NARROW_CLONE_WORDS),
            _ => None,
        };
        let caller = words.and_then(|words| stack.word(depth + words));
        let caller = caller.map(|address| place_of(thread, address));
        caller.iter().for_each(|place| symbols.keep(place, || Some(thread)));
        Origin { place, symbol, caller }
    }
}

/// i386's __kernel_vsyscall saves three registers.
const VDSO_WORDS: u64 = 3;

/// glibc's syscall() saves four on i386. On x86-64 it saves none, nor does
/// clone().
const NARROW_SYSCALL_WORDS: u64 = 4;

/// Its clone() saves three there; musl's saves others.
const NARROW_CLONE_WORDS: u64 = 3;

/// What a thread has on top of its stack.
struct Stack {
    thread: i32,
    is_narrow: bool,
}

impl Stack {
    /// The word at `index` from the top. Only x86's frames are known.
    fn word(&self, index: u64) -> Option<u64> {
        if !cfg!(target_arch = "x86_64") {
            return None;
        }
        let text = fs::read_to_string(format!("/proc/{}/syscall", self.thread)).ok()?;
        let top = text.split_ascii_whitespace().rev().nth(1)?;
        let top = u64::from_str_radix(top.strip_prefix("0x")?, 16).ok()?;
        if self.is_narrow {
            let word = read_word(self.thread, top.wrapping_add(4 * index))?;
            Some(word & u64::from(u32::MAX))
        } else {
            read_word(self.thread, top.wrapping_add(8 * index))
        }
    }
}

/// Whether a place is in libc.
pub fn is_libc_place(place: &Place) -> bool {
    matches!(place, Place::Module(path, _) if is_libc(path))
}

/// glibc's and musl's files, of their several names.
fn is_libc(path: &str) -> bool {
    let name = Path::new(path).file_name().unwrap_or_default().to_string_lossy();
    ["libc.so", "libc-2.", "libpthread", "ld-musl-"].iter().any(|start| name.starts_with(start))
}

/// Whether a place is in the library. A process in another root directory was
/// told the same path, which has that directory before it here.
pub fn is_library_place(place: &Place, library: &str) -> bool {
    matches!(place, Place::Module(path, _) if path.ends_with(library))
}

fn is_glibc_place(place: &Place) -> bool {
    matches!(place, Place::Module(path, _) if is_libc(path) && !path.contains("musl"))
}

/// Eight bytes of a process' memory.
pub fn read_word(thread: i32, address: u64) -> Option<u64> {
    let mut bytes = [0u8; 8];
    let memory = File::open(format!("/proc/{thread}/mem")).ok()?;
    memory.read_exact_at(&mut bytes, address).ok()?;
    Some(u64::from_ne_bytes(bytes))
}

/// The process of a thread: its id here, and the one that it sees itself.
pub fn process_of(thread: i32) -> (i32, i32) {
    let status = fs::read(format!("/proc/{thread}/status")).unwrap_or_default();
    let status = String::from_utf8_lossy(&status);
    let field = |name: &str| {
        let line = status.lines().find_map(|line| line.strip_prefix(name))?;
        line.split_ascii_whitespace().next_back()?.parse().ok()
    };
    let id = field("Tgid:").unwrap_or(thread);
    (id, field("NStgid:").unwrap_or(id))
}

/// What a thread's process calls itself.
pub fn program_of(thread: i32) -> Vec<u8> {
    let name = fs::read(format!("/proc/{thread}/comm")).unwrap_or_default();
    match name.trim_ascii_end() {
        [] => format!("process {thread}").into_bytes(),
        name => name.to_owned(),
    }
}

/// Whether a process has the memory through which lines come: it is one of
/// COMMAND's, whatever PID namespace its id is from.
pub fn has_memory(process: i32, segment: Option<i32>) -> bool {
    let maps = fs::read(format!("/proc/{process}/maps")).unwrap_or_default();
    let maps = String::from_utf8_lossy(&maps);
    maps.lines().any(|line| {
        let mut fields = line.split_ascii_whitespace();
        // The kernel gives a segment's id as its inode.
        let inode = fields.nth(4).and_then(|inode| inode.parse().ok());
        match fields.next() {
            Some(path) if path.starts_with("/SYSV") => inode == segment && inode.is_some(),
            path => path == Some("/memfd:nbclone"),
        }
    })
}

/// The process of COMMAND's that calls itself `own_id`: in a PID namespace of its
/// own it has another id here.
pub fn process_with(own_id: i32, segment: Option<i32>) -> Option<i32> {
    if has_memory(own_id, segment) {
        return Some(own_id);
    }
    let entries = fs::read_dir("/proc").ok()?;
    let ids = entries.filter_map(|entry| entry.ok()?.file_name().to_str()?.parse::<i32>().ok());
    let mut namespaced = ids.filter(|&id| process_of(id).1 == own_id);
    namespaced.find(|&id| has_memory(id, segment))
}

/// As src/trace/module.rs in the shim, of another process: the file's first
/// mapping at or below the address is where offsets start. `Unknown`: nothing can
/// be read of that process.
pub fn place_of(thread: i32, address: u64) -> Place {
    let maps = match fs::read(format!("/proc/{thread}/maps")) {
        Ok(maps) if !maps.is_empty() => maps,
        _ => return Place::Unknown,
    };
    let (mut file, mut base): (&[u8], u64) = (b"", 0);
    for Mapping { start, end, offset, path, .. } in mappings(&maps) {
        if !path.is_empty() && (path != file || offset == 0) {
            (file, base) = (path, start.wrapping_sub(offset));
        }
        if (start..end).contains(&address) && !path.is_empty() {
            return Place::Module(printable::escape(file), address.wrapping_sub(base));
        }
    }
    Place::Address(address)
}

/// A line of /proc/PID/maps.
pub struct Mapping<'a> {
    /// The first address.
    pub start: u64,
    /// The address behind the last.
    pub end: u64,
    /// Where in the file it begins.
    pub offset: u64,
    /// The file.
    pub inode: u64,
    /// Its path, whose bytes may be anything.
    pub path: &'a [u8],
}

/// The lines of /proc/PID/maps.
pub fn mappings(maps: &[u8]) -> impl Iterator<Item = Mapping<'_>> {
    maps.split(|&byte| byte == b'\n').filter_map(mapping)
}

fn mapping(line: &[u8]) -> Option<Mapping<'_>> {
    let mut fields = line.splitn(6, |&byte| byte == b' ');
    let mut text = || std::str::from_utf8(fields.next()?).ok();
    let hex = |text: &str| u64::from_str_radix(text, 16).ok();
    let (start, end) = text()?.split_once('-')?;
    let (_access, offset, _device, inode) = (text()?, text()?, text()?, text()?);
    let path = fields.next().unwrap_or_default().trim_ascii_start();
    let (start, end, offset) = (hex(start)?, hex(end)?, hex(offset)?);
    Some(Mapping { start, end, offset, inode: inode.parse().ok()?, path })
}
