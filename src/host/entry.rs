//! The entries of arch/*.S. Their contract is arch/README.md.
#![allow(unsafe_code)]

use core::ffi::c_void;
use libc::c_int;

/// What the child of `clone` starts in.
pub type Func = unsafe extern "C" fn(arg: *mut c_void) -> c_int;

/// The lowest stack that the trampoline takes. Aligned down, or with the
/// ABI's smallest frame taken off, one in the first page could become 0, by
/// which the kernel understands the caller's own stack.
pub const LOWEST_STACK: usize = 4096;

unsafe extern "C" {
    /// The trampoline: the child's id, or -errno. Writes nothing to `stack`
    /// before the kernel has made the child. `stack`: `LOWEST_STACK` or more.
    #[link_name = "nbclone_arch_clone"]
    pub fn clone(
        func: Func,
        stack: *mut c_void,
        flags: u32,
        arg: *mut c_void,
        parent_tid: usize,
        tls: usize,
        child_tid: usize,
    ) -> isize;

    /// A func for the trampoline that calls `nbclone_child_start` with the
    /// trampoline's last three arguments behind `arg`.
    #[link_name = "nbclone_arch_child_start"]
    pub fn child_start(arg: *mut c_void) -> c_int;

    /// Calls `nbclone_checked_clone` with its caller's return address behind
    /// the same seven arguments. Its caller must be `clone`, by a tail call.
    #[link_name = "nbclone_arch_checked_clone"]
    pub fn checked_clone(
        func: Option<Func>,
        stack: *mut c_void,
        flags: c_int,
        arg: *mut c_void,
        parent_tid: *mut c_void,
        tls: *mut c_void,
        child_tid: *mut c_void,
    ) -> libc::pid_t;

    /// A system call with up to five arguments: the kernel's result, -errno
    /// included. errno itself is left alone, which is what a child that shares
    /// its parent's thread pointer needs.
    #[link_name = "nbclone_arch_syscall"]
    pub fn syscall(number: usize, a: usize, b: usize, c: usize, d: usize, e: usize) -> isize;

    /// Linux 1.x's entry, for abi.rs to jump to.
    #[link_name = "nbclone_arch_linux1_clone"]
    pub fn linux1_clone();
}
