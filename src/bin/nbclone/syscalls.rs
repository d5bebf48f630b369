// SPDX-License-Identifier: MIT OR Apache-2.0
// Copyright (c) 2026 The nbclone developers
//! The system calls that the filter asks about, and their numbers.
//!
//! To see another one: a `Call`, a row of `WATCHED`, and what is done about it
//! in `watch`.

/// A system call that the filter asks about.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Debug)]
pub enum Call {
    /// clone, with its flags in its first argument.
    Clone,
    /// clone3, with its flags in memory.
    Clone3,
    /// fork
    Fork,
    /// vfork
    Vfork,
    /// seccomp, which may ask for a listener of the program's own.
    Seccomp,
}

/// A call and its number under each of `ABIS`' columns.
struct Row {
    call: Call,
    numbers: [u32; COLUMNS],
}

const COLUMNS: usize = 4;

/// The architecture has no such call.
const NONE: u32 = u32::MAX;

const fn row(call: Call, x86_64: u32, i386: u32, generic: u32, arm: u32) -> Row {
    Row { call, numbers: [x86_64, i386, generic, arm] }
}

/// `generic`: include/uapi/asm-generic/unistd.h, aarch64's and riscv64's.
#[rustfmt::skip]
const WATCHED: &[Row] = &[
    //                  x86-64  i386  generic  arm
    row(Call::Clone,        56,  120,     220,  120),
    row(Call::Clone3,      435,  435,     435,  435),
    row(Call::Fork,         57,    2,    NONE,    2),
    row(Call::Vfork,        58,  190,    NONE,  190),
    row(Call::Seccomp,     317,  354,     277,  383),
];

/// An ABI as seccomp names it.
pub struct Abi {
    /// `AUDIT_ARCH_*`
    pub audit: u32,
    /// The bits of a number that tell calls apart (x32 sets another).
    pub mask: u32,
    /// Its pointers have 32 bits.
    pub is_narrow: bool,
    column: usize,
}

impl Abi {
    /// The numbers of the calls that it has.
    pub fn calls(&self) -> impl Iterator<Item = (u32, Call)> {
        let number = |row: &Row| row.numbers.get(self.column).copied().unwrap_or(NONE);
        WATCHED.iter().map(move |row| (number(row), row.call)).filter(|&(number, _)| number != NONE)
    }

    /// The ABI and the call of a question.
    pub fn find(audit: u32, number: u32) -> Option<(&'static Abi, Call)> {
        let abi = ABIS.iter().find(|abi| abi.audit == audit)?;
        let known = abi.calls().find(|&(known, _)| known == number & abi.mask)?;
        Some((abi, known.1))
    }
}

const fn abi(audit: u32, is_narrow: bool, column: usize) -> Abi {
    Abi { audit, mask: !0, is_narrow, column }
}

/// Those that a kernel of this architecture runs, the command's own first; none where
/// the calls can't be watched.
pub const ABIS: &[Abi] = if cfg!(target_arch = "x86_64") {
    const X32: u32 = 0x4000_0000;
    &[Abi { mask: !X32, ..abi(0xc000_003e, false, 0) }, abi(0x4000_0003, true, 1)]
} else if cfg!(target_arch = "aarch64") {
    &[abi(0xc000_00b7, false, 2), abi(0x4000_0028, true, 3)]
} else if cfg!(target_arch = "riscv64") {
    &[abi(0xc000_00f3, false, 2)]
} else {
    &[]
};

/// Whether calls can be watched on this architecture.
pub const AVAILABLE: bool = !ABIS.is_empty();

impl Call {
    /// Its name.
    pub fn name(self) -> &'static str {
        match self {
            Call::Clone => "clone",
            Call::Clone3 => "clone3",
            Call::Fork => "fork",
            Call::Vfork => "vfork",
            Call::Seccomp => "seccomp",
        }
    }
}
