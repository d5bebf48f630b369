// SPDX-License-Identifier: MIT OR Apache-2.0
// Copyright (c) 2026 The nbclone developers
//! libc's own calls through `__clone`. They are no use of NetBSD's clone, so no
//! policy applies to them. Their caller's address tells them:
//!
//! - in a static program it lies in one of libc's functions (arch/libc.S);
//! - up to glibc 2.33, whose pthread_create(3) calls the `__clone` that a preload
//!   or the program exports, it lies in libpthread.
#![allow(unsafe_code)]

use crate::constants;
use crate::flags::*;
use crate::host::libc_symbols::{self, symbols};
use crate::host::{self, entry};
use core::ffi::{c_int, c_void};

/// The flag word of glibc's pthread_create (its createthread.c).
const GLIBC_THREAD: u32 = 0x003d_0f00;
/// The flag word of musl's pthread_create.
const MUSL_THREAD: u32 = 0x007d_0f00;
/// The flag word of posix_spawn.
pub const SPAWN: u32 = CLONE_VM | CLONE_VFORK | constants::SIGCHLD as u32;
/// The flag word of glibc's pidfd_spawn (2.39 on).
const PIDFD_SPAWN: u32 = SPAWN | CLONE_PIDFD;

/// What a caller takes for a failure.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Convention {
    /// -1, and errno.
    Errno,
    /// -errno: musl's internal `__clone`.
    Negative,
}

/// Whether this is libc's own call of a word that a policy would refuse.
/// posix_spawn's word needs no exception.
pub fn is_exempt(word: u32, caller: usize) -> bool {
    if word != GLIBC_THREAD && word != PIDFD_SPAWN && word != MUSL_THREAD {
        return false;
    }
    is_libcs(word, caller)
}

fn is_libcs(word: u32, caller: usize) -> bool {
    if word == MUSL_THREAD {
        return is_within(symbols().pthread_create, caller);
    }
    let is_thread = word == GLIBC_THREAD;
    let public = if is_thread { symbols().pthread_create_2_1 } else { symbols().spawni };
    is_in_glibc(public, caller) || is_thread && is_in_libpthread(caller)
}

/// How `caller` takes a failure of this call.
pub fn convention(word: u32, caller: usize) -> Convention {
    let function = match word {
        MUSL_THREAD => symbols().pthread_create,
        SPAWN => symbols().posix_spawn,
        _ => 0,
    };
    // A program may have a posix_spawn of its own. musl's blocks every signal around
    // its call, those among them that musl lets no program block.
    let is_musls = is_within(function, caller)
        && (word != SPAWN || host::blocked_signals().has_musl_internal());
    if is_musls { Convention::Negative } else { Convention::Errno }
}

/// Static glibc's functions that call `__clone`, from 2.34 on; or `public`, where
/// they jump to it (RISC-V, AArch64, MIPS with 64 bits), and up to 2.33.
fn is_in_glibc(public: usize, caller: usize) -> bool {
    // Its object has create_thread and its like before it: 2064 bytes at the
    // most, and pthread_create has up to 4292, on the architectures of glibc 2.36.
    const BEFORE: usize = 2560;
    const LONGEST: usize = 4608;
    is_within(symbols().clone_internal, caller)
        || is_within(symbols().clone_internal_fallback, caller)
        || is_around(public, BEFORE, LONGEST, caller)
}

/// Whether `caller` is in `function`, whose length isn't known: the 2048 bytes from its
/// start hold no other call of `__clone` by libc, and no code of the program's.
fn is_within(function: usize, caller: usize) -> bool {
    is_around(function, 0, 2048, caller)
}

fn is_around(function: usize, before: usize, behind: usize, caller: usize) -> bool {
    let start = libc_symbols::code(function).wrapping_sub(before);
    function != 0 && caller.wrapping_sub(start) < before + behind
}

/// What `visit` looks for.
struct Search {
    address: usize,
    found: bool,
}

/// Whether `address` is in a library of the name libpthread.
fn is_in_libpthread(address: usize) -> bool {
    let mut search = Search { address, found: false };
    // SAFETY: visit gets the search, which outlives the call.
    unsafe { libc::dl_iterate_phdr(Some(entry::visit), (&raw mut search).cast()) };
    search.found
}

/// For dl_iterate_phdr(3), which comes here through `entry::visit`: anything but 0
/// ends the walk.
#[unsafe(no_mangle)]
unsafe extern "C" fn nbclone_visit(
    module: *mut libc::dl_phdr_info,
    _size: libc::size_t,
    search: *mut c_void,
) -> c_int {
    // SAFETY: is_in_libpthread's own search, and what the loader describes.
    let (module, search) = unsafe { (&*module, &mut *search.cast::<Search>()) };
    // SAFETY: the loader's program headers of a loaded module.
    let headers =
        unsafe { core::slice::from_raw_parts(module.dlpi_phdr, module.dlpi_phnum.into()) };
    let covers = headers.iter().any(|header| {
        let start = (module.dlpi_addr as usize).wrapping_add(header.p_vaddr as usize);
        header.p_type == libc::PT_LOAD
            && search.address.wrapping_sub(start) < header.p_memsz as usize
    });
    if covers && !module.dlpi_name.is_null() {
        // SAFETY: the loader's string.
        let path = unsafe { host::c_text(module.dlpi_name) }.to_bytes();
        let name = path.rsplit(|&byte| byte == b'/').next().unwrap_or_default();
        search.found = name.starts_with(b"libpthread");
    }
    c_int::from(covers)
}
