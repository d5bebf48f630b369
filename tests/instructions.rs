//! What a call costs in user space, counted by single steps
//! (`benches/instructions.c`): it doesn't grow unseen.
#![cfg(target_arch = "x86_64")]

mod common;

use common::{have, scratch, shared_library, succeed, top};
use std::process::Command;

/// Flag word, then instructions from clone's first to the system call, from the
/// child's first to func's, from the system call to the caller; and the system
/// calls before clone's.
const COUNTS: [(&str, [u32; 3], u32); 4] = [
    ("0x11", [24, 13, 3], 0), // memory is copied: libc in the child gets its identity
    ("0x111", [14, 7, 3], 0),
    ("0x4111", [14, 7, 3], 0),
    ("0xf11", [14, 7, 3], 0),
];

#[test]
fn a_call_takes_no_more_instructions_than_it_did() {
    if !have("gcc", "gcc") {
        return;
    }
    let program = scratch("instructions").join("instructions");
    let mut compile = Command::new("gcc");
    compile.args(["-std=gnu11", "-O2", "-Wall", "-Wextra", "-Wpedantic", "-Werror", "-Wl,-z,now"]);
    succeed(compile.arg(top().join("benches/instructions.c")).arg("-o").arg(&program));

    for (flags, [entry, child, back], other) in COUNTS {
        let mut count = Command::new(&program);
        let line = succeed(count.arg(flags).env("LD_PRELOAD", shared_library()));
        let words: Vec<&str> = line.split_whitespace().collect();
        let number = |name: &str| {
            let place = words.iter().position(|word| *word == name);
            place.map_or(0, |place| words[place + 1].parse().unwrap())
        };
        let counted = [number("entry"), number("child"), number("return")];
        // Exactly so: another clone would take another number.
        assert_eq!((counted, number("before:")), ([entry, child, back], other), "{line}");
    }
}
