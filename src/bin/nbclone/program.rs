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
    let mut warnings = Vec::new();
    let mut next = find(command);
    let mut chain = String::new();
    for _ in 0..LONGEST_CHAIN {
        let Some(path) = next else { break };
        let name = format!("{chain}{}", path.display());
        if chain.is_empty() {
            // Of an interpreter the kernel takes no set-user-ID bit either
            // way: a script's own is ignored.
            warnings.extend(secure_execution(&path).map(|why| format!("{name} {why}")));
        }
        match kind(&path) {
            Kind::Script(interpreter) => {
                chain = format!("{name}: its interpreter ");
                next = find(&interpreter);
            }
            // A static one that has the library in it wants no preload.
            Kind::Elf(program) if !program.dynamic && has_library(&path) => break,
            Kind::Elf(program) => {
                let shim = match kind(library) {
                    Kind::Elf(shim) => shim,
                    _ => program,
                };
                let why = mismatch(program, shim);
                let why = why.or_else(|| sanitizer::advice(&path, all_calls));
                warnings.extend(why.map(|why| format!("{name} {why}")));
                break;
            }
            Kind::Other => break,
        }
    }
    warnings
}

/// Whether `command`, or what interprets it, uses libseccomp's part for
/// listeners.
pub fn wants_listener(command: &OsStr) -> bool {
    let mut next = find(command);
    for _ in 0..LONGEST_CHAIN {
        let Some(path) = next else { return false };
        let Kind::Script(interpreter) = kind(&path) else {
            return imports(&path, b"seccomp_notify_fd").unwrap_or(false);
        };
        next = find(&interpreter);
    }
    false
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
