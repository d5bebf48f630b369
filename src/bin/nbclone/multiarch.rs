// SPDX-License-Identifier: MIT OR Apache-2.0
// Copyright (c) 2026 The nbclone developers
//! Debian's name for an architecture's directory of libraries, which isn't Rust's name.

/// What tells Debian's architectures apart.
pub struct Target<'a> {
    /// As Rust names it: `std::env::consts::ARCH`.
    pub arch: &'a str,
    /// The byte order.
    pub little_endian: bool,
    /// The bits of a pointer.
    pub pointer_width: u8,
    /// Arm: floating point numbers are passed in registers of their own.
    pub hard_float: bool,
}

impl Target<'_> {
    /// What this program was built for.
    pub const OWN: Target<'static> = Target {
        arch: std::env::consts::ARCH,
        little_endian: cfg!(target_endian = "little"),
        pointer_width: if cfg!(target_pointer_width = "64") { 64 } else { 32 },
        hard_float: cfg!(target_abi = "eabihf"),
    };

    /// The triplet, as `dpkg-architecture -qDEB_HOST_MULTIARCH` prints it.
    pub fn multiarch(&self) -> String {
        let little = if self.little_endian { "el" } else { "" };
        let (arch, suffix) = match (self.arch, self.pointer_width) {
            ("x86", _) => ("i386".to_owned(), ""),
            ("x86_64", 32) => ("x86_64".to_owned(), "x32"),
            ("arm", _) if self.hard_float => ("arm".to_owned(), "eabihf"),
            ("arm", _) => ("arm".to_owned(), "eabi"),
            ("powerpc64", _) if self.little_endian => ("powerpc64le".to_owned(), ""),
            ("mips", _) => (format!("mips{little}"), ""),
            ("mips64", 32) => (format!("mips64{little}"), "abin32"),
            ("mips64", _) => (format!("mips64{little}"), "abi64"),
            (arch, _) => (arch.to_owned(), ""),
        };
        format!("{arch}-linux-gnu{suffix}")
    }
}
