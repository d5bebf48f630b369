// SPDX-License-Identifier: MIT OR Apache-2.0
// Copyright (c) 2026 The nbclone developers
//! The last of `cargo test`, which runs its tests by name: what the others left out,
//! in one line with the Debian packages that would change it.

#[path = "common/skip.rs"]
#[allow(dead_code)]
mod skip;

use std::collections::BTreeSet;

fn main() {
    let Ok(record) = std::fs::read_to_string(skip::record()) else { return };
    let _ = std::fs::remove_file(skip::record());
    let skipped: BTreeSet<(&str, &str)> =
        record.lines().filter_map(|line| line.split_once('\t')).collect();
    let packages: BTreeSet<&str> =
        skipped.iter().flat_map(|(package, _)| package.split(' ')).collect();
    let packages: Vec<&str> = packages.into_iter().filter(|name| !name.is_empty()).collect();
    let mut line = format!("left out: {} checks (the SKIP lines)", skipped.len());
    if !packages.is_empty() {
        line += &format!("; with them: apt-get install {}", packages.join(" "));
    }
    println!("{line}");
}
