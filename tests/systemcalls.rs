// SPDX-License-Identifier: MIT OR Apache-2.0
// Copyright (c) 2026 The nbclone developers
//! The system calls that clone makes besides its own (`tests/c/systemcalls.c`),
//! by number, beside what the same libc's fork makes in its child: what a
//! seccomp filter has to let through.

mod common;

use common::{have, release, scratch, shared_library, static_library, succeed, top};
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::Command;

const LIBCS: [(&str, &str); 2] = [("gcc", "gcc"), ("musl-gcc", "musl-tools")];
const POLICIES: [&str; 3] = ["strict", "host", "netbsd"];
const CLONE_VM: u32 = 0x100;
const CLONE_VFORK: u32 = 0x4000;
const FLAGS: [u32; 6] = [0x11, 0x4011, 0x611, 0x111, 0x4111, 0xf11];
const WARNINGS: [&str; 5] = ["-std=gnu11", "-O2", "-Wall", "-Wextra", "-Wpedantic"];

type Numbers = BTreeSet<i64>;

struct Calls {
    before: Numbers,
    child: Numbers,
    after: Numbers,
}

fn build(place: &Path, compiler: &str, name: &str, options: &[&str]) -> PathBuf {
    let program = place.join(format!("{name}.{compiler}"));
    let mut compile = Command::new(compiler);
    // Not bound at the first call, which is the one that is looked at.
    compile.args(WARNINGS).args(["-Werror", "-Wl,-z,now"]);
    succeed(compile.arg(top().join("tests/c/systemcalls.c")).arg("-o").arg(&program).args(options));
    program
}

fn ask(command: &mut Command) -> Calls {
    let text = succeed(command);
    let numbers = |name: &str| {
        let line = text.lines().find_map(|line| line.strip_prefix(name)).expect(name);
        line.split_whitespace().map(|number| number.parse().unwrap()).collect()
    };
    Calls {
        before: numbers("parent-before"),
        child: numbers("child"),
        after: numbers("parent-after"),
    }
}

/// Each way to get our clone, and the program that does.
fn ways(place: &Path, compiler: &str) -> Vec<(&'static str, PathBuf, &'static str, PathBuf)> {
    let library = format!("-L{}", release().display());
    let archive = static_library();
    let plain = build(place, compiler, "plain", &[]);
    let linked = build(place, compiler, "linked", &[&library, "-lnbclone"]);
    let fixed = build(place, compiler, "static", &["-static", archive.to_str().unwrap()]);
    vec![
        ("preloaded", plain, "LD_PRELOAD", shared_library()),
        ("linked", linked, "LD_LIBRARY_PATH", release().to_path_buf()),
        ("static", fixed, "NBCLONE_UNUSED", PathBuf::new()),
    ]
}

#[test]
fn only_forks_own_calls_are_made_besides_clone() {
    let place = scratch("systemcalls");
    let sigaltstack: Numbers = [nix::libc::SYS_sigaltstack].into();
    for (compiler, package) in LIBCS {
        if !have(compiler, package) {
            continue;
        }
        let plain = build(&place, compiler, "plain", &[]);
        let fork = ask(Command::new(plain).args(["fork", "0x11"]));
        for (way, program, variable, value) in ways(&place, compiler) {
            for policy in POLICIES {
                for flags in FLAGS {
                    let mut command = Command::new(&program);
                    command.env(variable, &value).env("NBCLONE_POLICY", policy);
                    let calls = ask(command.args(["clone", &format!("{flags:#x}")]));
                    let what = format!("{compiler}, {way}, {policy}, {flags:#x}");
                    let may_ask =
                        policy == "netbsd" && flags & (CLONE_VM | CLONE_VFORK) == CLONE_VM;
                    let none = Numbers::new();
                    let allowed = if may_ask { &sigaltstack } else { &none };
                    assert!(calls.before.is_subset(allowed), "{what}: before {:?}", calls.before);
                    let mut allowed = if flags & CLONE_VM == 0 { fork.child.clone() } else { none };
                    if flags & CLONE_VM == 0 && compiler == "musl-gcc" {
                        // Up to 1.2.3 musl's fork doesn't: a thread of its child that
                        // calls pthread_exit(3) then keeps a lock for ever.
                        allowed.insert(nix::libc::SYS_set_tid_address);
                    }
                    assert!(
                        calls.child.is_subset(&allowed),
                        "{what}: in the child {:?}, in fork's {:?}",
                        calls.child,
                        fork.child
                    );
                    assert!(calls.after.is_empty(), "{what}: after {:?}", calls.after);
                }
            }
        }
    }
}

/// Policy netbsd gives its child the caller's alternate stack; the others don't.
#[test]
fn an_alternate_stack_is_given_by_policy_netbsd_alone() {
    if !have("gcc", "gcc") {
        return;
    }
    let place = scratch("systemcalls_alternate");
    let sigaltstack: Numbers = [nix::libc::SYS_sigaltstack].into();
    for (way, program, variable, value) in ways(&place, "gcc") {
        for policy in POLICIES {
            let mut command = Command::new(&program);
            command.env(variable, &value).env("NBCLONE_POLICY", policy);
            let calls = ask(command.args(["clone", "0x111", "alternate"]));
            let expected = if policy == "netbsd" { sigaltstack.clone() } else { Numbers::new() };
            assert_eq!(calls.before, expected, "{way}, {policy}");
            assert_eq!(calls.child, expected, "{way}, {policy}");
        }
    }
}
