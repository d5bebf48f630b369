// SPDX-License-Identifier: MIT OR Apache-2.0
// Copyright (c) 2026 The nbclone developers
//! NBCLONE_TRACE and --trace: what the lines say, that none is lost or mixed,
//! and that the traced program notices nothing.

#[path = "common/command.rs"]
mod common;

use common::*;
use std::collections::HashSet;
use std::ffi::OsStr;
use std::fs;
use std::io::Read;
use std::os::fd::OwnedFd;
use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::process::{Command, Stdio};

fn traced(arguments: &[&str]) -> Vec<String> {
    let calls = compiled("calls");
    let output = preloaded(&calls).args(arguments).env("NBCLONE_TRACE", "2").output();
    err(&output.expect("it runs")).lines().map(str::to_owned).collect()
}

fn one(line: &[String]) -> &str {
    assert_eq!(line.len(), 1, "{line:?}");
    &line[0]
}

#[test]
fn says_what_was_asked_and_what_came() {
    let line = traced(&["copy"]);
    let line = one(&line);
    assert!(line.starts_with("nbclone["), "expected a line of the trace: {line}");
    let program = compiled("calls");
    let module = format!("<{}+0x", program.display());
    assert_has(line, "] clone(func=0x");
    assert_has(line, &format!(" {module}"));
    assert_has(line, ", flags=SIGCHLD, arg=0x11) = ");
    assert_has(line, &format!(" <caller {}+0x", program.display()));
    let line = traced(&["sighand"]);
    assert!(one(&line).contains("flags=CLONE_VM|CLONE_SIGHAND|SIGUSR1, "), "{line:?}");
}

/// Each of the entries knows its caller.
#[test]
fn names_the_caller_of_clone_by_its_other_name() {
    let mut run = nbclone();
    let output = run.arg("--trace").arg(compiled("calls")).arg("underscored").output();
    let text = err(&output.expect("it runs"));
    assert_has(&text, " call_underscored at calls.c:");
}

#[test]
fn says_why_a_call_is_refused() {
    for (call, reason) in [
        (
            "namespace",
            "= -1 EINVAL (CLONE_NEWUTS: NetBSD has no UTS namespaces; CLONE_NEWPID: NetBSD has no \
             PID namespaces; policy strict refuses them)",
        ),
        ("ptrace", "policy strict refuses it)"),
        ("null-stack", "= -1 EINVAL (stack is NULL)"),
        ("null-func", "= -1 EINVAL (func is NULL)"),
        ("exit-signal", "= -1 EINVAL (77 is no signal)"),
    ] {
        let line = traced(&[call]);
        assert!(one(&line).contains(reason), "{line:?}");
    }
}

#[test]
fn traces_linux1_clone() {
    let line = traced(&["linux1"]);
    assert!(one(&line).contains("] linux1_clone(sp=0x0, flags=SIGCHLD) = "), "{line:?}");
    assert!(one(&line).contains("<caller "), "{line:?}");
    let line = traced(&["linux1-flags"]);
    assert!(one(&line).contains("flags=0x400|SIGCHLD) = -1 EINVAL (Linux 1.x has"), "{line:?}");
    // 1.3's flags, in its order and in the other's place.
    let line = traced(&["linux1-later"]);
    let flags = "sp=0x0, flags=CLONE_FS|CLONE_FILES|0xc00000|SIGCHLD) = ";
    assert!(one(&line).contains(flags), "{line:?}");
    let line = traced(&["linux1-swapped"]);
    assert!(one(&line).contains("flags=0) = -1 EINVAL (sp is no stack: "), "{line:?}");
}

/// With debug information the command names functions and lines; of a module
/// too that was unloaded long before.
#[test]
fn the_command_names_functions() {
    let (calls, module) = (compiled("calls"), module("module"));
    let mut run = nbclone();
    let output = run.arg("--trace").arg(calls).arg("share").arg(&module).output().expect("it runs");
    let text = err(&output);
    let lines: Vec<&str> = text.lines().collect();
    assert_eq!(lines.len(), 2, "{text}");
    assert!(lines[0].contains(" first_child at calls.c:"), "{text}");
    assert!(lines[0].contains(" call_share at calls.c:"), "{text}");
    let place = format!("<caller {}+0x", module.display());
    assert!(lines[1].contains(&place), "{text}");
    assert!(lines[1].contains(" call_in_module at module.c:"), "{text}");
}

/// Offsets count from where the file's mapping starts, wherever in the file the
/// code is.
#[test]
fn offsets_count_from_the_first_mapping() {
    let apart = ["-shared", "-fPIC", "-Wl,--section-start=.text=0x40000"].map(OsStr::new);
    let module = compiled_by("cc", "module", "apart.so", &apart);
    let mut run = nbclone();
    let output = run.arg("--trace").arg(compiled("calls")).arg(&module).output().expect("it runs");
    let text = err(&output);
    assert_has(&text, " child at module.c:");
    assert_has(&text, " call_in_module at module.c:");
}

/// Without debug information too, and no name of C is taken for a mangled one.
#[test]
fn names_a_function_as_its_symbol_does() {
    let place = directory("names_a_function_as_its_symbol_does");
    let source = place.join("short.c");
    let text = "#define _GNU_SOURCE\n#include <sched.h>\n#include <signal.h>\n\
                static char stack[65536];\nstatic int f(void *arg) { return arg != 0; }\n\
                int main(void) { return clone(f, stack + 65536, SIGCHLD, 0) == -1; }\n";
    fs::write(&source, text).expect("written");
    let program = place.join("short");
    let compiled = Command::new("cc").arg("-o").arg(&program).arg(&source).status();
    assert!(compiled.expect("cc runs").success(), "short.c should compile");
    let output = nbclone().arg("--trace").arg(&program).output().expect("it runs");
    assert_has(&err(&output), " f>, stack=");
    assert_has(&err(&output), " main>");
}

#[test]
fn the_command_writes_to_a_file() {
    let file = directory("the_command_writes").join("trace");
    let mut run = nbclone();
    run.arg(format!("--trace={}", file.display())).arg(compiled("calls")).args(["copy", "share"]);
    let output = run.output().expect("it runs");
    assert_eq!(err(&output), "");
    assert_eq!(fs::read_to_string(file).expect("written").lines().count(), 2);
}

/// The pattern of a line, strictly: the argument, which tells calls apart.
fn argument(line: &str) -> Option<u64> {
    let hex = |text: &str| u64::from_str_radix(text.strip_prefix("0x")?, 16).ok();
    let rest = line.strip_prefix("nbclone[")?;
    let (ids, rest) = rest.split_once("] ")?;
    let lost = rest.strip_prefix("lost=").and_then(|rest| rest.split_once(' '));
    let rest = lost.map_or(rest, |(_, rest)| rest).strip_prefix("clone(func=")?;
    let (pid, tid) = ids.split_once('/')?;
    let (func, rest) = rest.split_once(", stack=")?;
    let (stack, rest) = rest.split_once(", flags=")?;
    let (flags, rest) = rest.split_once(", arg=")?;
    let (argument, rest) = rest.split_once(") = ")?;
    let (child, caller) = rest.split_once(" <caller ")?;
    let (_module, offset) = caller.strip_suffix('>')?.rsplit_once('+')?;
    let numbers = [pid, tid, child].iter().all(|id| id.parse::<u32>().is_ok());
    let flags = flags.split('|').all(|flag| flag.starts_with("CLONE_") || flag.starts_with("SIG"));
    let places = hex(stack).is_some() && hex(offset.split(' ').next()?).is_some() && func.len() > 2;
    if numbers && flags && places { hex(argument) } else { None }
}

const PROCESSES: u64 = 4;
const THREADS: u64 = 8;
const CALLS: u64 = 200;

fn check_complete(text: &str) {
    let arguments: Vec<u64> =
        text.lines().map(|line| argument(line).unwrap_or_else(|| panic!("{line}"))).collect();
    let all: HashSet<u64> = arguments.iter().copied().collect();
    assert_eq!(arguments.len() as u64, PROCESSES * THREADS * CALLS);
    assert_eq!(all, (1..=PROCESSES * THREADS * CALLS).collect());
}

fn many(command: &mut Command) -> &mut Command {
    command.args([PROCESSES, THREADS, CALLS].map(|number| number.to_string()))
}

#[test]
fn no_line_is_lost_or_mixed_by_the_command() {
    let file = directory("no_line_is_lost").join("trace");
    let mut run = nbclone();
    run.arg(format!("--trace={}", file.display())).arg(compiled("many"));
    assert!(many(&mut run).status().expect("it runs").success());
    check_complete(&fs::read_to_string(file).expect("written"));
}

#[test]
fn no_line_is_lost_or_mixed_in_a_file() {
    let file = directory("no_line_is_lost_in_a_file").join("trace");
    let program = compiled("many");
    let mut run = preloaded(&program);
    assert!(many(run.env("NBCLONE_TRACE", &file)).status().expect("it runs").success());
    check_complete(&fs::read_to_string(file).expect("written"));
}

/// What NBCLONE_TRACE can be, and what is wrong with it or with the file.
#[test]
fn the_program_notices_nothing() {
    let place = directory("the_program_notices_nothing");
    let state = compiled("state");
    let library = built("libnbclone.so");
    let read_only = place.join("read-only");
    fs::write(&read_only, "").expect("written");
    fs::set_permissions(&read_only, fs::Permissions::from_mode(0o444)).expect("set");
    nix::unistd::mkfifo(&place.join("fifo"), nix::sys::stat::Mode::from_bits_truncate(0o600))
        .expect("made");
    let paths = [
        ("a file", place.join("file").display().to_string()),
        ("a missing directory", place.join("none/file").display().to_string()),
        ("a directory", place.display().to_string()),
        ("a read-only file", read_only.display().to_string()),
        ("a file that can't be written", "/proc/version".to_owned()),
        ("a full device", "/dev/full".to_owned()),
        ("a FIFO that nobody reads", place.join("fifo").display().to_string()),
        ("standard error", "2".to_owned()),
        ("a descriptor that is closed", "99".to_owned()),
    ];
    let broken_pipe = "";
    let streams = ["2>/dev/null", "2>&-", "2>/dev/full", "2>\"$FILE\"", broken_pipe];
    for mode in ["none", "count", "pend"] {
        for stream in streams {
            for limit in ["", "ulimit -f 0;"] {
                let script = format!("{limit} env LD_PRELOAD=$LIB $STATE $MODE {stream}; echo $?");
                let result = |trace: &str| {
                    let mut command = shell(&script, &[]);
                    command.env("LIB", &library).env("STATE", &state).env("MODE", mode);
                    command.env("FILE", place.join("stderr")).env("NBCLONE_TRACE", trace);
                    let (reader, writer) = pipe();
                    drop(reader);
                    let output = command.stderr(Stdio::from(writer)).output();
                    out(&output.expect("it runs"))
                };
                let untraced = result("");
                assert!(
                    untraced.contains("after:") && untraced.ends_with("\n0\n"),
                    "{script}: {untraced}"
                );
                for (what, trace) in &paths {
                    assert_eq!(untraced, result(trace), "{what}, {mode}, {script}");
                }
            }
        }
    }
    assert!(fs::read_to_string(place.join("file")).expect("written").contains("] clone("));
}

/// Runs many calls, their lines to what nobody reads. What waits for a reader
/// is ended after a while, and fails.
fn nobody_reads(threads: &str, calls: &str, writer: Stdio) {
    let mut run = clean(Path::new("/usr/bin/timeout"));
    run.args(["-k", "1", "120"]).arg(compiled("many")).args([threads, threads, calls]);
    run.env("LD_PRELOAD", built("libnbclone.so")).env("NBCLONE_TRACE", "2").stderr(writer);
    assert!(run.status().expect("it runs").success(), "it waits for a reader");
}

fn check_dropped(text: &str) {
    let lines = text.lines().count();
    assert!(lines > 0 && lines < 2000, "{lines} lines");
    assert!(text.lines().all(|line| argument(line).is_some()), "a torn line");
}

/// A pipe that is full and that nobody reads: lines are dropped, no call is
/// held up. (That many writers find its last free page at once, which is why
/// the shim opens the pipe again, is too rare for a test.)
#[test]
fn a_full_pipe_holds_nobody_up() {
    for threads in ["1", "8"] {
        let (mut reader, writer) = pipe();
        nobody_reads(threads, if threads == "1" { "2000" } else { "100" }, writer.into());
        let mut text = String::new();
        reader.read_to_string(&mut text).expect("readable");
        check_dropped(&text);
    }
}

/// The same with a socket, which can't be opened again.
#[test]
fn a_full_socket_holds_nobody_up() {
    let (mut reader, writer) = UnixStream::pair().expect("a pair");
    nobody_reads("1", "4000", OwnedFd::from(writer).into());
    let mut text = String::new();
    reader.read_to_string(&mut text).expect("readable");
    check_dropped(&text);
}

#[test]
fn says_how_many_lines_were_lost() {
    let place = directory("says_how_many").join("made later");
    let make = format!("mkdir={}", place.display());
    let mut run = preloaded(&compiled("calls"));
    run.args(["copy", "share", &make, "copy", "share"]).env("NBCLONE_TRACE", place.join("trace"));
    assert!(run.output().expect("it runs").status.success());
    let text = fs::read_to_string(place.join("trace")).expect("written");
    let lines: Vec<&str> = text.lines().collect();
    assert_eq!(lines.len(), 2, "{text}");
    assert!(lines[0].contains("] lost=2 clone("), "{text}");
    assert!(lines[1].contains("] clone("), "{text}");
}

#[test]
fn without_descriptors_it_goes_on() {
    let state = compiled("state");
    let run = |trace: &str| {
        let mut command = preloaded(&state);
        command.args(["none", "4"]).env("NBCLONE_TRACE", trace);
        out(&command.stdin(Stdio::null()).stderr(Stdio::null()).output().expect("it runs"))
    };
    let file = directory("without_descriptors").join("trace");
    assert_eq!(run(""), run(&file.display().to_string()));
}

#[test]
fn what_it_cannot_understand_it_says_once() {
    let calls = compiled("calls");
    for wrong in ["trace.txt", "-1", "2x", "99999999999"] {
        let mut run = preloaded(&calls);
        let output = run.args(["copy", "share"]).env("NBCLONE_TRACE", wrong).output();
        let text = err(&output.expect("it runs"));
        assert_eq!(
            text,
            "nbclone: NBCLONE_TRACE is neither a descriptor nor an absolute path: no trace\n"
        );
    }
}

/// AT_SECURE: nothing of the environment counts.
#[test]
fn a_secure_execution_ignores_the_environment() {
    if !is_root("a_secure_execution_ignores_the_environment") {
        return;
    }
    let place = directory("a_secure_execution");
    let archive = built("libnbclone.a");
    let program = compiled_by("cc", "host", "secure", &[archive.as_ref()]);
    let set_user_id = place.join("set-user-id");
    copy_program(&program, &set_user_id);
    let run = |program: &Path| {
        let trace = place.join("trace");
        let mut command = clean(program);
        command.arg("pidfd").env("NBCLONE_POLICY", "host").env("NBCLONE_TRACE", &trace);
        let status = command.status().expect("it runs").code();
        (status, fs::remove_file(trace).is_ok())
    };
    assert_eq!(run(&set_user_id), (Some(0), true));
    std::os::unix::fs::chown(&set_user_id, Some(65534), None).expect("root may");
    fs::set_permissions(&set_user_id, fs::Permissions::from_mode(0o4755)).expect("set");
    assert_eq!(run(&set_user_id), (Some(1), false), "is its file system mounted nosuid?");
}
