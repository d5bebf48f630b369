// SPDX-License-Identifier: MIT OR Apache-2.0
// Copyright (c) 2026 The nbclone developers
//! Debian's directories of libraries, by the command and by dpkg.

mod common;
#[path = "../src/bin/nbclone/multiarch.rs"]
mod multiarch;

use common::{have, succeed};
use multiarch::Target;
use std::process::Command;

/// Debian's architectures that nbclone is for, with what Rust says of each.
const ARCHITECTURES: [(&str, Target<'_>); 18] = [
    ("amd64", target("x86_64", true, 64)),
    ("x32", target("x86_64", true, 32)),
    ("i386", target("x86", true, 32)),
    ("arm64", target("aarch64", true, 64)),
    ("armhf", Target { hard_float: true, ..target("arm", true, 32) }),
    ("armel", target("arm", true, 32)),
    ("riscv64", target("riscv64", true, 64)),
    ("ppc64el", target("powerpc64", true, 64)),
    ("ppc64", target("powerpc64", false, 64)),
    ("powerpc", target("powerpc", false, 32)),
    ("s390x", target("s390x", false, 64)),
    ("mips", target("mips", false, 32)),
    ("mipsel", target("mips", true, 32)),
    ("mips64el", target("mips64", true, 64)),
    ("mipsn32el", target("mips64", true, 32)),
    ("loong64", target("loongarch64", true, 64)),
    ("sparc64", target("sparc64", false, 64)),
    ("m68k", target("m68k", false, 32)),
];

const fn target(arch: &str, little_endian: bool, pointer_width: u8) -> Target<'_> {
    Target { arch, little_endian, pointer_width, hard_float: false }
}

/// What dpkg says of an architecture; of no architecture, of this machine's.
fn dpkg(option: &[&str]) -> String {
    let mut ask = Command::new("dpkg-architecture");
    // The variables that a package's build has would answer instead.
    ask.env_remove("DEB_HOST_MULTIARCH").args(option).arg("-qDEB_HOST_MULTIARCH");
    // loong64 is newer than Debian 12's dpkg, which warns of an unknown compiler besides.
    succeed(ask.stderr(std::process::Stdio::null())).trim().to_owned()
}

#[test]
fn triplets_are_dpkgs() {
    if !have("dpkg-architecture", "dpkg-dev") {
        return;
    }
    for (name, target) in &ARCHITECTURES {
        assert_eq!(target.multiarch(), dpkg(&["-f", "-a", name]), "{name}");
    }
    assert_eq!(Target::OWN.multiarch(), dpkg(&["-f"]));
}
