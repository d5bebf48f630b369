// SPDX-License-Identifier: MIT OR Apache-2.0
// Copyright (c) 2026 The nbclone developers
//! The program that a command names, and whether a preload reaches it.

use std::ffi::{OsStr, OsString};
use std::fs;
use std::io::Read;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};

use nix::unistd::{AccessFlags, access, getegid, geteuid, getuid};
use object::elf;
use object::read::elf::{FileHeader, ProgramHeader};
use object::{Object, ObjectSymbol, ReadCache};

use crate::{regular, sanitizer};

/// Linux follows this many interpreters, one naming the next.
const LONGEST_CHAIN: usize = 5;

/// Why a preload can't work for `command`, in words; none if it can, or if
/// the command isn't found, which running it will say better.
pub fn warnings(command: &OsStr, library: &Path, all_calls: bool) -> Vec<String> {
    let chain = chain(command);
    let Some((program, _)) = chain.first() else { return Vec::new() };
    // Of an interpreter the kernel takes no set-user-ID bit either
    // way: a script's own is ignored.
    let secure = secure_execution(program).map(|why| format!("{} {why}", program.display()));
    secure.into_iter().chain(unreached(&chain, library, all_calls)).collect()
}

/// Why the preload doesn't reach the last of a chain, or not well.
fn unreached(chain: &[(PathBuf, Kind)], library: &Path, all_calls: bool) -> Option<String> {
    let (path, Kind::Elf(program)) = chain.last()? else { return None };
    // A static one that has the library in it wants no preload.
    if !program.dynamic && has_library(path) {
        return None;
    }
    let shim = match kind(library) {
        Kind::Elf(shim) => shim,
        _ => *program,
    };
    let why = mismatch(*program, shim).or_else(|| sanitizer::advice(path, all_calls))?;
    let names: Vec<String> = chain.iter().map(|(path, _)| path.display().to_string()).collect();
    Some(format!("{} {why}", names.join(": its interpreter ")))
}

/// Whether `command`, or what interprets it, uses libseccomp's part for
/// listeners.
pub fn wants_listener(command: &OsStr) -> bool {
    let chain = chain(command);
    chain.last().is_some_and(|(path, _)| imports(path, b"seccomp_notify_fd").unwrap_or(false))
}

/// The file that `command` names, and behind a script its interpreter, as far as Linux
/// follows them.
fn chain(command: &OsStr) -> Vec<(PathBuf, Kind)> {
    let mut chain = Vec::new();
    let mut next = find(command);
    while let Some(path) = next.filter(|_| chain.len() < LONGEST_CHAIN) {
        let kind = kind(&path);
        next = match &kind {
            Kind::Script(interpreter) => find(interpreter),
            _ => None,
        };
        chain.push((path, kind));
    }
    chain
}

fn imports(path: &Path, name: &[u8]) -> Option<bool> {
    let cache = ReadCache::new(regular::open(path).ok()?);
    let file = object::File::parse(&cache).ok()?;
    Some(file.dynamic_symbols().any(|symbol| symbol.name_bytes() == Ok(name)))
}

/// Whether the program is linked with the archive. Its symbols may be stripped; what the
/// library says of a wrong policy is in it all the same.
fn has_library(path: &Path) -> bool {
    const COMPLAINT: &[u8] = b"NBCLONE_POLICY is none of";
    let mut data = Vec::new();
    let read = regular::open(path).and_then(|mut file| file.read_to_end(&mut data));
    read.is_ok() && data.windows(COMPLAINT.len()).any(|bytes| bytes == COMPLAINT)
}

/// The file that `command` names, and its path without symbolic links.
pub fn open(command: &OsStr) -> Option<(fs::File, PathBuf)> {
    let path = fs::canonicalize(find(command)?).ok()?;
    Some((regular::open(&path).ok()?, path))
}

/// As execvp(3) finds it.
fn find(command: &OsStr) -> Option<PathBuf> {
    if command.as_bytes().contains(&b'/') {
        return Some(PathBuf::from(command));
    }
    let path = std::env::var_os("PATH").unwrap_or_else(|| OsString::from("/bin:/usr/bin"));
    std::env::split_paths(&path)
        .map(|directory| directory.join(command))
        .find(|path| path.is_file() && access(path.as_path(), AccessFlags::X_OK).is_ok())
}

/// What execve(2) makes AT_SECURE: the loader then ignores LD_PRELOAD.
fn secure_execution(path: &Path) -> Option<&'static str> {
    const SET_USER_ID: u32 = 0o4000;
    const SET_GROUP_ID: u32 = 0o2010;
    let metadata = fs::metadata(path).ok()?;
    let mode = metadata.permissions().mode();
    if mode & SET_USER_ID != 0 && metadata.uid() != getuid().as_raw() {
        return Some("is set-user-ID: the loader ignores LD_PRELOAD, and the library isn't used");
    }
    if mode & SET_GROUP_ID == SET_GROUP_ID && metadata.gid() != getegid().as_raw() {
        return Some("is set-group-ID: the loader ignores LD_PRELOAD, and the library isn't used");
    }
    let capable = has_capabilities(path);
    (capable && !geteuid().is_root()).then_some(
        "has file capabilities: the loader ignores LD_PRELOAD, and the library isn't used",
    )
}

fn has_capabilities(path: &Path) -> bool {
    super::system::has_attribute(path, c"security.capability")
}

/// What an ELF header tells.
#[derive(Clone, Copy, PartialEq)]
struct Elf {
    class: u8,
    data: u8,
    machine: u16,
    dynamic: bool,
}

enum Kind {
    Elf(Elf),
    Script(OsString),
    Other,
}

fn kind(path: &Path) -> Kind {
    const ENOUGH: u64 = 65536;
    let mut head = Vec::new();
    let read = regular::open(path).and_then(|file| file.take(ENOUGH).read_to_end(&mut head));
    if read.is_err() {
        return Kind::Other;
    }
    if let Some(line) = head.strip_prefix(b"#!") {
        return interpreter(line).map_or(Kind::Other, Kind::Script);
    }
    let class = |class: u8| [0x7f, b'E', b'L', b'F', class];
    match head.get(..5) {
        Some(magic) if magic == class(elf::ELFCLASS64) => {
            elf_kind::<elf::FileHeader64<object::Endianness>>(&head)
        }
        Some(magic) if magic == class(elf::ELFCLASS32) => {
            elf_kind::<elf::FileHeader32<object::Endianness>>(&head)
        }
        _ => Kind::Other,
    }
}

fn elf_kind<Header: FileHeader<Endian = object::Endianness>>(head: &[u8]) -> Kind {
    let read = || {
        let header = Header::parse(head).ok()?;
        let endian = header.endian().ok()?;
        let segments = header.program_headers(endian, head).ok()?;
        let dynamic = segments.iter().any(|segment| segment.p_type(endian) == elf::PT_INTERP);
        let ident = header.e_ident();
        Some(Kind::Elf(Elf {
            class: ident.class,
            data: ident.data,
            machine: header.e_machine(endian),
            dynamic,
        }))
    };
    read().unwrap_or(Kind::Other)
}

/// The interpreter of a script; of `/usr/bin/env NAME`, NAME.
fn interpreter(line: &[u8]) -> Option<OsString> {
    let line = line.split(|&byte| byte == b'\n').next()?;
    let mut words = line.split(|byte| byte.is_ascii_whitespace()).filter(|word| !word.is_empty());
    let first = words.next()?;
    if first.ends_with(b"/env") {
        let plain = |word: &&[u8]| !word.starts_with(b"-") && !word.contains(&b'=');
        return words.find(plain).map(|word| OsStr::from_bytes(word).to_owned());
    }
    Some(OsStr::from_bytes(first).to_owned())
}

fn mismatch(program: Elf, library: Elf) -> Option<String> {
    let bits = |class| if class == elf::ELFCLASS64 { 64 } else { 32 };
    let mut differences = Vec::new();
    if program.class != library.class {
        let (ours, its) = (bits(library.class), bits(program.class));
        differences.push(format!("is a {its}-bit program (the library has {ours} bits)"));
    }
    if program.machine != library.machine || program.data != library.data {
        let (ours, its) = (library.machine, program.machine);
        differences.push(format!(
            "is for another architecture (ELF machine {its}, the library's is {ours})"
        ));
    }
    if !differences.is_empty() {
        let differences = differences.join(" and ");
        return Some(format!("{differences}: the preload fails, and the library isn't used"));
    }
    (!program.dynamic).then(|| {
        "is static: nothing preloads a library there; link it with libnbclone.a".to_owned()
    })
}
