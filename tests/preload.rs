// SPDX-License-Identifier: MIT OR Apache-2.0
// Copyright (c) 2026 The nbclone developers
//! Programs under the preloaded library: who libc's child believes to be, and
//! under policy host what Linux alone has.

#[path = "common/command.rs"]
mod common;

use common::*;
use std::process::Output;

fn identity(output: &Output, failures: u32) {
    let text = out(output);
    let summary = text.lines().last().unwrap_or_default().to_owned();
    assert!(summary.contains(&format!(", {failures} failed,")), "{text}{}", err(output));
    if text.contains("SKIP") {
        skip("pthread_getaffinity_np: wants two processors");
    }
}

#[test]
fn libc_knows_its_child_on_glibc() {
    let program = compiled("identity");
    identity(&preloaded(&program).output().expect("it runs"), 0);
    // As with glibc 2.43, whose id isn't what the kernel clears.
    identity(&preloaded(&program).arg("elsewhere").output().expect("it runs"), 0);
    let archive = built("libnbclone.a");
    let linked =
        compiled_by("cc", "identity", "identity-static", &["-static".as_ref(), archive.as_ref()]);
    identity(&clean(&linked).output().expect("it runs"), 0);
}

/// That the cases can fail: glibc's own clone fails them.
#[test]
fn libc_does_not_know_its_child_of_glibc() {
    let output = clean(&compiled("identity")).output().expect("it runs");
    let text = out(&output);
    for case in ["pthread_setschedparam", "error-checking mutex", "recursive mutex", "robust mutex"]
    {
        for from in ["the first thread", "another thread"] {
            assert_has(&text, &format!("FAIL {case}, from {from}\n"));
        }
    }
    assert_eq!(output.status.code(), Some(1));
}

#[test]
fn libc_knows_its_child_on_musl() {
    if !have("musl-gcc", "musl-tools") {
        return;
    }
    let archive = built("libnbclone.a");
    let fixed = ["-static".as_ref(), archive.as_ref()];
    let program = compiled_by("musl-gcc", "identity", "identity-musl", &fixed);
    identity(&clean(&program).output().expect("it runs"), 0);
    let dynamic = compiled_by("musl-gcc", "identity", "identity-musl-dynamic", &[]);
    identity(&preloaded(&dynamic).output().expect("it runs"), 0);
    identity(&preloaded(&dynamic).arg("elsewhere").output().expect("it runs"), 0);
}

/// Under host as without the library; under strict refused.
fn as_on_linux(case: &str) {
    let program = compiled("host");
    let status = |policy: Option<&str>| {
        let mut run = match policy {
            Some(policy) => {
                let mut run = nbclone();
                run.args(["--policy", policy]).arg(&program);
                run
            }
            None => clean(&program),
        };
        run.arg(case).status().expect("it runs").code()
    };
    let alone = status(None);
    if alone == Some(77) {
        return skip("namespaces: wants the privilege to make them");
    }
    assert_eq!(alone, Some(0), "without the library");
    assert_eq!(status(Some("host")), Some(0));
    assert_eq!(status(Some("strict")), Some(1));
}

#[test]
fn host_makes_namespaces() {
    as_on_linux("namespaces");
}

#[test]
fn host_makes_threads_with_seven_arguments() {
    as_on_linux("thread");
}

#[test]
fn host_gives_pidfds() {
    as_on_linux("pidfd");
}

#[test]
fn host_makes_siblings() {
    as_on_linux("parent");
}

/// A traced call with the seven arguments is the same call.
#[test]
fn host_is_the_same_when_traced() {
    for case in ["thread", "pidfd", "parent"] {
        let mut run = nbclone();
        let output =
            run.args(["--policy", "host", "--trace"]).arg(compiled("host")).arg(case).output();
        let output = output.expect("it runs");
        assert!(output.status.success(), "{case}: {}", err(&output));
        assert!(err(&output).contains("] clone("), "{case}: {}", err(&output));
    }
}

#[test]
fn stress_ng_clones_under_host() {
    if !have("stress-ng", "stress-ng") {
        return;
    }
    let arguments = ["stress-ng", "--clone", "1", "--clone-ops", "50"];
    let trace = directory("stress_ng").join("trace");
    let mut run = nbclone();
    run.arg("--policy=host").arg(format!("--trace={}", trace.display())).args(arguments);
    let output = run.output().expect("it runs");
    assert!(output.status.success(), "{}", err(&output));
    assert!(err(&output).contains("successful run"), "{}", err(&output));
    let text = std::fs::read_to_string(&trace).expect("written");
    assert!(text.lines().count() > 10, "{text}");
    assert_lacks(&text, "= -1");
}

/// Real programs: threads, system, popen, pipelines, compilers.
#[test]
fn real_programs_run() {
    let script = "set -e; printf 'a\\nb\\n' | sort -r | head -1; \
                  echo 'int main(void) { return 0; }' >$1/x.c; cc -o $1/x $1/x.c; $1/x; \
                  printf 'all: a b\\na b:\\n\\t@echo $@ | cat\\n' >$1/Makefile; make -s -j2 -C $1 | wc -l";
    let place = directory("real_programs");
    let run = |traced: bool| {
        let mut run = nbclone();
        run.args(if traced { &["--trace"][..] } else { &[] });
        out(&run.args(["sh", "-c", script, "sh"]).arg(&place).output().expect("it runs"))
    };
    assert_eq!(run(false), "b\n2\n");
    assert_eq!(run(true), "b\n2\n");
    if have("python3", "python3") {
        let code = "import threading, subprocess, os\n\
                    t = [threading.Thread(target=lambda: None) for _ in range(9)]\n\
                    [x.start() for x in t]; [x.join() for x in t]\n\
                    print(subprocess.check_output('echo sub', shell=True).decode(), end='')\n\
                    print(os.popen('echo popen').read(), os.system('exit 3') >> 8)";
        let output = nbclone().args(["python3", "-c", code]).output().expect("it runs");
        assert_eq!(out(&output), "sub\npopen\n 3\n");
    }
}

/// A debugger sees the program's calls as without the library.
#[test]
fn debuggers_follow() {
    let program = compiled("calls");
    if have("gdb", "gdb") {
        let mut run = nbclone();
        let script = [
            "-batch",
            "-ex",
            "break first_child",
            "-ex",
            "set follow-fork-mode child",
            "-ex",
            "run",
            "-ex",
            "bt",
        ];
        let output = run.arg("gdb").args(script).arg("--args").arg(&program).arg("copy").output();
        let text = out(&output.expect("it runs"));
        assert!(
            text.contains("hit Breakpoint 1")
                || text.contains("hit Catchpoint")
                || text.contains("Breakpoint 1, first_child"),
            "{text}"
        );
        assert_has(&text, "#0  first_child");
    }
    if have("strace", "strace") {
        let place = directory("debuggers_follow").join("strace");
        let mut run = nbclone();
        run.args(["strace", "-f", "-o"]).arg(&place).arg(&program).arg("share");
        assert!(run.output().expect("it runs").status.success());
        let text = std::fs::read_to_string(place).expect("written");
        assert_has(&text, "flags=CLONE_VM|CLONE_VFORK|SIGCHLD");
    }
}
