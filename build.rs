//! Assembles the trampolines of the target's architecture and names the
//! shared library.

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
    ("mips64", "mips64.S"),
    ("loongarch64", "loongarch64.S"),
    ("powerpc64", "powerpc64.S"),
    ("powerpc", "powerpc.S"),
    ("s390x", "s390x.S"),
    ("m68k", "m68k.S"),
    ("sparc64", "sparc64.S"),
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
    cc::Build::new().files([&*file, "arch/libc.S", "arch/builtins.S"]).compile("nbclone_arch");

    for argument in [
        format!("-Wl,-soname,{SONAME}"),
        "-Wl,-z,now".into(),
        "-Wl,-z,relro".into(),
        "-Wl,-z,noexecstack".into(),
        "-Wl,-z,defs".into(),
        // Only static programs call libc's posix_spawn through our __clone
        // (see arch/libc.S); the shared library needs no reference to it.
        "-Wl,--defsym=posix_spawn=0".into(),
        // libc's crate says so itself only without its feature `std`, which
        // the command's dependencies turn on for the whole build.
        "-lc".into(),
    ] {
        println!("cargo::rustc-cdylib-link-arg={argument}");
    }
    // gold, which has no such option, doesn't pad.
    if !env::var("CARGO_ENCODED_RUSTFLAGS").is_ok_and(|flags| flags.contains("gold")) {
        // bfd would pad code and constants to pages of their own: 4 KB more.
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
