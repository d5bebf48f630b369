// SPDX-License-Identifier: MIT OR Apache-2.0
// Copyright (c) 2026 The nbclone developers
//! What the tests of the command share: the built files, C programs, and runs.
#![allow(dead_code)]

#[path = "says.rs"]
pub mod says;
#[path = "skip.rs"]
pub mod skip;

use std::ffi::OsStr;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::sync::{Mutex, OnceLock};

#[allow(unused_imports)]
pub use says::{assert_has, assert_lacks};
#[allow(unused_imports)]
pub use skip::{have, is_root, lacks, may_unshare, skip};

/// A file of target/release, which is brought up to date first.
pub fn built(name: &str) -> PathBuf {
    static DIRECTORY: OnceLock<PathBuf> = OnceLock::new();
    let directory = DIRECTORY.get_or_init(|| {
        let test = std::env::current_exe().expect("a test has a path");
        let target = test.ancestors().nth(3).expect("target/PROFILE/deps/TEST").to_owned();
        let built = Command::new(env!("CARGO"))
            .args(["build", "--release", "--target-dir"])
            .arg(&target)
            .current_dir(env!("CARGO_MANIFEST_DIR"))
            .output()
            .expect("cargo runs");
        assert!(built.status.success(), "{}", String::from_utf8_lossy(&built.stderr));
        target.join("release")
    });
    directory.join(name)
}

/// A directory of this test alone, empty.
pub fn directory(name: &str) -> PathBuf {
    let path = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
    let _ = fs::remove_dir_all(&path);
    fs::create_dir_all(&path).expect("target/tmp is writable");
    path
}

/// The program made of tests/c/NAME.c by `compiler` with `more` arguments, once:
/// a test may be running it.
pub fn compiled_by(compiler: &str, name: &str, output: &str, more: &[&OsStr]) -> PathBuf {
    static DONE: Mutex<Vec<PathBuf>> = Mutex::new(Vec::new());
    let binary = Path::new(env!("CARGO_TARGET_TMPDIR"))
        .join(format!("{}.{output}", env!("CARGO_CRATE_NAME")));
    let mut done = DONE.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
    if done.contains(&binary) {
        return binary;
    }
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("tests/c/{name}.c"));
    let compiled = Command::new(compiler)
        .args(["-std=c11", "-Wall", "-Wextra", "-Wpedantic", "-Werror", "-g", "-O1", "-pthread"])
        .arg("-o")
        .arg(&binary)
        .arg(source)
        .args(more)
        .output()
        .expect("the compiler runs");
    assert!(compiled.status.success(), "{}", String::from_utf8_lossy(&compiled.stderr));
    done.push(binary.clone());
    binary
}

/// The program made of tests/c/NAME.c.
pub fn compiled(name: &str) -> PathBuf {
    compiled_by("cc", name, name, &[OsStr::new("-ldl")])
}

/// The shared object made of tests/c/NAME.c.
pub fn module(name: &str) -> PathBuf {
    let output = format!("{name}.so");
    compiled_by("cc", name, &output, &[OsStr::new("-shared"), OsStr::new("-fPIC")])
}

/// Copies a program that will be run. A process of its own does it: had this
/// one the copy open to write while another test forks, running it could fail
/// with ETXTBSY.
pub fn copy_program(from: &Path, to: &Path) {
    let status = Command::new("cp").arg(from).arg(to).status();
    assert!(status.expect("cp runs").success());
}

/// nbclone, with none of our variables in its environment.
pub fn nbclone() -> Command {
    clean(&built("nbclone"))
}

/// A program, with none of our variables in its environment.
pub fn clean(program: &Path) -> Command {
    let mut command = Command::new(program);
    for variable in ["NBCLONE_POLICY", "NBCLONE_TRACE", "NBCLONE_LIB", "LD_PRELOAD"] {
        command.env_remove(variable);
    }
    command
}

/// A program with the library preloaded.
pub fn preloaded(program: &Path) -> Command {
    let mut command = clean(program);
    command.env("LD_PRELOAD", built("libnbclone.so"));
    command
}

/// A shell that runs `script`, where $1 is the first of `arguments`.
pub fn shell(script: &str, arguments: &[&Path]) -> Command {
    let mut command = clean(Path::new("/bin/sh"));
    command.args(["-c", script, "sh"]).args(arguments);
    command
}

/// The two ends of a pipe, neither of which a program that is run inherits.
pub fn pipe() -> (fs::File, fs::File) {
    let flags = nix::fcntl::OFlag::O_CLOEXEC;
    let (reader, writer) = nix::unistd::pipe2(flags).expect("a pipe");
    (reader.into(), writer.into())
}

/// Standard output as text.
pub fn out(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).into_owned()
}

/// Standard error as text.
pub fn err(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}
