// SPDX-License-Identifier: MIT OR Apache-2.0
// Copyright (c) 2026 The nbclone developers
//! The jump by which an exported function gives way to its entry in arch/*.S:
//! everything, the return address included, stays as it came.

/// The instructions, with `{}` for the entry: a landing pad, and the jump. `$name`:
/// the exported function.
#[cfg(target_arch = "x86_64")]
macro_rules! jump {
    ($name:literal) => {
        "endbr64
         jmp {}"
    };
}
// The assembler knows endbr32 from the processors that have SSE.
#[cfg(all(target_arch = "x86", target_feature = "sse"))]
macro_rules! jump {
    ($name:literal) => {
        "endbr32
         jmp {}"
    };
}
#[cfg(all(target_arch = "x86", not(target_feature = "sse")))]
macro_rules! jump {
    ($name:literal) => {
        "jmp {}"
    };
}
// hint #34: bti c.
#[cfg(target_arch = "aarch64")]
macro_rules! jump {
    ($name:literal) => {
        "hint #34
         b {}"
    };
}
#[cfg(any(target_arch = "arm", target_arch = "loongarch64", target_arch = "powerpc"))]
macro_rules! jump {
    ($name:literal) => {
        "b {}"
    };
}
#[cfg(target_arch = "riscv64")]
macro_rules! jump {
    ($name:literal) => {
        "tail {}"
    };
}
#[cfg(target_arch = "m68k")]
macro_rules! jump {
    ($name:literal) => {
        "bra {}"
    };
}
#[cfg(target_arch = "s390x")]
macro_rules! jump {
    ($name:literal) => {
        "jg {}"
    };
}
// Through t9, by the table of addresses: see arch/mips.S.
#[cfg(target_arch = "mips")]
macro_rules! jump {
    ($name:literal) => {
        ".set noreorder
         lui $24, %hi(_gp_disp)
         addiu $24, $24, %lo(_gp_disp)
         addu $24, $24, $25
         lw $25, %got({})($24)
         jr $25
         nop"
    };
}
#[cfg(all(target_arch = "mips64", target_pointer_width = "32"))]
macro_rules! jump {
    ($name:literal) => {
        concat!(
            ".set noreorder
             lui $24, %hi(%neg(%gp_rel(",
            $name,
            ")))
             addiu $24, $24, %lo(%neg(%gp_rel(",
            $name,
            ")))
             addu $24, $24, $25
             lw $25, %got_disp({})($24)
             jr $25
             nop"
        )
    };
}
#[cfg(all(target_arch = "mips64", target_pointer_width = "64"))]
macro_rules! jump {
    ($name:literal) => {
        concat!(
            ".set noreorder
             lui $24, %hi(%neg(%gp_rel(",
            $name,
            ")))
             daddiu $24, $24, %lo(%neg(%gp_rel(",
            $name,
            ")))
             daddu $24, $24, $25
             ld $25, %got_disp({})($24)
             jr $25
             nop"
        )
    };
}
// The entry is reached behind where it sets its own TOC pointer, which is ours.
#[cfg(all(target_arch = "powerpc64", target_abi = "elfv2"))]
macro_rules! jump {
    ($name:literal) => {
        concat!(
            "addis 2, 12, .TOC. - ",
            $name,
            "@ha
             addi 2, 2, .TOC. - ",
            $name,
            "@l
             .localentry ",
            $name,
            ", . - ",
            $name,
            "
             b {}"
        )
    };
}
// A call in whose delay slot the return address becomes the caller's again.
#[cfg(target_arch = "sparc64")]
macro_rules! jump {
    ($name:literal) => {
        "mov %o7, %g1
         .cfi_register 15, 1
         call {}
         mov %g1, %o7"
    };
}

// ELFv1: a function's symbol is that of a descriptor.
#[cfg(all(target_arch = "powerpc64", target_abi = "elfv1"))]
macro_rules! jump {
    ($name:literal) => {
        "b {}"
    };
}

pub(crate) use jump;
