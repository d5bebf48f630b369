// SPDX-License-Identifier: MIT OR Apache-2.0
// Copyright (c) 2026 The nbclone developers
//! Skips: said past libtest's capture, and kept for the line at the end, which
//! tests/what_was_skipped.rs writes.

use std::collections::BTreeSet;
use std::fs::OpenOptions;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::{Mutex, PoisonError};

/// One line for each skip of a run: the package that has what is missing, or
/// nothing; a tab; what was left out.
pub fn record() -> PathBuf {
    Path::new(env!("CARGO_TARGET_TMPDIR")).join("skipped")
}

/// Says that something was left out, and which Debian package has it. With
/// NBCLONE_NO_SKIP in the environment, as in .ci/run, that is a failure.
pub fn lacks(what: &str, package: &str) {
    say(&format!("{what}: Debian's package {package} has it"), package);
}

/// The same for what no package brings: a right, a second processor.
pub fn skip(why: &str) {
    say(why, "");
}

/// A skip that a page gives the reason of, also under NBCLONE_NO_SKIP: `.ci/skips`
/// has to have it.
pub fn skip_by_page(why: &str) {
    record_once(why, "");
}

fn say(why: &str, package: &str) {
    assert!(std::env::var_os("NBCLONE_NO_SKIP").is_none(), "SKIP {why}");
    record_once(why, package);
}

/// Says it once for each test program.
fn record_once(why: &str, package: &str) {
    static SAID: Mutex<BTreeSet<String>> = Mutex::new(BTreeSet::new());
    if !SAID.lock().unwrap_or_else(PoisonError::into_inner).insert(why.to_owned()) {
        return;
    }
    let _ = std::io::stderr().write_all(format!("SKIP {why}\n").as_bytes());
    let record = OpenOptions::new().append(true).create(true).open(record());
    if let Ok(mut record) = record {
        let _ = record.write_all(format!("{package}\t{why}\n").as_bytes());
    }
}

/// Whether a tool is there; a skip otherwise.
pub fn have(tool: &str, package: &str) -> bool {
    let found = std::env::split_paths(&std::env::var_os("PATH").unwrap_or_default())
        .any(|place| place.join(tool).is_file());
    if !found {
        lacks(tool, package);
    }
    found
}

/// Whether the tests run as root; a skip of `what` otherwise.
pub fn is_root(what: &str) -> bool {
    let root = nix::unistd::geteuid().is_root();
    if !root {
        skip(&format!("{what}: wants root"));
    }
    root
}

/// Whether unshare(1) may do this here; a skip of `what` otherwise. Containers refuse it to
/// root, and a root of chroot(8) refuses user namespaces to all.
pub fn may_unshare(options: &str, what: &str) -> bool {
    let tried = Command::new("unshare").args(options.split(' ')).arg("true").output();
    let may = tried.is_ok_and(|output| output.status.success());
    if !may {
        skip(&format!("{what}: unshare {options} is refused here"));
    }
    may
}
