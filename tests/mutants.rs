// SPDX-License-Identifier: MIT OR Apache-2.0
// Copyright (c) 2026 The nbclone developers
//! Each mutant of the lists can still be made: the text that it changes stands in its
//! file. Nothing is built here; tests/soak/mutants and tests/linux1/mutants do that.

mod common;

use common::{have, succeed, top};
use std::process::Command;

/// The list says of `;;` what is done here.
#[test]
fn the_campaigns_mutants_change_their_files() {
    let list = std::fs::read_to_string(top().join("tests/soak/mutants.list")).unwrap();
    let mut looked_at = 0;
    for line in list.lines().filter(|line| !line.is_empty() && !line.starts_with('#')) {
        let mut fields = line.splitn(4, '~');
        let mut field = || fields.next().unwrap_or_else(|| panic!("a field is missing: {line}"));
        let (name, file, script, _command) = (field(), field(), field(), field());
        let path = top().join(file);
        let text = std::fs::read_to_string(&path).unwrap_or_else(|why| panic!("{name}: {why}"));
        for edit in script.split(";;") {
            let edited = succeed(Command::new("sed").arg(edit).arg(&path));
            assert!(edited != text, "{name}: {edit:?} changes nothing in {file}");
            looked_at += 1;
        }
    }
    assert!(looked_at > 30, "{looked_at} edits");
}

#[test]
fn linux1s_mutants_change_their_files() {
    if have("python3", "python3") {
        succeed(Command::new(top().join("tests/linux1/mutants")).arg("--check"));
    }
}
