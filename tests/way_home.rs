// SPDX-License-Identifier: MIT OR Apache-2.0
// Copyright (c) 2026 The nbclone developers
//! Whether every call comes to nbclone(1), whatever a program does meanwhile,
//! and that nobody else can send there, or reach the terminal.

#[path = "common/command.rs"]
mod common;

use common::*;
use serde_json::Value;
use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::os::linux::net::SocketAddrExt;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::net::{SocketAddr, UnixStream};
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

const CLONE_NEWUSER: i32 = 0x1000_0000;
const CLONE_NEWNET: i32 = 0x4000_0000;
const CLONE_NEWIPC: i32 = 0x0800_0000;
const CLONE_NEWNS: i32 = 0x0002_0000;

fn json(run: &mut Command) -> Value {
    let output = run.output().expect("it runs");
    let text = err(&output);
    // Behind what nbclone says besides.
    let start = text.find("\n{").map_or(0, |start| start + 1);
    serde_json::from_str(&text[start..]).unwrap_or_else(|error| panic!("{error}: {text}"))
}

/// The report on acts, of whose calls none may be missing.
fn check_complete(acts: &[&str], calls: u64) {
    for option in ["--json", "--all-calls"] {
        let value = json(nbclone().args([option, "--json"]).arg(compiled("acts")).args(acts));
        assert_eq!(value["calls"], calls, "{option} {acts:?}: {value:#}");
        assert_eq!(value["missing"], 0, "{option} {acts:?}: {value:#}");
        let words = value["verdict"]["words"].as_str().expect("words");
        assert!(!words.contains("no verdict"), "{option} {acts:?}: {words}");
    }
}

#[test]
fn nothing_that_a_program_closes_loses_a_call() {
    for (acts, calls) in [
        (&["calls=2", "close", "calls=3"][..], 5),
        (&["close", "exec", "calls=3"], 3),
        (&["fsize=0", "calls=1", "exec", "calls=2"], 3),
        (&["filter", "calls=4"], 4),
        (&["calls=1", "daemon", "close", "calls=2", "exec", "calls=3"], 6),
    ] {
        check_complete(acts, calls);
    }
}

/// chromium's sandbox in miniature: a program that was executed without descriptors in
/// namespaces of its own, and shuts itself in.
#[test]
fn no_namespace_of_its_own_loses_a_call() {
    if !may_unshare("-U -n -i -m", "no_namespace_of_its_own_loses_a_call") {
        return;
    }
    let unshare = format!("unshare={}", CLONE_NEWUSER | CLONE_NEWNET | CLONE_NEWIPC | CLONE_NEWNS);
    for (acts, calls) in [
        (&["close", &unshare, "calls=1", "filter", "calls=2"][..], 3),
        (&[&unshare, "exec", "calls=2"], 2),
    ] {
        check_complete(acts, calls);
    }
}

#[test]
fn no_other_user_and_no_other_root_loses_a_call() {
    if !may_unshare("-n -i", "no_other_user_and_no_other_root_loses_a_call") {
        return;
    }
    let place = directory("no_other_root");
    let chroot = format!("chroot={}", place.display());
    let user = "user=65534";
    let newnet = format!("unshare={CLONE_NEWNET}");
    let newipc = format!("unshare={CLONE_NEWIPC}");
    for (acts, calls) in [
        (&["calls=1", &chroot, "calls=2", user, "calls=3"][..], 6),
        (&[user, "calls=1"], 1),
        (&["close", &newnet, "exec", "calls=2"], 2),
        (&[&newipc, &newnet, "exec", "calls=2"], 2),
        (&["calls=1", "daemon", "close", &chroot, user, "calls=2"], 3),
    ] {
        check_complete(acts, calls);
    }
}

/// A process in another root directory sees no /proc: its call sites are known
/// all the same, as long as it is there.
#[test]
fn call_sites_are_known_from_another_root() {
    if !is_root("call_sites_are_known_from_another_root") {
        return;
    }
    let place = directory("call_sites_from_another_root");
    let mut run = nbclone();
    run.arg("--trace").arg(compiled("acts")).arg(format!("chroot={}", place.display()));
    run.args(["calls=1", "read"]).stdin(Stdio::piped()).stderr(Stdio::piped());
    let mut child = run.spawn().expect("it runs");
    let mut line = String::new();
    let stderr = child.stderr.take().expect("piped");
    BufReader::new(stderr).read_line(&mut line).expect("readable");
    assert_has(&line, " call at acts.c:");
    drop(child.stdin.take());
    assert!(child.wait().expect("it ends").success());
}

/// TMPDIR, and what is wrong with it, play no part.
#[test]
fn no_directory_has_a_part_in_it() {
    let place = directory("no_directory");
    let full = PathBuf::from("/dev/full");
    for directory in [&full, &place.join("missing")] {
        let mut run = nbclone();
        let value =
            json(run.arg("--json").arg(compiled("acts")).arg("calls=2").env("TMPDIR", directory));
        assert_eq!(value["calls"], 2, "{value:#}");
    }
}

/// Many more lines than wait at once, by many more processes than processors.
#[test]
fn keeps_up_with_many() {
    let mut run = nbclone();
    let value = json(run.arg("--json").arg(compiled("acts")).arg("storm=64,400"));
    assert_eq!(value["calls"], 64 * 400, "{value:#}");
    assert_eq!(value["processes"], 64, "{value:#}");
    assert_eq!(value["missing"], 0, "{value:#}");
}

/// nbclone's id in $NBCLONE_PID, for what COMMAND does to it.
fn nbclone_that_is_known() -> Command {
    let mut run = clean(Path::new("sh"));
    run.args(["-c", "export NBCLONE_PID=$$; exec \"$@\"", "sh"]).arg(built("nbclone"));
    run
}

/// A program that outlives nbclone goes on, when there is no more room for its
/// lines.
#[test]
fn a_reader_that_is_gone_holds_nobody_up() {
    let done = directory("a_reader_that_is_gone").join("done");
    std::process::Command::new("mkfifo").arg(&done).status().expect("mkfifo runs");
    let script = "(kill -KILL $NBCLONE_PID; \"$0\" calls=1200; echo $? >\"$1\") & wait";
    let mut run = nbclone_that_is_known();
    run.args(["--trace=/dev/null", "sh", "-c", script]).arg(compiled("acts")).arg(&done);
    run.stdin(Stdio::null()).status().expect("it runs");
    assert_eq!(fs::read_to_string(&done).expect("written"), "0\n");
}

fn verdict(output: &Output) -> String {
    err(output).lines().last().unwrap_or_default().to_owned()
}

/// Another user's, all descriptors closed, executed anew: no way is left, and
/// no verdict.
#[test]
fn says_so_where_calls_cannot_come() {
    if !may_unshare("-n", "says_so_where_calls_cannot_come") {
        return;
    }
    for options in [&["--report"][..], &["--all-calls"]] {
        let mut run = nbclone();
        run.args(options).arg(compiled("acts"));
        let output = run.args(["calls=2", "close", "user=65534", "exec", "calls=3"]).output();
        let text = verdict(&output.expect("it runs"));
        let start =
            if options == ["--report"] { "seen 2 of at least 2 calls (" } else { "seen 2 of" };
        assert!(text.starts_with(&format!("verdict: can't tell: {start}")), "{text}");
        assert!(text.ends_with("; no verdict"), "expected no verdict: {text}");
    }
    // Nor through the network namespace: the filter has counted them.
    let mut run = nbclone();
    run.args(["--all-calls"]).arg(compiled("acts"));
    let newnet = format!("unshare={CLONE_NEWNET}");
    let output = run.args(["close", "user=65534", "exec", "calls=3"]).output().expect("it runs");
    assert!(verdict(&output).contains("of at least 3 calls"), "{}", verdict(&output));
    let mut run = nbclone();
    run.args(["--all-calls"]).arg(compiled("acts"));
    let output = run.args(["close", &newnet, "user=65534", "exec", "calls=3"]).output();
    let text = verdict(&output.expect("it runs"));
    assert_eq!(text, "verdict: can't tell: seen 0 of 3 calls; no verdict");
}

/// What runs on when a signal ends the wait for it.
#[test]
fn says_so_where_a_process_runs_on() {
    // When COMMAND has ended, the signal is for the wait.
    let script = "exec 3<&0; (while kill -0 $$ 2>/dev/null; do :; done; \
                  kill -USR1 $NBCLONE_PID; read forever <&3) 2>/dev/null &";
    let mut run = nbclone_that_is_known();
    run.args(["--report", "sh", "-c", script]);
    let mut child = run.stdin(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("it runs");
    let input = child.stdin.take();
    let output = child.wait_with_output().expect("it ends");
    drop(input);
    let text = verdict(&output);
    assert_has(&text, "a process that COMMAND left behind runs on");
    assert!(text.ends_with("; no verdict"), "expected no verdict: {text}");
}

/// What others can see of the way, and what they can do with it.
#[test]
fn others_can_write_nothing() {
    let mut run = nbclone();
    let script = "printf '%s\\n' \"$NBCLONE_TRACE\"; read line";
    let mut child = run
        .args(["--report", "sh", "-c", script])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("it runs");
    let mut address = String::new();
    let stdout = child.stdout.as_mut().expect("piped");
    BufReader::new(stdout).read_line(&mut address).expect("readable");
    let numbers: Vec<u32> = address
        .trim()
        .strip_prefix('@')
        .expect("nbclone's own way")
        .split(',')
        .map(|number| number.parse().expect("a number"))
        .collect();
    let [segment, descriptor, key, door] = numbers[..] else { panic!("{address}") };

    // The segment is this user's alone; the file has no name.
    let segments = fs::read_to_string("/proc/sysvipc/shm").expect("System V memory");
    let line =
        segments.lines().find(|line| line.split_whitespace().nth(1) == Some(&segment.to_string()));
    let mode = line.and_then(|line| line.split_whitespace().nth(2)).expect("the segment");
    // 1000: it goes with its last process.
    assert_eq!(mode, "1600");
    let path = format!("/proc/{}/fd/{descriptor}", child.id());
    assert!(fs::read_link(path).is_err(), "the number is COMMAND's alone");

    // Who doesn't know the key is no visitor.
    let name = [&b"nbclone--"[..], &door.to_ne_bytes()].concat();
    for said in [&b""[..], b"no", &(key ^ 1).to_ne_bytes()] {
        let address = SocketAddr::from_abstract_name(&name).expect("a name");
        let mut stream = UnixStream::connect_addr(&address).expect("a door");
        let _ = stream.write_all(said);
    }
    drop(child.stdin.take());
    let text = verdict(&child.wait_with_output().expect("it ends"));
    assert_eq!(text, "verdict: portable as far as clone goes: no call of it was seen");
}

/// A program by a name that reaches for the terminal, or for the line.
fn odd_program(name: &[u8]) -> PathBuf {
    let place = directory(&format!("odd_{}", name.len())).join(std::ffi::OsStr::from_bytes(name));
    fs::create_dir_all(&place).expect("made");
    let program = place.join("prog, stack=0x1, flags=0");
    copy_program(&compiled("calls"), &program);
    program
}

#[test]
fn names_are_printable_and_told_apart() {
    for name in [
        &b"a\x1b]0;title\x07b\x9bc"[..],
        b"x> = 5 <caller /bin/sh+0x1>",
        b"not\xffutf8\xc2\x9b",
        b"new\nline",
        "a\u{202e}bc \u{e9}".as_bytes(),
    ] {
        let program = odd_program(name);
        let mut run = nbclone();
        let output =
            run.args(["--trace", "--all-calls"]).arg(&program).args(["copy", "raw-clone"]).output();
        let output = output.expect("it runs");
        let text = String::from_utf8(output.stderr.clone()).expect("UTF-8");
        let unsafe_character = |c: char| (c.is_control() && c != '\n') || c == '\u{202e}';
        assert!(!text.contains(unsafe_character), "expected no control character in {text:?}");
        assert_has(&text, " call_copy at calls.c:");
        assert!(
            text.contains(" call_raw_clone at calls.c:") || !cfg!(target_arch = "x86_64"),
            "{text}"
        );
        assert_has(&text, "; 1 call by 1 process\n");
        assert_lacks(&text, "at /bin/sh");

        // The library by itself.
        let output = preloaded(&program).arg("copy").env("NBCLONE_TRACE", "2").output();
        let lines = output.expect("it runs").stderr;
        assert!(!lines.iter().any(|&byte| byte < b' ' && byte != b'\n'), "{lines:?}");
    }
}

/// Symbols are looked for in regular files alone: a FIFO of that name would be
/// waited for.
#[test]
fn a_fifo_in_a_program_s_place_holds_nobody_up() {
    let place = directory("a_fifo_in_a_programs_place");
    let program = place.join("program");
    copy_program(&compiled("calls"), &program);
    let script = "\"$0\" copy; rm \"$0\"; mkfifo \"$0\"; mv \"$0\" \"$0 (deleted)\"; mkfifo \"$0\"";
    let mut run = clean(Path::new("timeout"));
    run.args(["-k", "1", "60"])
        .arg(built("nbclone"))
        .args(["--report", "sh", "-c", script])
        .arg(&program);
    let output = run.output().expect("it runs");
    assert!(output.status.success(), "{}", err(&output));
    assert!(err(&output).contains("; 1 call by 1 process\n"), "{}", err(&output));
}

/// NBCLONE_TRACE=3 is the file that 3 was when the program started.
#[test]
fn a_number_stays_one_file() {
    let place = directory("a_number_stays_one_file");
    let script =
        "exec 3>trace; LD_PRELOAD=$LIB NBCLONE_TRACE=3 exec \"$1\" calls=1 reuse=data calls=2";
    let mut run = shell(script, &[&compiled("acts")]);
    let status = run.env("LIB", built("libnbclone.so")).current_dir(&place).status();
    assert!(status.expect("it runs").success());
    let lines = fs::read_to_string(place.join("trace")).expect("written");
    assert_eq!(lines.lines().count(), 1, "{lines}");
    assert_eq!(fs::read_to_string(place.join("data")).expect("written"), "the program's\n");
}
