// SPDX-License-Identifier: MIT OR Apache-2.0
// Copyright (c) 2026 The nbclone developers
//! How the report looks: as wide as the terminal, in colours there, and plain
//! elsewhere.

#[path = "common/command.rs"]
mod common;

use common::*;
use std::path::Path;

const CALLS: &str = "copy namespace ptrace exit-signal raw-clone fork thread";

/// The report on a terminal of so many columns; no columns: through a pipe.
fn report(columns: Option<u32>, environment: &[(&str, &str)]) -> String {
    let (nbclone, calls) = (built("nbclone"), compiled("calls"));
    let line = format!("{} --all-calls {} {CALLS}", nbclone.display(), calls.display());
    let mut run = match columns {
        None => shell(&format!("{line} 2>&1 >/dev/null | cat"), &[]),
        Some(columns) => {
            let line = format!("stty cols {columns} <&2; {line} >/dev/null");
            let mut run = clean(Path::new("script"));
            run.args(["-qec", &line, "/dev/null"]);
            run
        }
    };
    run.env_remove("NO_COLOR").env("TERM", "xterm").envs(environment.iter().copied());
    out(&run.output().expect("it runs")).replace('\r', "")
}

fn without_colours(text: &str) -> String {
    let mut pieces = text.split("\x1b[");
    let mut plain = pieces.next().unwrap_or_default().to_owned();
    for piece in pieces {
        plain += piece.split_once('m').map_or(piece, |(_, rest)| rest);
    }
    plain
}

fn is_here() -> bool {
    have("script", "bsdutils") && have("stty", "coreutils")
}

#[test]
fn it_is_as_wide_as_the_terminal() {
    if !is_here() {
        return;
    }
    let words = |text: &str| {
        let joined = without_colours(text).replace("|\n", "|");
        joined.split_whitespace().collect::<Vec<&str>>().join(" ").replace("| ", "|")
    };
    for columns in [40, 80, 120] {
        let text = report(Some(columns), &[]);
        assert!(text.contains("verdict: "), "{columns}: {text}");
        for line in without_colours(&text).lines() {
            // A path has no place to break it at.
            let is_one_word = line.split_whitespace().count() <= 1 || line.contains("(/");
            let length = line.chars().count();
            assert!(length <= columns as usize || is_one_word, "{columns}: {line:?}");
        }
        // Nothing is lost where lines are broken.
        assert!(words(&text).contains("CLONE_SETTLS|CLONE_PARENT_SETTID|CLONE_CHILD_CLEARTID|0"));
    }
}

#[test]
fn it_has_colours_on_a_terminal_alone() {
    if !is_here() {
        return;
    }
    assert!(report(Some(80), &[]).contains("\x1b[31m"));
    for environment in [("NO_COLOR", "1"), ("TERM", "dumb")] {
        let text = report(Some(80), &[environment]);
        assert!(!text.contains('\x1b') && text.contains("verdict: "), "{text}");
    }
    let text = report(None, &[]);
    assert!(!text.contains('\x1b') && text.contains("verdict: "), "{text}");
    // And each line whole, for grep(1).
    let flags = "libc: pthread_create: CLONE_VM|CLONE_FS|CLONE_FILES|CLONE_SIGHAND|CLONE_THREAD|";
    assert!(text.contains(flags), "{text}");
}
