// SPDX-License-Identifier: MIT OR Apache-2.0
// Copyright (c) 2026 The nbclone developers
//! Assembles the trampolines of the target's architecture and names the
//! shared library.

use std::process::Command;
use std::{env, fs};

/// Target architecture, as Cargo names it, to its file under arch/. The file
/// itself tells the ABIs of one architecture apart (x32, n32, byte orders).
const ARCHITECTURES: &[(&str, &str)] = &[
    ("x86_64", "x86_64.S"),
    ("x86", "i386.S"),
    ("aarch64", "aarch64.S"),
    ("arm", "arm.S"),
    ("riscv64", "riscv64.S"),
    ("mips", "mips.S"),
    ("mips64", "mips.S"),
    ("loongarch64", "loongarch64.S"),
    ("powerpc", "powerpc.S"),
    ("powerpc64", "powerpc.S"),
    ("s390x", "s390x.S"),
    ("m68k", "m68k.S"),
    ("sparc64", "sparc64.S"),
];

/// Major version of the ABI: libnbclone.so.1.
const SONAME: &str = "libnbclone.so.1";

/// The hidden symbols of arch/libc.S.
const STATIC_LIBC: &[&str] = &[
    "__libc_setup_tls",
    "__clone_internal",
    "__clone_internal_fallback",
    "__pthread_create_2_1",
    "__spawni",
    "__pthread_create",
    "__thread_list_lock",
];

fn main() {
    let arch = env::var("CARGO_CFG_TARGET_ARCH").expect("Cargo sets it");
    let os = env::var("CARGO_CFG_TARGET_OS").expect("Cargo sets it");
    let file = ARCHITECTURES
        .iter()
        .find(|(name, _)| *name == arch && os == "linux")
        .map(|(_, file)| format!("arch/{file}"));

    let Some(file) = file else {
        let known: Vec<&str> = ARCHITECTURES.iter().map(|(name, _)| *name).collect();
        println!(
            "cargo::error=nbclone has no trampoline for {arch}-{os}; \
             arch/README.md tells how to add one (there are, for linux: {})",
            known.join(", ")
        );
        return;
    };

    let jumps = fs::read_to_string("arch/jump.rs").expect("arch/ is part of the package");
    if !jumps.contains(&format!("target_arch = \"{arch}\"")) {
        println!("cargo::error=arch/jump.rs has no jump for {arch}; see arch/README.md");
        return;
    }

    naked_functions(&arch);

    for entry in fs::read_dir("arch").expect("arch/ is part of the package") {
        println!("cargo::rerun-if-changed={}", entry.expect("readable").path().display());
    }
    cc::Build::new().files([&*file, "arch/libc.S", "arch/builtins.S"]).compile("nbclone_arch");

    for argument in [
        format!("-Wl,-soname,{SONAME}"),
        "-Wl,-z,now".into(),
        "-Wl,-z,relro".into(),
        "-Wl,-z,noexecstack".into(),
        "-Wl,-z,defs".into(),
        // The compiler's start files have constructors without a landing pad,
        // and nothing that this library needs.
        "-nostartfiles".into(),
        // A child may run in func when its parent closes the library.
        "-Wl,-z,nodelete".into(),
        // libc's crate says so itself only without its feature `std`, which
        // the command's dependencies turn on for the whole build.
        "-lc".into(),
    ] {
        println!("cargo::rustc-cdylib-link-arg={argument}");
    }
    // Static programs alone reach us from it (arch/libc.S).
    println!("cargo::rustc-cdylib-link-arg=-Wl,--defsym=posix_spawn=0");
    if env::var("CARGO_ENCODED_RUSTFLAGS").is_ok_and(|flags| flags.contains("gold")) {
        // gold has the loader look for hidden symbols too.
        for symbol in STATIC_LIBC {
            println!("cargo::rustc-cdylib-link-arg=-Wl,--defsym={symbol}=0");
        }
    } else {
        // bfd would pad code and constants to pages of their own: 4 KB more. (As it
        // is, it pads code, constants and relro together to whole pages.) gold, which
        // has no such option, doesn't pad.
        println!("cargo::rustc-cdylib-link-arg=-Wl,-z,noseparate-code");
    }
    if arch == "arm" {
        // ARM's unwinding tables name routines of the unwinder, so that it is
        // linked too; but they call none by address, and we have no use for it.
        for routine in ["__aeabi_unwind_cpp_pr0", "__aeabi_unwind_cpp_pr1"] {
            println!("cargo::rustc-cdylib-link-arg=-Wl,--defsym={routine}=0");
        }
    }
}

/// Sets nbclone_naked where rustc has naked functions: from 1.88, and not on
/// ELFv1, where a function's symbol is that of a descriptor (src/abi.rs).
fn naked_functions(arch: &str) {
    println!("cargo::rustc-check-cfg=cfg(nbclone_naked)");
    let elfv1 = arch == "powerpc64" && env::var("CARGO_CFG_TARGET_ABI").as_deref() == Ok("elfv1");
    if rustc_minor() >= 88 && !elfv1 {
        println!("cargo::rustc-cfg=nbclone_naked");
        return;
    }
    let flags = env::var("CARGO_ENCODED_RUSTFLAGS").unwrap_or_default();
    if flags.contains("force-frame-pointers") {
        println!(
            "cargo::error=-C force-frame-pointers would give clone a frame; \
             this target wants Rust 1.88 for it, or no such option"
        );
    }
}

/// The 88 of rustc 1.88.0.
fn rustc_minor() -> u32 {
    let rustc = env::var("RUSTC").expect("Cargo sets it");
    let output = Command::new(rustc).arg("--version").output().expect("Cargo's rustc runs");
    let version = String::from_utf8_lossy(&output.stdout);
    let minor = version.split('.').nth(1).and_then(|minor| minor.parse().ok());
    minor.expect("rustc tells its version as \"rustc 1.88.0 ...\"")
}
