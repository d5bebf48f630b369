// SPDX-License-Identifier: MIT OR Apache-2.0
// Copyright (c) 2026 The nbclone developers
//! Configure scripts with the overlay in front: autoconf, CMake and Meson find
//! clone and everything else of <sched.h> as they do without it, but for the
//! flags that NetBSD lacks.

mod common;

use common::{have, release, scratch, succeed, top};
use std::collections::BTreeMap;
use std::path::Path;
use std::process::Command;

/// What a check found, by its name in tests/configure.
type Found = BTreeMap<String, String>;

/// The three ways to configure, by CFLAGS.
const WITHOUT: &str = "";
const NETBSD: &str = "-I@/include";
const LINUX: &str = "-I@/include -DNBCLONE_LINUX_FLAGS";

/// The environment that a porter gives a configure script.
fn configure<'a>(command: &'a mut Command, cflags: &str, libraries: &str) -> &'a mut Command {
    let cflags = cflags.replace('@', top().to_str().unwrap());
    command.env("CC", "gcc").env("CFLAGS", &cflags);
    if !cflags.is_empty() {
        command.env(libraries, format!("-L{} -lnbclone", release().display()));
        // Some checks run what they have linked.
        command.env("LD_LIBRARY_PATH", release());
    }
    command
}

/// Runs `find` for each of the three; the overlay takes away only `hidden`.
fn compare(test: &str, file: &str, hidden: &[&str], find: impl Fn(&Path, &str) -> Found) {
    let found = |name: &str, cflags: &str| {
        let place = scratch(test).join(name);
        // What another run has cached is no answer.
        let _ = std::fs::remove_dir_all(&place);
        std::fs::create_dir_all(&place).unwrap();
        std::fs::copy(top().join("tests/configure").join(file), place.join(file)).unwrap();
        find(&place, cflags)
    };
    let without = found("without", WITHOUT);
    assert!(without.len() >= 19, "{without:?}");
    let negative = ["no", "false", "", "0", "-1"];
    assert!(without.values().all(|value| !negative.contains(&&**value)), "{without:?}");
    assert_eq!(found("linux", LINUX), without);

    let mut netbsd = found("netbsd", NETBSD);
    let mut expected = without;
    for name in hidden {
        let value = netbsd.remove(*name).expect(name);
        assert!(negative.contains(&&*value), "{name} is {value}");
        expected.remove(*name);
    }
    assert_eq!(netbsd, expected);
}

#[test]
fn autoconf() {
    if !have("autoconf", "autoconf") {
        return;
    }
    let hidden = ["have_decl_CLONE_NEWPID", "have_decl_CLONE_NEWNS"];
    compare("configure_autoconf", "configure.ac", &hidden, |place, cflags| {
        succeed(Command::new("autoconf").current_dir(place));
        let mut command = Command::new("./configure");
        succeed(configure(command.args(["-q", "-C"]).current_dir(place), cflags, "LIBS"));
        let cache = std::fs::read_to_string(place.join("config.cache")).unwrap();
        let ours = ["func_", "have_decl_", "header_sched", "type_", "sizeof_", "program"];
        cache
            .lines()
            .filter_map(|line| line.strip_prefix("ac_cv_")?.split_once('='))
            .filter(|(name, _)| ours.iter().any(|start| name.starts_with(start)))
            .map(|(name, value)| {
                let value = value.rsplit('=').next().unwrap().trim_end_matches('}');
                (name.to_owned(), value.to_owned())
            })
            .collect()
    });
}

#[test]
fn cmake() {
    if !have("cmake", "cmake") {
        return;
    }
    let hidden = ["decl_CLONE_NEWPID", "decl_CLONE_NEWNS"];
    compare("configure_cmake", "CMakeLists.txt", &hidden, |place, cflags| {
        let mut command = Command::new("cmake");
        command.args(["-G", "Unix Makefiles", "-B", "build"]).current_dir(place);
        if !cflags.is_empty() {
            // Behind the objects, where a link can need it.
            command.arg("-DCMAKE_REQUIRED_LIBRARIES=nbclone");
        }
        succeed(configure(&mut command, cflags, "LDFLAGS"));
        let cache = std::fs::read_to_string(place.join("build/CMakeCache.txt")).unwrap();
        let ours = ["func_", "decl_", "type_", "program"];
        cache
            .lines()
            .filter_map(|line| line.split_once(":INTERNAL="))
            .filter(|(name, _)| ours.iter().any(|start| name.starts_with(start)))
            .map(|(name, value)| (name.to_owned(), value.to_owned()))
            .collect()
    });
}

#[test]
fn meson() {
    if !have("meson", "meson") || !have("ninja", "ninja-build") {
        return;
    }
    let hidden = ["decl_CLONE_NEWPID", "decl_CLONE_NEWNS"];
    compare("configure_meson", "meson.build", &hidden, |place, cflags| {
        let mut command = Command::new("meson");
        command.args(["setup", "build"]).current_dir(place);
        let said = succeed(configure(&mut command, cflags, "LDFLAGS"));
        said.lines()
            .filter_map(|line| line.strip_prefix("Message: ")?.split_once(' '))
            .map(|(name, value)| (name.to_owned(), value.to_owned()))
            .collect()
    });
}
