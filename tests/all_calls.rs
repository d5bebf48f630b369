// SPDX-License-Identifier: MIT OR Apache-2.0
// Copyright (c) 2026 The nbclone developers
//! --all-calls: by a listener and by ptrace(2), beside a listener of the
//! program's own, of 32-bit programs, without /proc.

#[path = "common/command.rs"]
mod common;

use common::*;
use serde_json::Value;
use std::ffi::OsStr;
use std::path::Path;
use std::process::Command;

const WAYS: [&str; 2] = ["--all-calls=listener", "--all-calls=ptrace"];

/// Status and report of a run.
fn report(run: &mut Command) -> (Option<i32>, Value) {
    let output = run.output().expect("it runs");
    let text = err(&output);
    // Behind what the program and nbclone say besides.
    let start = text.find("\n{\n").map_or(0, |start| start + 1);
    let value = text.get(start..).map(serde_json::from_str);
    let value = value.and_then(Result::ok).unwrap_or_else(|| panic!("no report: {text}"));
    (output.status.code(), value)
}

fn acts(options: &[&str], acts: &[&str]) -> (Option<i32>, Value) {
    report(nbclone().arg("--json").args(options).arg(compiled("acts")).args(acts))
}

/// Calls of one purpose.
fn counted(report: &Value, purpose: &str) -> u64 {
    let calls = report["bypass"]["calls"].as_array().expect("an array");
    let these = calls.iter().filter(|call| call["purpose"] == purpose);
    these.filter_map(|call| call["calls"].as_u64()).sum()
}

fn verdict(report: &Value) -> &str {
    report["verdict"]["words"].as_str().expect("words")
}

/// Whether a listener can be had here, outside of nbclone.
fn have_listeners() -> bool {
    let status = clean(&compiled("acts")).arg("listener").status().expect("it runs");
    if !status.success() {
        skip("no seccomp listener is to be had here");
    }
    status.success()
}

#[test]
fn a_program_gets_a_listener_of_its_own() {
    if !have_listeners() {
        return;
    }
    // There is no filter of ours without --all-calls.
    for options in [&[][..], &["--trace=/dev/null"]] {
        let (status, value) = acts(options, &["listener", "calls=2"]);
        assert_eq!((status, &value["calls"]), (Some(0), &Value::from(2)), "{value:#}");
    }
    let (status, value) = acts(&["--all-calls=ptrace"], &["listener", "calls=2"]);
    assert_eq!((status, &value["calls"]), (Some(0), &Value::from(2)), "{value:#}");
    // Its listener is asked about the calls, and ours isn't: they count all the same.
    assert_eq!(value["bypass"]["library"], 2, "{value:#}");
    assert!(verdict(&value).starts_with("portable as far as this run shows"), "{value:#}");
}

/// Where our filter has the only listener, it says so.
#[test]
fn a_listener_that_a_program_cannot_have_is_told() {
    if !have_listeners() {
        return;
    }
    for option in ["--all-calls", "--all-calls=listener"] {
        let (status, value) = acts(&[option], &["calls=1", "listener"]);
        assert_eq!(status, Some(103), "{value:#}");
        assert_eq!(value["bypass"]["refused"], serde_json::json!(["all_calls.acts"]), "{value:#}");
        let words = "can't tell: all_calls.acts asked for a seccomp listener of its own and got EBUSY; \
                     --all-calls=ptrace leaves it one";
        assert_eq!(verdict(&value), words);
    }
    let mut run = nbclone();
    let output = run.args(["--all-calls=listener"]).arg(compiled("acts")).arg("listener").output();
    let text = err(&output.expect("it runs"));
    assert_eq!(text.matches("asked for a seccomp listener of its own").count(), 2, "{text}");
}

/// Which COMMAND will ask for one, is seen where it is linked with libseccomp.
#[test]
fn a_program_of_libseccomp_gets_its_listener() {
    let place = directory("a_program_of_libseccomp");
    let source = place.join("notify.c");
    let text = "#include <seccomp.h>\n\
                int main(void)\n{\n\
                scmp_filter_ctx filter = seccomp_init(SCMP_ACT_ALLOW);\n\
                seccomp_rule_add(filter, SCMP_ACT_NOTIFY, SCMP_SYS(mknod), 0);\n\
                return seccomp_load(filter) != 0 || seccomp_notify_fd(filter) < 0;\n}\n";
    std::fs::write(&source, text).expect("written");
    let program = place.join("notify");
    let made = Command::new("cc").arg("-o").arg(&program).arg(&source).arg("-lseccomp").output();
    if !made.expect("cc runs").status.success() {
        lacks("a program of libseccomp", "libseccomp-dev");
        return;
    }
    if !have_listeners() {
        return;
    }
    let run = |option: &str| nbclone().arg(option).arg(&program).output().expect("it runs");
    let output = run("--all-calls");
    assert_eq!(output.status.code(), Some(0), "{}", err(&output));
    assert!(err(&output).contains("as with --all-calls=ptrace, it gets one"), "{}", err(&output));
    // Who says otherwise is obeyed.
    assert_eq!(run("--all-calls=listener").status.code(), Some(1));
}

#[test]
fn both_ways_count_the_same() {
    let calls = ["raw-clone", "raw-clone3", "fork", "spawn", "thread", "share", "namespace"];
    let [one, other] = WAYS.map(|way| {
        let (status, value) =
            report(nbclone().args(["--json", way]).arg(compiled("calls")).args(calls));
        assert_eq!(status, Some(0), "{value:#}");
        let list = value["bypass"]["calls"].as_array().expect("an array").clone();
        let known = |call: &Value| {
            ["purpose", "call", "flag_word", "calls", "function", "line"]
                .map(|name| call[name].clone())
        };
        (
            list.iter().map(known).collect::<Vec<_>>(),
            value["verdict"].clone(),
            value["evidence"].clone(),
        )
    });
    assert_eq!(one, other);

    // Many at once, by threads and processes.
    for way in WAYS {
        let mut run = nbclone();
        run.args(["--json", way]).arg(compiled("many")).args(["4", "8", "50", "quiet"]);
        let (status, value) = report(&mut run);
        assert_eq!((status, &value["calls"]), (Some(0), &Value::from(4 * 8 * 50)), "{value:#}");
        assert_eq!(value["bypass"]["library"], value["calls"], "{value:#}");
        assert_eq!((counted(&value, "fork"), counted(&value, "thread")), (4, 4 * 8));
    }
}

/// What stays behind is traced to its end.
#[test]
fn a_tracer_stays_with_what_is_left_behind() {
    let (status, value) = acts(&["--all-calls=ptrace"], &["calls=1", "daemon", "close", "calls=2"]);
    assert_eq!((status, &value["calls"]), (Some(0), &Value::from(3)), "{value:#}");
    assert_eq!(value["bypass"]["library"], 3, "{value:#}");
}

/// A program that is traced can't be traced by its own parent, and says so; with
/// a listener it can.
#[test]
fn a_debugger_wants_the_listener() {
    if !have("strace", "strace") {
        return;
    }
    let run = |way: &str| {
        let mut run = nbclone();
        let output =
            run.args([way, "--report=/dev/null", "strace", "-o/dev/null", "true"]).output();
        output.expect("it runs").status.success()
    };
    assert!(run("--all-calls=listener"));
    assert!(!run("--all-calls=ptrace"));
}

/// Where ptrace(2) is refused it is named, and nothing has been run.
#[test]
fn says_that_ptrace_is_refused() {
    if !have("strace", "strace") {
        return;
    }
    let place = directory("says_that_ptrace_is_refused");
    let mut run = clean(Path::new("strace"));
    // No other tracer can trace what is traced already.
    run.args(["-f", "-o/dev/null"]).arg(built("nbclone")).args(["--all-calls=ptrace", "touch"]);
    let output = run.arg(place.join("ran")).output().expect("it runs");
    assert_eq!(output.status.code(), Some(125), "{}", err(&output));
    let words = "nbclone: --all-calls=ptrace: no filter, or no ptrace(2): Operation not permitted";
    assert!(err(&output).starts_with(words), "{}", err(&output));
    assert!(!place.join("ran").exists());
}

#[test]
fn refuses_another_way() {
    let output = nbclone().args(["--all-calls=magic", "true"]).output().expect("it runs");
    assert_eq!(output.status.code(), Some(125));
    assert!(err(&output).contains("there are listener and ptrace"), "{}", err(&output));
}

/// The preload doesn't reach a 32-bit program; the filter does, and tells what
/// each call is for.
#[cfg(target_arch = "x86_64")]
#[test]
fn counts_calls_of_32_bit_programs() {
    let gcc = out(&Command::new("gcc").arg("-dumpversion").output().expect("gcc runs"));
    let place = directory("counts_calls_of_32_bit_programs");
    let program = place.join("calls");
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/c/calls.c");
    let mut compiler = Command::new("gcc");
    // <asm/types.h> is the same for both.
    compiler.args(["-m32", "-g", "-O1", "-pthread", "-idirafter"]);
    compiler.arg("/usr/include/x86_64-linux-gnu").arg("-o").arg(&program).arg(source);
    if !compiler.output().expect("gcc runs").status.success() {
        lacks("programs by gcc -m32", &format!("lib32gcc-{}-dev libc6-dev-i386", gcc.trim()));
        return;
    }
    let calls =
        ["copy", "share", "fork", "spawn", "thread", "raw-clone", "raw-clone3", "raw-clone3"];
    for way in WAYS {
        let (status, value) = report(nbclone().args(["--json", way]).arg(&program).args(calls));
        assert_eq!(status, Some(0), "{value:#}");
        let counts = ["missed", "fork", "spawn", "thread", "raw", "unknown"]
            .map(|purpose| counted(&value, purpose));
        assert_eq!(counts, [2, 1, 1, 1, 3, 0], "{value:#}");
        let list = value["bypass"]["calls"].as_array().expect("an array");
        let functions = |purpose: &str| {
            let these = list.iter().filter(|call| call["purpose"] == purpose);
            these.map(|call| call["function"].clone()).collect::<Vec<Value>>()
        };
        assert_eq!(functions("raw"), ["call_raw_clone", "call_raw_clone3"], "{value:#}");
        assert_eq!(functions("missed"), ["call_copy", "call_share"], "{value:#}");
        assert_eq!(value["bypass"]["library"], 0, "{value:#}");
    }
}

/// Without /proc nobody knows who calls: the report says that, and guesses
/// nothing.
#[test]
fn without_proc_no_call_is_called_raw() {
    if !may_unshare("-m", "without_proc_no_call_is_called_raw") {
        return;
    }
    for way in WAYS {
        let script = format!(
            "mount -t tmpfs none /proc && exec {} --json {way} {} fork spawn thread raw-clone",
            built("nbclone").display(),
            compiled("calls").display()
        );
        let mut run = clean(OsStr::new("unshare").as_ref());
        let (status, value) = report(run.args(["-m", "sh", "-c", &script]));
        assert_eq!(status, Some(0), "{value:#}");
        assert_eq!(counted(&value, "unknown"), 4, "{value:#}");
        assert_eq!(counted(&value, "raw"), 0, "{value:#}");
        let words = "can't tell: where 4 system calls came from couldn't be read in /proc";
        assert_eq!(verdict(&value), words);
    }
}
