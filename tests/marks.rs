// SPDX-License-Identifier: MIT OR Apache-2.0
// Copyright (c) 2026 The nbclone developers
//! The hardening marks of what was built, read back: on x86-64 IBT and SHSTK, on
//! arm64 BTI; and that the code keeps to what they say.
#![cfg(target_arch = "x86_64")]

mod common;

use common::{
    assert_has, have, installed_archive, scratch, shared_library, static_library, succeed, text,
    top,
};
use object::{
    Object, ObjectSection, ObjectSymbol, ObjectSymbolTable, RelocationTarget, SectionKind,
};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Command;

const LANDING_PAD: [u8; 4] = [0xf3, 0x0f, 0x1e, 0xfa];
const MARKS: [&str; 2] = ["IBT", "SHSTK"];

/// The marks that a file's notes say, each file of an archive by itself.
fn marks(file: &Path) -> Vec<(String, String)> {
    let notes = succeed(Command::new("readelf").args(["--notes", "-W"]).arg(file));
    let mut found = vec![(file.display().to_string(), String::new())];
    for line in notes.lines() {
        if let Some(name) = line.strip_prefix("File: ") {
            found.push((name.to_owned(), String::new()));
        } else if let Some((_, features)) = line.split_once("feature: ") {
            found.last_mut().unwrap().1 += features;
        }
    }
    // Of an archive, "File:" is said for each member.
    if found.len() > 1 {
        found.remove(0);
    }
    found
}

fn assert_marked(file: &Path) {
    for (name, features) in marks(file) {
        for mark in MARKS {
            assert!(features.contains(mark), "{name}: no {mark} in {features:?}");
        }
    }
}

#[test]
fn library_and_archives_carry_the_marks() {
    assert_marked(&shared_library());
    assert_marked(&installed_archive(&scratch("marks_archive")));
}

/// Each member of Cargo's archive that is ours; the others are of Rust's core, and
/// what a program takes of them is for `linking_takes_no_mark_away`.
#[test]
fn our_members_of_cargos_archive_carry_the_marks() {
    let ours = marks(&static_library());
    let ours: Vec<_> = ours.iter().filter(|(name, _)| name.contains("nbclone_arch")).collect();
    for (name, features) in &ours {
        for mark in MARKS {
            assert!(features.contains(mark), "{name}: no {mark} in {features:?}");
        }
    }
}

/// Address, and what comes there other than by a direct call or jump.
fn indirect_entries(library: &Path) -> BTreeMap<u64, String> {
    let data = std::fs::read(library).unwrap();
    let file = object::File::parse(&*data).unwrap();
    let is_text = |address: u64| {
        file.sections().any(|part| {
            part.kind() == SectionKind::Text
                && (part.address()..part.address() + part.size()).contains(&address)
        })
    };
    let mut entries: BTreeMap<u64, String> = BTreeMap::new();
    // Without naked functions rustc makes one of functions that are alike.
    for symbol in file.dynamic_symbols().filter(|symbol| symbol.is_definition()) {
        *entries.entry(symbol.address()).or_default() +=
            &format!("exported {}; ", symbol.name().unwrap());
    }
    // Constructors, and functions in tables and words.
    for (place, relocation) in file.dynamic_relocations().into_iter().flatten() {
        let target = match relocation.target() {
            RelocationTarget::Symbol(index) => {
                let table = file.dynamic_symbol_table().unwrap();
                table.symbol_by_index(index).unwrap().address()
            }
            _ => relocation.addend() as u64,
        };
        if is_text(target) {
            entries.insert(target, format!("the word at {place:#x}"));
        }
    }
    // Functions whose address the code itself takes.
    let code = succeed(Command::new("objdump").args(["-d", "--no-show-raw-insn"]).arg(library));
    for line in code.lines().filter(|line| line.contains("lea ") && line.contains("(%rip)")) {
        let Some((_, target)) = line.split_once("# ") else { continue };
        let address = target.split_whitespace().next().unwrap();
        let address = u64::from_str_radix(address, 16).unwrap();
        if is_text(address) {
            entries.insert(address, format!("taken by {}", line.trim()));
        }
    }
    entries
}

#[test]
fn indirect_entries_begin_with_a_landing_pad() {
    let library = shared_library();
    let data = std::fs::read(&library).unwrap();
    let file = object::File::parse(&*data).unwrap();
    let entries = indirect_entries(&library);
    let kinds = ["exported clone;", "exported __clone;", "exported linux1_clone;", "the word at"];
    for kind in kinds {
        assert!(entries.values().any(|entry| entry.contains(kind)), "{kind}: none in {entries:?}");
    }
    for (address, how) in entries {
        let section = file
            .sections()
            .find(|part| (part.address()..part.address() + part.size()).contains(&address));
        let section = section.unwrap();
        let start = (address - section.address()) as usize;
        let bytes = &section.data().unwrap()[start..start + 4];
        assert_eq!(bytes, LANDING_PAD, "{address:#x} ({how}) has no endbr64");
    }
}

/// A jump through a table of places in a function lands on no pad. (linux1_clone's
/// child goes on at its call site, where there is none either, by `notrack`.)
#[test]
fn no_jump_goes_through_a_table() {
    let code = succeed(Command::new("objdump").args(["-d", "-j", ".text"]).arg(shared_library()));
    let mut function = "";
    let mut loads_place = 0;
    for (number, line) in code.lines().enumerate() {
        if line.ends_with(">:") {
            function = line;
        }
        if line.contains("movslq") && line.contains(",4)") {
            loads_place = number;
        }
        let is_indirect = line.contains("jmp ") && line.contains(" *");
        let is_notrack = line.contains("notrack") && !function.contains("nbclone_arch_linux1");
        let is_table = line.contains(",8)") || (loads_place > 0 && number - loads_place < 6);
        assert!(!is_indirect || !(is_notrack || is_table), "{function} {line}");
    }
}

const PROGRAM: &str = r#"
#define _GNU_SOURCE
#include <sched.h>
#include <sys/types.h>
pid_t linux1_clone(void *, unsigned long);
int __clone(int (*)(void *), void *, int, void *, ...);
static int func(void *arg) { return arg != 0; }
int program(char *stack);
int program(char *stack)
{
    return clone(func, stack, CLONE_VM, 0) + __clone(func, stack, 0, 0) + linux1_clone(0, 0);
}
"#;

fn compile(place: &Path, name: &str, protection: &str) -> PathBuf {
    let source = place.join("program.c");
    std::fs::write(&source, PROGRAM).unwrap();
    let object = place.join(name);
    let mut compile = Command::new("gcc");
    compile.args(["-O2", "-fPIC", "-c", protection]).arg(source).arg("-o").arg(&object);
    succeed(&mut compile);
    object
}

/// The host's start files and libc need no marks here: what is linked is the
/// program's object and the archive alone.
fn link(linker: &str, inputs: &[&Path], output: &Path) -> std::process::Output {
    let mut link = Command::new("gcc");
    link.arg(linker).args(["-shared", "-nostdlib", "-Wl,-z,cet-report=error"]);
    if linker.contains("bfd") {
        link.arg("-Wl,-z,ibtplt");
    } else {
        link.arg("-Wl,-z,force-ibt");
    }
    link.args(inputs).arg("-o").arg(output);
    link.output().unwrap()
}

#[test]
fn linking_takes_no_mark_away() {
    let place = scratch("marks_link");
    let program = compile(&place, "program.o", "-fcf-protection");
    let unmarked = compile(&place, "unmarked.o", "-fcf-protection=none");
    let installed = installed_archive(&place);
    for (linker, tool, package) in
        [("-fuse-ld=bfd", "ld.bfd", "binutils"), ("-fuse-ld=lld", "ld.lld", "lld")]
    {
        if !have(tool, package) {
            continue;
        }
        let output = place.join(format!("{tool}.so"));
        for archive in [&installed, &static_library()] {
            let linked = link(linker, &[&program, archive], &output);
            assert!(linked.status.success(), "{tool}, {}: {}", archive.display(), text(&linked));
            assert_marked(&output);
        }
        // The linker does notice.
        let control = link(linker, &[&unmarked, &installed], &output);
        assert!(!control.status.success(), "{tool} reports nothing: {}", text(&control));
    }
}

/// arm64's assembly: BTI in the note, and a landing pad at each entry. What Rust
/// makes of its part is for the lab's build.
#[test]
fn arm64_assembly_carries_bti() {
    const TOOL: &str = "aarch64-linux-gnu-gcc";
    if !have(TOOL, "gcc-aarch64-linux-gnu") {
        return;
    }
    let object = scratch("marks_arm64").join("aarch64.o");
    let source = top().join("arch/aarch64.S");
    succeed(Command::new(TOOL).arg("-c").arg(&source).arg("-o").arg(&object));
    let notes = succeed(Command::new("readelf").args(["--notes", "-W"]).arg(&object));
    assert_has(&notes, "BTI");
    let data = std::fs::read(&object).unwrap();
    let file = object::File::parse(&*data).unwrap();
    // The others are reached by direct jumps and calls alone.
    for name in ["nbclone_arch_child_start", "nbclone_arch_at_load"] {
        let symbol = file.symbols().find(|symbol| symbol.name() == Ok(name)).expect(name);
        let section = symbol.section_index().unwrap();
        let section = file.section_by_index(section).unwrap();
        let start = symbol.address() as usize;
        let word: [u8; 4] = section.data().unwrap()[start..start + 4].try_into().unwrap();
        // bti c, paciasp: both are landing pads for a call.
        let is_pad = [0xd503_245f, 0xd503_233f, 0xd503_24df].contains(&u32::from_le_bytes(word));
        assert!(is_pad, "{} begins with {word:02x?}", symbol.name().unwrap());
    }
}

/// Closing it takes no text away from under a child.
#[test]
fn library_is_never_unloaded() {
    let dynamic = succeed(Command::new("readelf").args(["-d", "-W"]).arg(shared_library()));
    assert_has(&dynamic, "NODELETE");
}
