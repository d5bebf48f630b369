// SPDX-License-Identifier: MIT OR Apache-2.0
// Copyright (c) 2026 The nbclone developers
//! What was built, read back: symbols, versions, notes, segments, sizes, and
//! frame information for every byte of text.

mod common;

use common::{
    assert_has, assert_lacks, have, installed_archive, scratch, shared_library, succeed, top,
};
use gimli::{BaseAddresses, EhFrame, EndianSlice, NativeEndian, UnwindSection};
use object::elf;
use object::read::elf::{ElfFile64, FileHeader, ProgramHeader};
use object::{Object, ObjectSection, ObjectSymbol, SectionKind, SymbolKind, SymbolScope};
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::Command;

const EXPORTED: [&str; 4] = ["__clone", "clone", "linux1_clone", "nbclone_clone"];

fn readelf(option: &str, file: &Path) -> String {
    succeed(Command::new("readelf").args([option, "-W"]).arg(file))
}

/// What a library exports, with the version behind a name that has one.
fn exported(library: &Path) -> BTreeSet<String> {
    readelf("--dyn-syms", library)
        .lines()
        .filter(|line| !line.contains(" UND "))
        .filter_map(|line| line.split_whitespace().nth(7))
        .filter(|&name| name != "Name")
        .map(str::to_owned)
        .collect()
}

#[test]
fn only_the_contract_is_exported_and_without_a_version() {
    assert_eq!(exported(&shared_library()), BTreeSet::from(EXPORTED.map(str::to_owned)));
    let table = readelf("--dyn-syms", &shared_library());
    for name in EXPORTED {
        let line = table.lines().find(|line| line.ends_with(&format!(" {name}"))).expect(name);
        assert_has(line, "FUNC");
        assert_has(line, "GLOBAL DEFAULT");
        assert!(!line.contains("    0 FUNC"), "no size: {line}");
    }
}

#[test]
fn old_symbol_versions_of_libc_alone_are_needed() {
    let library = shared_library();
    let dynamic = readelf("--dynamic", &library);
    let needed: Vec<&str> = dynamic.lines().filter(|line| line.contains("(NEEDED)")).collect();
    assert!(needed.len() == 1 && needed[0].contains("[libc.so.6]"), "{needed:?}");

    for line in readelf("--dyn-syms", &library).lines() {
        let Some((_, version)) = line.split_once("@GLIBC_") else { continue };
        let version = version.split_whitespace().next().unwrap_or(version);
        let numbers: Vec<u32> = version.split('.').map(|part| part.parse().unwrap()).collect();
        assert!(numbers <= vec![2, 17], "expected no symbol newer than GLIBC_2.17: {line}");
    }
}

/// A program may put functions of its own in the place of libc's, and a child that
/// shares memory would run them: the compiler's calls of these aren't among ours.
#[test]
fn no_memory_function_of_libc_is_called() {
    let shared = succeed(Command::new("nm").args(["-D", "--undefined-only"]).arg(shared_library()));
    let archive = succeed(
        Command::new("nm")
            .arg("--undefined-only")
            .arg(installed_archive(&scratch("objects_memory"))),
    );
    for line in shared.lines().chain(archive.lines()) {
        let name = line.split_whitespace().last().unwrap_or("");
        let name = name.split('@').next().unwrap_or(name);
        assert!(
            !["memset", "memcpy", "memmove", "memcmp", "bcmp", "strlen"].contains(&name),
            "{line}"
        );
    }
}

#[test]
fn soname_and_hardening() {
    let library = shared_library();
    let dynamic = readelf("--dynamic", &library);
    assert_has(&dynamic, "Library soname: [libnbclone.so.1]");
    assert_has(&dynamic, "BIND_NOW");
    assert_lacks(&dynamic, "TEXTREL");

    let data = std::fs::read(&library).unwrap();
    let file = ElfFile64::<object::NativeEndian>::parse(&*data).unwrap();
    let endian = file.endian();
    let segments = file.elf_header().program_headers(endian, &*data).unwrap();
    let mut types = BTreeSet::new();
    for segment in segments {
        types.insert(segment.p_type(endian));
        let flags = segment.p_flags(endian);
        assert!(flags & (elf::PF_W | elf::PF_X) != elf::PF_W | elf::PF_X, "writable code");
    }
    assert!(types.contains(&elf::PT_GNU_RELRO) && types.contains(&elf::PT_GNU_STACK));
}

#[test]
fn no_panic_and_no_allocation_is_linked_in() {
    let data = std::fs::read(shared_library()).unwrap();
    let file = object::File::parse(&*data).unwrap();
    for symbol in file.symbols().chain(file.dynamic_symbols()) {
        let name = symbol.name().unwrap();
        let unwanted = ["panic", "alloc", "unwind", "personality", "fmt"];
        assert!(!unwanted.iter().any(|part| name.contains(part)), "{name}");
    }
}

/// The linkers to try: rustc's own choice is "", the rest are `-fuse-ld`'s
/// names, each with its Debian package. (gold, which is deprecated, has no package of
/// its own up to Debian 12.)
const LINKERS: [(&str, &str); 5] =
    [("", ""), ("bfd", "binutils"), ("lld", "lld"), ("mold", "mold"), ("gold", "binutils-gold")];

/// The shared library, made with this linker in a target directory of its own.
fn linked_by(linker: &str) -> PathBuf {
    if linker.is_empty() {
        return shared_library();
    }
    let target = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("linked-by-{linker}"));
    let mut flags = std::env::var("RUSTFLAGS").unwrap_or_default();
    flags += &format!(" -Clink-arg=-fuse-ld={linker}");
    let mut build = Command::new(env!("CARGO"));
    build.args(["build", "--release", "--lib", "--no-default-features", "--target-dir"]);
    succeed(build.arg(&target).current_dir(top()).env("RUSTFLAGS", flags));
    target.join("release/libnbclone.so")
}

/// The compiler, and the linker that it chose, by the notes that they leave.
fn made_by(library: &Path, linker: &str) -> String {
    let notes = succeed(Command::new("readelf").args(["-p", ".comment"]).arg(library));
    let note = |name| notes.lines().find_map(|line| line.find(name).map(|at| line[at..].trim()));
    let chosen = note("Linker:").unwrap_or("a linker that leaves no note, as bfd");
    let linker = if linker.is_empty() { chosen } else { linker };
    format!("{}, {linker}", note("rustc").unwrap_or("an unknown rustc"))
}

/// At most 24 KB and only the contract, whichever linker makes it.
#[test]
fn every_linker_makes_it_small() {
    let place = scratch("objects_size");
    for (linker, package) in LINKERS {
        if !linker.is_empty() && !have(&format!("ld.{linker}"), package) {
            continue;
        }
        let library = linked_by(linker);
        let made_by = made_by(&library, linker);
        assert_eq!(exported(&library), BTreeSet::from(EXPORTED.map(str::to_owned)), "{made_by}");
        let stripped = place.join(format!("{linker}.so"));
        succeed(Command::new("strip").arg("-o").arg(&stripped).arg(&library));
        let size = std::fs::metadata(&stripped).unwrap().len();
        println!("{size} bytes: {made_by}");
        assert!(size <= 24 * 1024, "{size} bytes: {made_by}");
    }
}

/// The assembled file: every symbol typed, sized and hidden.
#[test]
fn assembly_defines_its_entries_properly() {
    let object = scratch("objects_arch").join("arch.o");
    let source = top().join("arch/x86_64.S");
    for compiler in ["gcc", "clang"] {
        if !have(compiler, compiler) {
            continue;
        }
        succeed(Command::new(compiler).arg("-c").arg(&source).arg("-o").arg(&object));
        let data = std::fs::read(&object).unwrap();
        let file = object::File::parse(&*data).unwrap();
        let mut defined = 0;
        for symbol in file.symbols().filter(|symbol| symbol.is_definition()) {
            let name = symbol.name().unwrap();
            if symbol.kind() == SymbolKind::Section || !name.starts_with("nbclone_") {
                continue;
            }
            assert_eq!(symbol.kind(), SymbolKind::Text, "{name} isn't a function");
            assert!(symbol.size() > 0, "{name} has no size");
            assert_ne!(symbol.scope(), SymbolScope::Dynamic, "{name} isn't hidden");
            defined += 1;
        }
        assert_eq!(defined, 12, "eight entries, three children, and the constructor");
        let sections: BTreeSet<&str> = file.sections().map(|part| part.name().unwrap()).collect();
        assert!(sections.contains(".note.GNU-stack") && sections.contains(".note.gnu.property"));
        assert!(readelf("--notes", &object).contains("IBT"));
    }
}

/// Padding apart (int3 and long nops between the compiler's functions), each
/// byte of text belongs to one frame description.
#[test]
fn frame_information_covers_the_text() {
    let data = std::fs::read(shared_library()).unwrap();
    let file = object::File::parse(&*data).unwrap();
    let section = file.section_by_name(".eh_frame").unwrap();
    let frames = EhFrame::from(EndianSlice::new(section.data().unwrap(), NativeEndian));
    let bases = BaseAddresses::default().set_eh_frame(section.address());

    let mut covered = Vec::new();
    let mut entries = frames.entries(&bases);
    while let Some(entry) = entries.next().unwrap() {
        if let gimli::CieOrFde::Fde(partial) = entry {
            let fde = partial.parse(EhFrame::cie_from_offset).unwrap();
            covered.push(fde.initial_address()..fde.end_address());
        }
    }
    let is_covered = |address| covered.iter().any(|range| range.contains(&address));

    for symbol in file.symbols().filter(|symbol| symbol.kind() == SymbolKind::Text) {
        let name = symbol.name().unwrap();
        // The compiler's start files are not ours, and have no size.
        if symbol.size() == 0 {
            continue;
        }
        let text = file.section_by_index(symbol.section_index().unwrap()).unwrap();
        assert_eq!(text.kind(), SectionKind::Text);
        for address in symbol.address()..symbol.address() + symbol.size() {
            assert!(is_covered(address), "{name}: {address:#x} has no frame information");
        }
    }
    for name in EXPORTED.into_iter().chain(["nbclone_arch_clone", "nbclone_arch_child"]) {
        let found = file.symbols().any(|symbol| symbol.name() == Ok(name) && symbol.size() > 0);
        assert!(found, "{name} was not looked at");
    }
}

/// Cargo's archive holds all of Rust's core; what is installed defines the
/// contract and nothing else, in 64 KB.
#[test]
fn installed_archive_defines_the_contract() {
    let archive = installed_archive(&scratch("objects_archive"));
    let table = succeed(Command::new("nm").args(["--extern-only", "--defined-only"]).arg(&archive));
    let global: BTreeSet<&str> =
        table.lines().filter_map(|line| line.split_whitespace().nth(2)).collect();
    assert_eq!(global, BTreeSet::from(EXPORTED));
    let size = std::fs::metadata(&archive).unwrap().len();
    assert!(size <= 64 * 1024, "{size} bytes");
    assert!(readelf("--sections", &archive).contains(".note.GNU-stack"));
}
