// SPDX-License-Identifier: MIT OR Apache-2.0
// Copyright (c) 2026 The nbclone developers
//! What Rust's part of the shim has to know of an architecture, besides the kernel's own
//! numbers (src/host/number.rs, stat.rs, constants.rs): one constant for each peculiarity,
//! which says what most architectures have.

/// libc's descriptor of a thread begins at the thread pointer, with the thread control
/// block; elsewhere it lies below.
pub const DESCRIPTOR_AT_POINTER: bool = cfg!(any(
    target_arch = "x86_64",
    target_arch = "x86",
    target_arch = "s390x",
    target_arch = "sparc64"
));

/// glibc links robust mutexes both ways (`__PTHREAD_MUTEX_HAVE_PREV`): the other end of
/// the list lies before its head.
pub const ROBUST_LINKED_BOTH_WAYS: bool =
    cfg!(any(target_pointer_width = "64", target_arch = "x86_64"));

/// arch/ makes the usual call with copied memory too.
pub const COPIES_IN_USUAL_CALL: bool =
    cfg!(all(target_arch = "x86_64", target_pointer_width = "64"));

/// A function's address is that of a descriptor, whose first word says where the code is.
pub const HAS_FUNCTION_DESCRIPTORS: bool = cfg!(target_abi = "elfv1");

/// Room above the stack pointer of a child of Linux 1.x's clone, where the code behind the
/// call may write: on most architectures a frame's lowest words belong to the functions that
/// it calls (176 bytes on sparc64), with those arguments above that don't fit in registers;
/// or the call's arguments lie there, and the caller pops them. x86-64 has neither.
pub const CALL_SITE_ROOM: usize = if cfg!(target_arch = "x86_64") { 0 } else { 512 };

/// A second for futex(2), in either width that the call may have, in either byte order.
/// m68k's only futex(2) takes 64 bits.
pub const FUTEX_SECOND: [usize; 4] =
    if cfg!(target_arch = "m68k") { [0, 1, 0, 0] } else { [1, 0, 0, 0] };

/// LLVM 22 loses the index into an array where it sees that the array is on the stack.
pub const LOSES_STACK_INDEX: bool = cfg!(target_arch = "m68k");
