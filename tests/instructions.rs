// SPDX-License-Identifier: MIT OR Apache-2.0
// Copyright (c) 2026 The nbclone developers
//! What a call costs in user space, counted by single steps
//! (`benches/instructions.c`): it doesn't grow unseen.
#![cfg(target_arch = "x86_64")]

mod common;

use common::{have, release, scratch, shared_library, static_library, succeed, top};
use std::path::Path;
use std::process::Command;

/// Flag word, and the most instructions from clone's first to the system call,
/// from the child's first to func's, and from the system call to the caller.
const MOST: [(&str, u32); 5] = [
    ("0x11", 40), // memory is copied: libc in the child gets its identity
    ("0x611", 40),
    ("0x111", 24),
    ("0x4111", 24),
    ("0xf11", 24),
];

/// A flag that policy strict refuses: whose clone is counted?
const REFUSED: &str = "0x800011";

const WARNINGS: [&str; 5] = ["-std=gnu11", "-O2", "-Wall", "-Wextra", "-Wpedantic"];

fn build(place: &Path, name: &str, options: &[&str]) -> Command {
    let program = place.join(name);
    let mut compile = Command::new("gcc");
    compile.args(WARNINGS).args(["-Werror", "-Wl,-z,now"]);
    succeed(
        compile.arg(top().join("benches/instructions.c")).arg("-o").arg(&program).args(options),
    );
    Command::new(program)
}

/// The three numbers, and how many system calls were made before clone.
fn count(line: &str) -> ([u32; 3], u32) {
    let words: Vec<&str> = line.split_whitespace().collect();
    let number = |name: &str| {
        let place = words.iter().position(|word| *word == name);
        place.map_or(0, |place| words[place + 1].parse().unwrap())
    };
    let counted = [number("entry"), number("child"), number("return")];
    assert!(counted.iter().all(|&part| part > 0), "{line}");
    (counted, number("before:"))
}

fn judge(way: &str, program: impl Fn() -> Command) {
    let other = program().arg(REFUSED).output().unwrap();
    assert!(!other.status.success(), "{way}: this is another clone");
    for (flags, most) in MOST {
        let line = succeed(program().arg(flags));
        let (counted, before) = count(&line);
        println!("{way}: {}", line.trim());
        assert_eq!(before, 0, "{way}, system calls before clone: {line}");
        assert!(counted.iter().sum::<u32>() <= most, "{way}, more than {most}: {line}");
    }
}

#[test]
fn preloaded_call_is_short() {
    if !have("gcc", "gcc") {
        return;
    }
    let place = scratch("instructions_preloaded");
    judge("preloaded", || {
        let mut command = build(&place, "instructions", &[]);
        command.env("LD_PRELOAD", shared_library());
        command
    });
}

#[test]
fn linked_call_is_short() {
    if !have("gcc", "gcc") {
        return;
    }
    let place = scratch("instructions_linked");
    let library = format!("-L{}", release().display());
    judge("linked", || {
        let mut command = build(&place, "instructions", &[&library, "-lnbclone"]);
        command.env("LD_LIBRARY_PATH", release());
        command
    });
}

#[test]
fn static_call_is_short() {
    if !have("gcc", "gcc") {
        return;
    }
    let place = scratch("instructions_static");
    let archive = static_library();
    judge("static", || build(&place, "instructions", &["-static", archive.to_str().unwrap()]));
}
