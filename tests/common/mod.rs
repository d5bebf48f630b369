// SPDX-License-Identifier: MIT OR Apache-2.0
// Copyright (c) 2026 The nbclone developers
//! What the tests share: the built library, compilers, and skips that are seen.
#![allow(dead_code)]

pub mod says;
pub mod skip;

use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::sync::OnceLock;

#[allow(unused_imports)]
pub use says::{assert_has, assert_lacks};
#[allow(unused_imports)]
pub use skip::{have, is_root, skip};

/// The top of the tree.
pub fn top() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// Where the release build is, built once a test program. Never a debug build: what is
/// tested is what users get.
pub fn release() -> &'static Path {
    static RELEASE: OnceLock<PathBuf> = OnceLock::new();
    RELEASE.get_or_init(|| {
        let mut build = Command::new(env!("CARGO"));
        build.args(["build", "--release"]).current_dir(top());
        assert!(build.status().expect("cargo runs").success(), "cargo build --release");
        let target = std::env::var_os("CARGO_TARGET_DIR").map_or(top().join("target"), Into::into);
        let release = target.join("release");
        // A program that is linked with it asks for the soname.
        let link = release.join("libnbclone.so.1");
        if !link.exists() {
            // Another test may have made it in between.
            let _ = std::os::unix::fs::symlink("libnbclone.so", &link);
        }
        release
    })
}

pub fn shared_library() -> PathBuf {
    release().join("libnbclone.so")
}

pub fn static_library() -> PathBuf {
    release().join("libnbclone.a")
}

/// The archive that `make install` installs, made in `place`.
pub fn installed_archive(place: &Path) -> PathBuf {
    let archive = place.join("libnbclone.a");
    let mut reduce = Command::new(top().join("tools/reduce-archive"));
    succeed(reduce.arg(static_library()).arg(&archive));
    archive
}

/// A directory of its own for each test, emptied.
pub fn scratch(test: &str) -> PathBuf {
    let place = Path::new(env!("CARGO_TARGET_TMPDIR")).join(test);
    let _ = std::fs::remove_dir_all(&place);
    std::fs::create_dir_all(&place).expect("target is writable");
    place
}

/// Runs a command and gives what it wrote; fails with all of it otherwise.
pub fn succeed(command: &mut Command) -> String {
    let output = command.output().unwrap_or_else(|error| panic!("{command:?}: {error}"));
    let text = text(&output);
    assert!(output.status.success(), "{command:?}: {}\n{text}", output.status);
    text
}

/// Standard output and standard error, one behind the other.
pub fn text(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr)
}
