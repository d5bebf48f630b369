// SPDX-License-Identifier: MIT OR Apache-2.0
// Copyright (c) 2026 The nbclone developers
//! --report, --json and --all-calls.

#[path = "common/command.rs"]
mod common;

use common::*;
use serde_json::Value;

fn report(options: &[&str], calls: &[&str]) -> String {
    let output = nbclone().args(options).arg(compiled("calls")).args(calls).output();
    err(&output.expect("it runs"))
}

fn json(options: &[&str], calls: &[&str]) -> Value {
    let text = report(&[options, &["--json"]].concat(), calls);
    // Before it, what nbclone says of the run.
    let start = text.find("\n{").map_or(0, |end| end + 1);
    serde_json::from_str(text.get(start..).unwrap_or_default())
        .unwrap_or_else(|error| panic!("{error}: {text}"))
}

fn last_line(text: &str) -> &str {
    text.lines().last().unwrap_or_default()
}

#[test]
fn ends_with_the_verdict() {
    for (calls, verdict) in [
        (&["copy", "share"][..], "verdict: portable as far as this run shows (2 call sites)"),
        (&["copy", "namespace"], "verdict: needs work at 1 of 2 call sites: call_namespace at "),
        (
            &["namespace", "ptrace", "exit-signal", "linux1"],
            "verdict: needs work at 4 of 4 call sites: ",
        ),
        (&["null-stack"], "verdict: portable as far as this run shows (1 call site)"),
        (&["fork"], "verdict: portable as far as clone goes: fork, posix_spawn and threads alone"),
    ] {
        for policy in ["strict", "netbsd", "host"] {
            let text = report(&["--report", "--all-calls", "--policy", policy], calls);
            // Linux's own refusals don't change what NetBSD makes of a call.
            assert!(last_line(&text).starts_with(verdict), "{policy}: {text}");
        }
    }
}

#[test]
fn says_what_netbsd_does() {
    for (call, words) in [
        ("copy", "NetBSD 10: works alike"),
        ("ptrace", "NetBSD 10: refused with EINVAL: CLONE_PTRACE"),
        ("exit-signal", "NetBSD 10: refused with EINVAL: exit signal 77: its signals end at 63"),
        ("namespace", "NetBSD 10: ignores CLONE_NEWPID: the child isn't process 1 of its own"),
        ("namespace", "the child is everyone's (from its source)"),
        ("namespace", "can signal, all processes (measured)"),
        ("linux1", "NetBSD 10: NetBSD never had Linux 1.x's clone"),
    ] {
        let text = report(&["--report"], &[call, call, call]);
        assert!(text.contains(words), "{call}: {text}");
        assert!(text.contains("; policy strict; 3 calls by 1 process\n"), "{text}");
        assert!(text.contains(" at calls.c:"), "{text}");
        assert!(text.contains("Calls that bypass the library aren't seen"), "{text}");
    }
}

fn numbers(calls: &[&str]) -> Vec<u64> {
    let report = json(&[], calls);
    let list = report["sites"][0]["words"][0]["differences"].as_array().expect("an array").clone();
    list.iter().filter_map(Value::as_u64).collect()
}

#[test]
fn names_the_differences_that_matter() {
    assert_eq!(numbers(&["copy"]), [12, 17, 28, 29]);
    assert_eq!(numbers(&["share"]), [12, 17, 22, 23, 28, 29]);
    assert_eq!(numbers(&["sighand"]), [8, 9, 11, 13, 14, 15, 16, 17, 19, 27, 28]);
    assert_eq!(numbers(&["exit-signal"]), [1, 8, 9, 11, 17, 19, 27, 28]);
}

#[test]
fn gives_json_for_scripts() {
    let options = ["--policy", "netbsd", "--no-isolation"];
    let report = json(&options, &["copy", "namespace", "copy", "ptrace"]);
    assert_eq!(report["version"], 1);
    assert_eq!(report["nbclone"], env!("CARGO_PKG_VERSION"));
    assert_eq!(report["policy"], "netbsd");
    assert_eq!(report["status"], 0);
    assert_eq!(report["calls"], 4);
    assert_eq!(report["processes"], 1);
    assert_eq!(report["missing"], 0);
    assert_eq!(report["bypass"]["counted"], false);
    assert_eq!(report["verdict"]["portable"], false);
    assert_eq!(report["verdict"]["sites"], 3);
    assert_eq!(report["verdict"]["need_work"], 2);
    let sites = report["sites"].as_array().expect("an array");
    let of = |function: &str| {
        let found = sites.iter().find(|site| site["function"] == function);
        found.unwrap_or_else(|| panic!("no {function} in {report:#}"))
    };
    assert_eq!(of("call_copy")["calls"], 2);
    let word = |function: &str| of(function)["words"][0].clone();
    assert_eq!(word("call_copy")["flag_word"], 17);
    assert_eq!(word("call_copy")["calls"], 2);
    assert_eq!(word("call_copy")["netbsd"], "alike");
    assert_eq!(word("call_copy")["exit_signal"], "SIGCHLD");
    assert!(of("call_copy")["file"].as_str().is_some_and(|file| file.ends_with("calls.c")));
    assert_eq!(word("call_namespace")["netbsd"], "ignored");
    assert_eq!(of("call_namespace")["advice"][0]["section"], "Namespaces");
    assert_eq!(
        word("call_namespace")["flags"],
        serde_json::json!(["CLONE_NEWUTS", "CLONE_NEWPID"])
    );
    assert_eq!(word("call_ptrace")["netbsd"], "refused");
    assert_eq!(of("call_ptrace")["errors"]["EINVAL"], 1);
}

/// The kernel itself counts the library's calls here: the trace has them all.
/// (A call that a signal interrupts is made again, and counted again.)
#[test]
fn the_trace_has_every_call_that_the_kernel_saw() {
    let output = nbclone()
        .args(["--all-calls", "--json"])
        .arg(compiled("many"))
        .args(["4", "8", "50", "quiet"])
        .output();
    let output = output.expect("it runs");
    assert!(output.status.success(), "{}", err(&output));
    let report: Value = serde_json::from_str(&err(&output)).expect("JSON");
    assert_eq!(report["calls"], 4 * 8 * 50);
    assert_eq!(report["processes"], 4);
    assert_eq!(report["bypass"]["library"], report["calls"]);
    let counted = |purpose: &str| {
        let calls = report["bypass"]["calls"].as_array().expect("an array");
        let these = calls.iter().filter(|call| call["purpose"] == purpose);
        these.filter_map(|call| call["calls"].as_u64()).sum::<u64>()
    };
    assert_eq!((counted("fork"), counted("thread")), (4, 4 * 8));
    assert_eq!((counted("spawn"), counted("raw")), (0, 0));
}

#[test]
fn counts_calls_that_bypass_the_library() {
    let calls = ["raw-clone", "raw-clone3", "raw-clone3", "fork", "spawn", "thread", "share"];
    let report = json(&["--all-calls"], &calls);
    let list = report["bypass"]["calls"].as_array().expect("an array").clone();
    let of = |purpose: &str, call: &str| {
        let these =
            list.iter().filter(|entry| entry["purpose"] == purpose && entry["call"] == call);
        these.cloned().collect::<Vec<Value>>()
    };
    let raw = of("raw", "clone");
    assert_eq!(raw.len(), 1, "{report:#}");
    assert_eq!(raw[0]["flag_word"], 17);
    let raw3 = of("raw", "clone3");
    assert_eq!(raw3[0]["calls"], 2, "{report:#}");
    assert_eq!(raw3[0]["flags"], serde_json::json!(["CLONE_FS"]));
    if cfg!(target_arch = "x86_64") {
        assert_eq!(raw[0]["function"], "call_raw_clone", "{report:#}");
        assert_eq!(raw3[0]["function"], "call_raw_clone3", "{report:#}");
    }
    let purposes: Vec<&str> = list.iter().filter_map(|entry| entry["purpose"].as_str()).collect();
    for purpose in ["fork", "spawn", "thread"] {
        assert!(purposes.contains(&purpose), "{purpose}: {report:#}");
    }
    assert_eq!(report["bypass"]["library"], 1);
    assert_eq!(report["verdict"]["raw_sites"], 2);
    let words = report["verdict"]["words"].as_str().expect("words");
    assert!(words.starts_with("needs work at 2 of 3 call sites: call_raw_clone"), "{words}");
}

/// A static program's calls are the kernel's business too.
#[test]
fn counts_calls_of_a_static_program() {
    let program = compiled_by("cc", "many", "static", &["-static".as_ref()]);
    let output =
        nbclone().args(["--all-calls", "--json"]).arg(program).args(["1", "1", "10"]).output();
    let text = err(&output.expect("it runs"));
    let (warning, text) = text.split_once('\n').expect("a warning first");
    assert!(warning.contains("is static"), "{warning}");
    let report: Value = serde_json::from_str(text).expect("JSON");
    assert_eq!(report["calls"], 0);
    assert_eq!(report["warnings"].as_array().map(Vec::len), Some(1));
    let calls = report["bypass"]["calls"].as_array().expect("an array");
    let raw = calls.iter().filter(|call| call["purpose"] == "raw");
    let counts: u64 = raw.filter_map(|call| call["calls"].as_u64()).sum();
    // Its fork, its thread and ten clones: libc's own are in the program.
    assert_eq!(counts, 12, "{report:#}");
}

/// RLIMIT_FSIZE, which a trace through a file would run into.
#[test]
fn a_limit_on_files_hides_no_call() {
    let place = directory("a_limit_on_files");
    let calls = compiled("calls");
    let run = |script: &str| {
        let mut command = shell(script, &[&calls]);
        command.env("NB", built("nbclone")).env("FILE", place.join("report"));
        let output = command.output().expect("it runs");
        (output.status.code(), err(&output))
    };
    let (status, text) = run("ulimit -f 0; exec $NB --trace --all-calls --report $1 copy share");
    assert_eq!(status, Some(0), "{text}");
    assert!(text.contains("; 2 calls by 1 process\n"), "{text}");
    assert_eq!(text.matches("] clone(").count(), 2, "{text}");
    let verdict = "verdict: portable as far as this run shows (2 call sites); to check: [27]";
    assert_eq!(last_line(&text), verdict);

    // The same at many calls from many processes at once.
    let many = compiled("many");
    let mut command = shell("ulimit -f 0; exec $NB --json $1 4 8 50", &[&many]);
    let output = command.env("NB", built("nbclone")).output().expect("it runs");
    assert!(output.status.success(), "{}", err(&output));
    let value: Value = serde_json::from_str(&err(&output)).expect("JSON");
    assert_eq!(value["calls"], 4 * 8 * 50, "{value:#}");
    assert_eq!(value["missing"], 0, "{value:#}");

    // Nor is nbclone itself killed: it ends as COMMAND did, and says so.
    let (status, text) = run("ulimit -f 0; exec $NB --report=$FILE $1 copy");
    assert_eq!(status, Some(0), "{text}");
    assert!(text.starts_with("nbclone: the report can't be written: File too large"), "{text}");

    // A program with a limit of its own.
    let (status, text) = run("exec $NB --all-calls sh -c 'ulimit -f 0; exec $0 copy' $1");
    assert_eq!(status, Some(0), "{text}");
    let verdict = "verdict: portable as far as this run shows (1 call site); to check: [27]";
    assert_eq!(last_line(&text), verdict);
}
