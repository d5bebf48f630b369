//! NetBSD's clone(2) for Linux hosts, and Linux 1.x's.
//!
//! A C library: `clone`, `__clone` and `linux1_clone`, declared in
//! `include/nbclone.h` and `include/linux1/`. It is built as a cdylib and a
//! staticlib; there is nothing here for Rust programs to call, which is why
//! there is no rlib.
//!
//! Where things are:
//!
//! | module | purpose |
//! |---|---|
//! | [`abi`] | the exported functions, all of them |
//! | `flags`, `translate` | flag words: pure, without `unsafe` |
//! | `environment` | what `NBCLONE_*` asks for |
//! | `call` | one NetBSD call, checked and carried out |
//! | `child` | what a child does before its func |
//! | `linux1`, `descriptors` | Linux 1.x's clone and COPYFD |
//! | `trace`, `line`, `maps`, `names`, `recall` | the lines of `NBCLONE_TRACE` |
//! | `libc_calls` | the calls that libc itself makes |
//! | `jump` | the architectures' jumps to the entry of `linux1_clone` |
//! | `arch`, `kernel`, `errno`, `output` | the host's side |
#![no_std]
// The jump of `linux1_clone`: assembly isn't stable there yet.
#![cfg_attr(
    any(
        target_arch = "mips",
        target_arch = "mips64",
        target_arch = "m68k",
        target_arch = "sparc64"
    ),
    feature(asm_experimental_arch)
)]

pub mod abi;
mod arch;
mod call;
mod child;
mod descriptors;
mod environment;
mod errno;
mod flags;
mod jump;
mod kernel;
mod libc_calls;
mod line;
mod linux1;
mod maps;
mod names;
mod numbers;
mod output;
mod recall;
mod trace;
mod translate;

/// The shim has no panic path, which a test proves from the built library;
/// the language wants a handler all the same.
#[panic_handler]
fn panic(_: &core::panic::PanicInfo<'_>) -> ! {
    loop {}
}
