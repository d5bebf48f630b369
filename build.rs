//! Assembles the trampolines of the target's architecture and names the
//! shared library.

use std::{env, fs};

/// Target architecture, as Cargo names it, to its file under arch/. The file
/// itself tells the ABIs of one architecture apart (x32, n32, byte orders).
const ARCHITECTURES: &[(&str, &str)] = &[
    ("x86_64", "x86_64.S"),
    ("riscv64", "riscv64.S"),
    ("mips", "mips.S"),
    ("mips64", "mips64.S"),
    ("loongarch64", "loongarch64.S"),
    ("m68k", "m68k.S"),
];

/// Major version of the ABI: libnbclone.so.1.
const SONAME: &str = "libnbclone.so.1";

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

    for entry in fs::read_dir("arch").expect("arch/ is part of the package") {
        println!("cargo::rerun-if-changed={}", entry.expect("readable").path().display());
    }
    cc::Build::new().file(file).file("arch/libc.S").compile("nbclone_arch");

    for argument in [
        format!("-soname,{SONAME}"),
        "-z,now".into(),
        "-z,relro".into(),
        "-z,noexecstack".into(),
        "-z,defs".into(),
        // Only static programs call libc's posix_spawn through our __clone
        // (see arch/libc.S); the shared library needs no reference to it.
        "--defsym=posix_spawn=0".into(),
    ] {
        println!("cargo::rustc-cdylib-link-arg=-Wl,{argument}");
    }
}
