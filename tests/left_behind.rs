// SPDX-License-Identifier: MIT OR Apache-2.0
// Copyright (c) 2026 The nbclone developers
//! What is left when nbclone(1) ends before the processes that it watches: no
//! file, no memory, and processes that can go on.

#[path = "common/command.rs"]
mod common;

use common::*;
use std::fs;
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, ChildStdout, Stdio};

/// nbclone and COMMAND, which has said that it is ready.
struct Run {
    child: Child,
    lines: BufReader<ChildStdout>,
}

fn start(options: &[&str], place: &Path, command: &[&str]) -> Run {
    // A job in the background, as which tests may run, ignores some signals.
    let mut run = clean(Path::new("env"));
    run.arg("--default-signal").arg(built("nbclone")).args(options).args(command);
    run.env("TMPDIR", place).stdout(Stdio::piped());
    let mut child = run.spawn().expect("it runs");
    let mut lines = BufReader::new(child.stdout.take().expect("piped"));
    assert_eq!(next(&mut lines), "ready\n");
    Run { child, lines }
}

fn next(lines: &mut impl BufRead) -> String {
    let mut line = String::new();
    lines.read_line(&mut line).expect("readable");
    line
}

fn send(process: u32, signal: &str) {
    let status = shell(&format!("kill -{signal} {process}"), &[]).status();
    assert!(status.expect("a shell runs").success());
}

/// The System V segments that a process made.
fn segments_of(process: u32) -> usize {
    let table = fs::read_to_string("/proc/sysvipc/shm").expect("a kernel with System V IPC");
    let creator = |line: &&str| line.split_whitespace().nth(4) == Some(&process.to_string());
    table.lines().filter(creator).count()
}

/// Whatever ends nbclone: no file and no memory is left, and COMMAND doesn't run
/// on unseen.
#[test]
fn killed_it_leaves_nothing() {
    let place = directory("killed_it_leaves_nothing");
    let catcher = compiled("catcher");
    let catcher = catcher.display().to_string();
    for options in [
        &["--report"][..],
        &["--trace=/dev/null", "--report=/dev/null"],
        &["--all-calls"],
        &["--all-calls=ptrace"],
    ] {
        for signal in ["KILL", "TERM", "INT", "HUP", "USR1"] {
            let mut run = start(options, &place, &[&catcher]);
            let id = run.child.id();
            assert_eq!(segments_of(id), 1, "{options:?}");
            send(id, signal);
            run.child.wait().expect("it ends");
            // The end of its output: COMMAND is gone too.
            assert_eq!(next(&mut run.lines), "", "{options:?} {signal}");
            assert_eq!(segments_of(id), 0, "{options:?} {signal}");
            assert_eq!(fs::read_dir(&place).expect("readable").count(), 0, "{options:?} {signal}");
        }
    }
}

/// The filter is served as long as a process has it: what COMMAND leaves
/// behind can fork still, when COMMAND itself is gone.
#[test]
fn what_stays_behind_can_fork() {
    // The last colon: a shell executes its last command without a fork.
    let script = "(while kill -0 $$ 2>/dev/null; do :; done; sh -c 'echo done' >$0; :) &";
    let done = directory("what_stays_behind").join("done");
    let mut run = nbclone();
    let output = run.args(["--all-calls", "sh", "-c", script]).arg(&done).output();
    assert!(output.expect("it runs").status.success());
    assert_eq!(std::fs::read_to_string(done).expect("written"), "done\n");
}

/// COMMAND ends, and leaves a process that forks when somebody opens a FIFO.
const LEAVES: &str = "(read line <$0; /bin/echo forked; :) & echo ready; exit 4";

/// nbclone whose COMMAND has ended, and that waits for what it left behind.
fn waits(options: &[&str], fifo: &Path) -> Run {
    let place = fifo.parent().expect("a directory");
    nix::unistd::mkfifo(fifo, nix::sys::stat::Mode::from_bits_truncate(0o600)).expect("made");
    let name = fifo.display().to_string();
    let run = start(options, place, &["sh", "-c", LEAVES, &name]);
    let id = run.child.id();
    let path = format!("/proc/{id}/task/{id}/children");
    let has_command = || !fs::read_to_string(&path).expect("a kernel that tells").is_empty();
    while has_command() {
        std::thread::yield_now();
    }
    run
}

/// How many processes of nbclone's have this word in their command line.
fn servants(word: &Path) -> usize {
    let nbclone = built("nbclone");
    let entries = fs::read_dir("/proc").expect("readable");
    let is_one = |entry: &fs::DirEntry| {
        let words = fs::read(entry.path().join("cmdline")).unwrap_or_default();
        let word = word.as_os_str().as_encoded_bytes();
        fs::read_link(entry.path().join("exe")).is_ok_and(|exe| exe == nbclone)
            && words.split(|&byte| byte == 0).any(|one| one == word)
    };
    entries.flatten().filter(is_one).count()
}

/// A signal ends the wait. nbclone leaves somebody who answers the filter's
/// questions: who was left behind can fork still.
#[test]
fn what_stays_behind_can_fork_when_nobody_waits() {
    let fifo = directory("when_nobody_waits").join("fifo");
    let mut run = waits(&["--all-calls"], &fifo);
    send(run.child.id(), "INT");
    assert_eq!(run.child.wait().expect("it ends").code(), Some(4));
    assert_eq!(servants(&fifo), 1);
    fs::write(&fifo, "go on\n").expect("written");
    assert_eq!(next(&mut run.lines), "forked\n");
    // With the last of them it ends.
    assert_eq!(next(&mut run.lines), "");
    while servants(&fifo) > 0 {
        std::thread::yield_now();
    }
}

/// A tracer can't be replaced: what it traces ends with it.
#[test]
fn what_is_traced_ends_with_the_tracer() {
    let fifo = directory("ends_with_the_tracer").join("fifo");
    let mut run = waits(&["--all-calls=ptrace"], &fifo);
    send(run.child.id(), "INT");
    assert_eq!(run.child.wait().expect("it ends").code(), Some(4));
    assert_eq!(next(&mut run.lines), "");
    assert_eq!(servants(&fifo), 0);
}

/// Without a filter a signal ends the wait, too, and nobody has to stay.
#[test]
fn what_is_not_filtered_needs_nobody() {
    let fifo = directory("needs_nobody").join("fifo");
    let mut run = waits(&["--report"], &fifo);
    send(run.child.id(), "INT");
    assert_eq!(run.child.wait().expect("it ends").code(), Some(4));
    assert_eq!(servants(&fifo), 0);
    fs::write(&fifo, "go on\n").expect("written");
    assert_eq!(next(&mut run.lines), "forked\n");
}
