// SPDX-License-Identifier: MIT OR Apache-2.0
// Copyright (c) 2026 The nbclone developers
//! Names and lines of call sites: from debug information in a file of its own,
//! and of files that are gone.

#[path = "common/command.rs"]
mod common;

use common::*;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

fn done(command: &mut Command) {
    let output = command.output().expect("it runs");
    assert!(output.status.success(), "{command:?}: {}", err(&output));
}

/// A program in `place` that has neither symbols nor lines, and its debug
/// information.
fn stripped(place: &Path) -> (PathBuf, PathBuf) {
    let (program, debug) = (place.join("calls"), place.join("calls.debug"));
    copy_program(&compiled("calls"), &program);
    done(Command::new("objcopy").arg("--only-keep-debug").arg(&program).arg(&debug));
    done(Command::new("strip").arg(&program));
    (program, debug)
}

/// Whether report and trace name the call site with its line.
fn is_named(program: &Path) -> bool {
    let report =
        err(&nbclone().arg("--report").arg(program).arg("copy").output().expect("it runs"));
    let trace = err(&nbclone().arg("--trace").arg(program).arg("copy").output().expect("it runs"));
    let named = report.contains("call_copy at calls.c:");
    assert_eq!(trace.contains("call_copy at calls.c:"), named, "{report}\n{trace}");
    assert!(report.contains("clone: SIGCHLD"), "{report}");
    named
}

#[test]
fn by_debuglink() {
    let place = directory("by_debuglink");
    let (program, debug) = stripped(&place);
    assert!(!is_named(&program));
    let link = format!("--add-gnu-debuglink={}", debug.display());
    done(Command::new("objcopy").arg(link).arg(&program));
    // The name alone would do for gdb(1), too, if there is a build-id elsewhere.
    assert!(is_named(&program));

    let hidden = place.join(".debug");
    fs::create_dir(&hidden).expect("writable");
    fs::rename(&debug, hidden.join("calls.debug")).expect("moved");
    assert!(is_named(&program));

    // That of another build isn't it.
    let other = fs::read(compiled("acts")).expect("readable");
    fs::write(hidden.join("calls.debug"), other).expect("written");
    assert!(!is_named(&program));
}

#[test]
fn under_usr_lib_debug() {
    if !may_unshare("-m", "under_usr_lib_debug") {
        return;
    }
    let place = directory("under_usr_lib_debug");
    let (program, debug) = stripped(&place);
    let notes = Command::new("readelf").arg("-n").arg(&program).output().expect("readelf runs");
    let notes = out(&notes);
    let id = notes.lines().find_map(|line| line.trim().strip_prefix("Build ID: "));
    let (first, rest) = id.expect("the linker writes one").split_at(2);
    let by_id = format!("/usr/lib/debug/.build-id/{first}/{rest}.debug");
    let by_name = format!("/usr/lib/debug{}", debug.display());
    let own = place.join("own");
    copy_program(&debug, &own);
    for (file, links) in [(&by_id, false), (&by_name, true)] {
        if links {
            done(
                Command::new("objcopy")
                    .arg(format!("--add-gnu-debuglink={}", own.display()))
                    .arg(&program),
            );
        }
        let named = if links { by_name.replace("calls.debug", "own") } else { file.clone() };
        let script = format!(
            "mkdir -p /usr/lib/debug && mount -t tmpfs none /usr/lib/debug && \
             mkdir -p \"$(dirname {named})\" && mv {} {named} && exec {} --report {} copy",
            if links { own.display() } else { debug.display() },
            built("nbclone").display(),
            program.display()
        );
        let output = clean(Path::new("unshare")).args(["-m", "sh", "-c", &script]).output();
        let text = err(&output.expect("it runs"));
        assert!(text.contains("call_copy at calls.c:"), "{file}: {text}");
    }
}

/// A program that removes itself, before or behind its calls.
#[test]
fn of_files_that_are_gone() {
    let place = directory("of_files_that_are_gone");
    for acts in [["unlink", "calls=1"], ["calls=1", "unlink"]] {
        let program = place.join("acts");
        for options in [&["--report"][..], &["--all-calls"], &["--trace"]] {
            copy_program(&compiled("acts"), &program);
            let output = nbclone().args(options).arg(&program).args(acts).output();
            let text = err(&output.expect("it runs"));
            assert!(text.contains("call at acts.c:"), "{options:?} {acts:?}: {text}");
        }
    }
}

/// Another file has its path by the end of the run.
#[test]
fn of_files_that_were_replaced() {
    let place = directory("of_files_that_were_replaced");
    let program = place.join("acts");
    copy_program(&compiled("acts"), &program);
    let acts = ["calls=1", "unlink", "run", "cp"];
    let mut run = nbclone();
    run.arg("--report").arg(&program).args(acts).arg(compiled("calls")).arg(&program);
    let text = err(&run.output().expect("it runs"));
    assert!(program.exists(), "{text}");
    assert!(text.contains("call at acts.c:"), "{text}");
}

/// The program's name is another file's where nbclone runs.
#[test]
fn of_files_in_another_root() {
    if !may_unshare("-m", "of_files_in_another_root") {
        return;
    }
    let place = directory("of_files_in_another_root");
    let root = place.join("root");
    fs::create_dir(&root).expect("writable");
    copy_program(&compiled("acts"), &place.join("acts"));
    // Its own root has it elsewhere, and the path is that of a text here.
    fs::write(place.join("text"), "no program\n").expect("written");
    let script = format!(
        "mount --bind {0} {0} && mount --rbind / {0}/root && \
         mount --bind {0}/acts {0}/root/bin/true && exec {1} --all-calls chroot {0}/root /bin/true calls=1",
        place.display(),
        built("nbclone").display()
    );
    let output = clean(Path::new("unshare")).args(["-m", "sh", "-c", &script]).output();
    let text = err(&output.expect("it runs"));
    assert!(text.contains("call at acts.c:"), "{text}");
    // Nor is the library another one there.
    assert!(text.contains("(1 passed by it)") && !text.contains("a raw clone"), "{text}");
}
