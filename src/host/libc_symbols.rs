//! libc's own functions that arch/libc.S knows, each 0 or `None` where this libc
//! has none.
#![allow(unsafe_code)]

use core::ffi::{c_int, c_void};

/// What dl_iterate_phdr(3) calls for each module.
pub type Visit = unsafe extern "C" fn(*mut libc::dl_phdr_info, libc::size_t, *mut c_void) -> c_int;

/// dl_iterate_phdr(3).
pub type Iterate = unsafe extern "C" fn(Visit, *mut c_void) -> c_int;

unsafe extern "C" {
    static nbclone_gnu_get_libc_version: usize;
    static nbclone_libc_setup_tls: usize;
    static nbclone_dl_iterate_phdr: Option<Iterate>;
    static nbclone_clone_internal: usize;
    static nbclone_clone_internal_fallback: usize;
    static nbclone_pthread_create: usize;
    static nbclone_posix_spawn: usize;
    static nbclone_thread_list_lock: usize;
}

macro_rules! symbols {
    ($($(#[$doc:meta])* $name:ident: $type:ty = $place:ident;)*) => {
        $($(#[$doc])* pub fn $name() -> $type {
            // SAFETY: a word that the linker or the loader has written.
            unsafe { $place }
        })*
    };
}

symbols! {
    /// dl_iterate_phdr(3).
    dl_iterate_phdr: Option<Iterate> = nbclone_dl_iterate_phdr;
    /// Static glibc 2.34 on: clone3, or `__clone` where there is none.
    clone_internal: usize = nbclone_clone_internal;
    /// Static glibc 2.38 on: its part with `__clone`.
    clone_internal_fallback: usize = nbclone_clone_internal_fallback;
    /// Static musl.
    pthread_create: usize = nbclone_pthread_create;
    /// A static program's, musl's or its own.
    posix_spawn: usize = nbclone_posix_spawn;
    /// Static musl: what the kernel clears at a thread's end.
    thread_list_lock: usize = nbclone_thread_list_lock;
}

/// Whether libc is glibc.
pub fn is_glibc() -> bool {
    // SAFETY: words that the linker or the loader has written.
    unsafe { nbclone_gnu_get_libc_version != 0 || nbclone_libc_setup_tls != 0 }
}
