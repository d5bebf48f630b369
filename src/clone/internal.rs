//! libc's own calls through `__clone`. They are no use of NetBSD's clone, so no
//! policy applies to them. Their caller's address tells them:
//!
//! - in a static program it lies in one of libc's functions (arch/libc.S);
//! - up to glibc 2.33, whose pthread_create(3) calls the `__clone` that a preload
//!   or the program exports, it lies in libpthread.
#![allow(unsafe_code)]

use crate::flags::*;
use crate::host::{self, libc_symbols};
use core::ffi::{CStr, c_int, c_void};

/// The flag word of glibc's pthread_create (its createthread.c).
const GLIBC_THREAD: u32 = 0x003d_0f00;
/// The flag word of musl's pthread_create.
const MUSL_THREAD: u32 = 0x007d_0f00;
/// The flag word of posix_spawn.
const SPAWN: u32 = CLONE_VM | CLONE_VFORK | libc::SIGCHLD as u32;
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

/// How libc's own function at `caller` takes a failure of this call, if it is
/// one that a policy would refuse. posix_spawn's word needs no exception.
pub fn exempt(word: u32, caller: usize) -> Option<Convention> {
    match word {
        GLIBC_THREAD if is_in_glibc(caller) || is_in_libpthread(caller) => Some(Convention::Errno),
        PIDFD_SPAWN if is_in_glibc(caller) => Some(Convention::Errno),
        MUSL_THREAD if is_within(libc_symbols::pthread_create(), caller) => {
            Some(Convention::Negative)
        }
        _ => None,
    }
}

/// How `caller` takes a failed call that no exception was made for.
pub fn convention(caller: usize) -> Convention {
    // A program may have a posix_spawn of its own. musl's blocks every signal
    // around its call, those among them that a program can't block through musl.
    if is_within(libc_symbols::posix_spawn(), caller) && host::blocked_signals().has_musl_internal()
    {
        Convention::Negative
    } else {
        Convention::Errno
    }
}

/// glibc's functions in a static program from 2.34 on.
fn is_in_glibc(caller: usize) -> bool {
    is_within(libc_symbols::clone_internal(), caller)
        || is_within(libc_symbols::clone_internal_fallback(), caller)
}

/// Whether `caller` is in `function`. libc has no other call of `__clone` for a
/// good deal behind each of these, and a program's own code lies elsewhere.
fn is_within(function: usize, caller: usize) -> bool {
    const LONGEST: usize = 2048;
    function != 0 && caller.wrapping_sub(function) < LONGEST
}

/// What `visit` looks for.
struct Search {
    address: usize,
    found: bool,
}

/// Whether `address` is in a library of the name libpthread.
fn is_in_libpthread(address: usize) -> bool {
    let mut search = Search { address, found: false };
    if let Some(iterate) = libc_symbols::dl_iterate_phdr() {
        // SAFETY: visit gets the search, which outlives the call.
        unsafe { iterate(visit, (&raw mut search).cast()) };
    }
    search.found
}

/// For dl_iterate_phdr(3): anything but 0 ends the walk.
unsafe extern "C" fn visit(
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
        let path = unsafe { CStr::from_ptr(module.dlpi_name) }.to_bytes();
        let name = path.rsplit(|&byte| byte == b'/').next().unwrap_or_default();
        search.found = name.starts_with(b"libpthread");
    }
    c_int::from(covers)
}
