//! The jump by which the exported `linux1_clone` gives way to its entry in
//! arch/*.S: everything, the return address included, stays as it came.

/// The instructions, with `{}` for the entry: a landing pad, and the jump.
#[cfg(target_arch = "x86_64")]
macro_rules! jump {
    () => {
        "endbr64
         jmp {}"
    };
}
// The assembler knows endbr32 from the processors that have SSE.
#[cfg(all(target_arch = "x86", target_feature = "sse"))]
macro_rules! jump {
    () => {
        "endbr32
         jmp {}"
    };
}
#[cfg(all(target_arch = "x86", not(target_feature = "sse")))]
macro_rules! jump {
    () => {
        "jmp {}"
    };
}
// hint #34: bti c.
#[cfg(target_arch = "aarch64")]
macro_rules! jump {
    () => {
        "hint #34
         b {}"
    };
}
#[cfg(any(target_arch = "arm", target_arch = "loongarch64", target_arch = "powerpc"))]
macro_rules! jump {
    () => {
        "b {}"
    };
}
#[cfg(target_arch = "riscv64")]
macro_rules! jump {
    () => {
        "tail {}"
    };
}
#[cfg(target_arch = "m68k")]
macro_rules! jump {
    () => {
        "bra {}"
    };
}
#[cfg(target_arch = "s390x")]
macro_rules! jump {
    () => {
        "jg {}"
    };
}
// Through t9, by the table of addresses: see arch/mips.S.
#[cfg(target_arch = "mips")]
macro_rules! jump {
    () => {
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
    () => {
        ".set noreorder
         lui $24, %hi(%neg(%gp_rel(linux1_clone)))
         addiu $24, $24, %lo(%neg(%gp_rel(linux1_clone)))
         addu $24, $24, $25
         lw $25, %got_disp({})($24)
         jr $25
         nop"
    };
}
#[cfg(all(target_arch = "mips64", target_pointer_width = "64"))]
macro_rules! jump {
    () => {
        ".set noreorder
         lui $24, %hi(%neg(%gp_rel(linux1_clone)))
         daddiu $24, $24, %lo(%neg(%gp_rel(linux1_clone)))
         daddu $24, $24, $25
         ld $25, %got_disp({})($24)
         jr $25
         nop"
    };
}
// The entry is reached behind where it sets its own TOC pointer, which is ours.
#[cfg(all(target_arch = "powerpc64", target_abi = "elfv2"))]
macro_rules! jump {
    () => {
        "addis 2, 12, .TOC. - linux1_clone@ha
         addi 2, 2, .TOC. - linux1_clone@l
         .localentry linux1_clone, . - linux1_clone
         b {}"
    };
}
// A call in whose delay slot the return address becomes the caller's again.
#[cfg(target_arch = "sparc64")]
macro_rules! jump {
    () => {
        "mov %o7, %g1
         .cfi_register 15, 1
         call {}
         mov %g1, %o7"
    };
}

#[cfg(not(all(target_arch = "powerpc64", target_abi = "elfv1")))]
pub(crate) use jump;
