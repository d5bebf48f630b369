// SPDX-License-Identifier: MIT OR Apache-2.0
// Copyright (c) 2026 The nbclone developers
//! Which differences between NetBSD and Linux a program meets, as --report
//! sees it.

#[path = "common/command.rs"]
mod common;

use common::*;
use serde_json::Value;

fn run(options: &[&str], calls: &[&str]) -> Value {
    let program = compiled("evidence");
    let mut command = nbclone();
    // Whatever the calls do with signals, they all end.
    let output =
        command.args(["--policy", "host", "--json", "--all-calls"]).args(options).arg(program);
    let text = err(&output.args(calls).output().expect("it runs"));
    serde_json::from_str(&text).unwrap_or_else(|error| panic!("{error}: {text}"))
}

/// Both ways of --all-calls see the same.
const WAYS: [&str; 2] = ["--all-calls=listener", "--all-calls=ptrace"];

fn differences(report: &Value) -> Vec<Value> {
    report["differences"].as_array().expect("an array").clone()
}

/// The differences that were met and what was met of each.
fn met(report: &Value) -> Vec<(u64, Vec<Value>)> {
    let all = differences(report);
    let met = all.iter().filter(|difference| difference["answer"] == "met");
    met.map(|difference| {
        let number = difference["number"].as_u64().expect("a number");
        (number, difference["met"].as_array().expect("an array").clone())
    })
    .collect()
}

/// Without a filter there is nothing to test.
fn is_watched() -> bool {
    let report = run(&[], &[]);
    let watched = report["evidence"]["collected"] == true;
    if !watched {
        skip(&format!("no evidence: {}", report["evidence"]["why"]));
    }
    watched
}

#[test]
fn each_difference_is_met_where_it_happens() {
    if !is_watched() {
        return;
    }
    for (call, number, place, what) in [
        ("7", 7, "call_7", "no memory below the stack argument"),
        ("8", 8, "run", "an alternate signal stack, and a handler with SA_ONSTACK"),
        ("8-late", 8, "run", "the child sets a handler with SA_ONSTACK; its parent has the stack"),
        ("9", 9, "run", "executes /bin/true; exit signal SIGWINCH"),
        ("10", 10, "run", "the child changes its directory, root or umask after exec"),
        ("11", 11, "run", "the parent has SIGCHLD ignored; exit signal SIGWINCH"),
        (
            "11-late",
            11,
            "call_11_late",
            "the parent ignores SIGCHLD while a child without SIGCHLD lives",
        ),
        ("12", 12, "run", "SA_NOCLDWAIT and a handler for SIGCHLD"),
        ("13", 13, "run", "the child ignores SIGCHLD"),
        ("14", 14, "run", "the child handles SIGUSR2, which the parent ignores"),
        ("15", 15, "run", "the child sets SIGUSR2 to its default; the parent ignores it"),
        ("16", 16, "run", "the child changes SA_NOCLDSTOP"),
        ("17", 17, "call_17", "sigwait for SIGCHLD, which has no handler"),
        ("17-pending", 17, "run", "sigpending for SIGCHLD, which has no handler"),
        ("17-signalfd", 17, "run", "a signalfd for SIGCHLD, which has no handler"),
        ("19", 19, "run", "a handler with SA_SIGINFO for SIGUSR1"),
        ("23", 23, "run", "SIGTSTP to a child of CLONE_VFORK"),
        ("25", 25, "run", "the child takes a record lock"),
        ("26", 26, "call_26", "getpgid of a child that has ended"),
        ("28", 28, "run", "the child's value is 0x1234"),
        ("29", 29, "call_29", "SIGCONT to a stopped child; its parent has SIGCHLD blocked"),
    ] {
        for way in WAYS {
            let met = met(&run(&[way], &[call]));
            let [(found, meetings)] = met.as_slice() else { panic!("{way} {call}: {met:#?}") };
            assert_eq!((*found, meetings.len()), (number, 1), "{way} {call}: {met:#?}");
            assert_eq!(meetings[0]["function"], place, "{way} {call}: {met:#?}");
            assert_eq!(meetings[0]["what"], what, "{way} {call}: {met:#?}");
            assert_eq!(
                meetings[0]["count"].as_u64().map(|count| count > 0),
                Some(true),
                "{way} {call}"
            );
        }
    }
}

/// These have no call site: a parent that was killed writes no line, and waits
/// belong to no call.
#[test]
fn what_belongs_to_no_call_site_is_told_with_its_process() {
    if !is_watched() {
        return;
    }
    for (call, number, what) in [
        ("22", 22, "SIGTERM to a parent that waits in CLONE_VFORK"),
        ("27", 27, "waits with __WALL"),
    ] {
        let met = met(&run(&[], &[call]));
        let [(found, meetings)] = met.as_slice() else { panic!("{call}: {met:#?}") };
        assert_eq!((*found, meetings.len()), (number, 1), "{call}: {met:#?}");
        assert_eq!(meetings[0]["module"], Value::Null, "{call}: {met:#?}");
        assert_eq!(meetings[0]["what"], what, "{call}: {met:#?}");
        assert!(meetings[0]["process"].as_u64().is_some_and(|id| id > 1), "{call}: {met:#?}");
    }
}

#[test]
fn what_comes_close_is_not_met() {
    if !is_watched() {
        return;
    }
    for call in [
        "no-8", "no-9", "no-10", "no-11", "no-13", "no-14", "no-17", "no-19", "no-22", "no-25",
        "no-28", "none",
    ] {
        for way in WAYS {
            let report = run(&[way], &[call]);
            assert_eq!(met(&report), [], "{call}");
            assert_eq!(report["verdict"]["outcome"], "portable", "{call}: {report:#}");
            assert_eq!(report["evidence"]["unread"], 0, "{call}");
        }
    }
}

/// Through fork, a new program and a library call with other dispositions.
#[test]
fn dispositions_are_inherited() {
    if !is_watched() {
        return;
    }
    let met = met(&run(&[], &["12-forked"]));
    assert_eq!(met.iter().map(|(number, _)| *number).collect::<Vec<u64>>(), [12]);
}

#[test]
fn the_verdict_follows_what_was_met() {
    if !is_watched() {
        return;
    }
    let words = |calls: &[&str]| {
        let verdict = run(&[], calls)["verdict"].clone();
        (verdict["outcome"].clone(), verdict["words"].as_str().unwrap_or_default().to_owned())
    };
    let (outcome, text) = words(&["9", "17"]);
    assert_eq!(outcome, "needs work");
    assert!(text.starts_with("needs work at 2 of 2 call sites: run at evidence.c:"), "{text}");
    let (outcome, text) = words(&["28", "27"]);
    assert_eq!(outcome, "portable");
    assert!(text.ends_with("; to check: [27] [28]"), "{text}");
}

#[test]
fn what_is_not_watched_is_told() {
    let report = run(&["--no-evidence"], &["none"]);
    assert_eq!(report["evidence"]["collected"], false);
    assert_eq!(report["evidence"]["why"], "--no-evidence");
    let unseen = differences(&report);
    let nine = unseen.iter().find(|difference| difference["number"] == 9).expect("9");
    assert_eq!((&nine["answer"], &nine["why"]), (&"unseen".into(), &"--no-evidence".into()));
    assert_eq!(report["verdict"]["outcome"], "can't tell");
    let words = report["verdict"]["words"].as_str().unwrap_or_default();
    assert!(words.starts_with("can't tell: whether it meets [9] [10] "), "{words}");
}

/// Answers that differ from one run to the next would be no evidence.
#[test]
fn every_answer_is_one_of_four() {
    let report = run(&[], &["9"]);
    for difference in differences(&report) {
        let answer = difference["answer"].as_str().expect("a string");
        assert!(["met", "not met", "unseen", "harmless"].contains(&answer), "{difference:#}");
        assert_eq!(difference["why"].is_string(), ["unseen", "harmless"].contains(&answer));
    }
}
