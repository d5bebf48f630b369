// SPDX-License-Identifier: MIT OR Apache-2.0
// Copyright (c) 2026 The nbclone developers
//! The instructions of a seccomp filter (bpf(4), seccomp(2)).

/// Loads a word of struct seccomp_data.
pub const LOAD: u32 = libc::BPF_LD | libc::BPF_W | libc::BPF_ABS;
/// Ends the filter with an action.
pub const RETURN: u32 = libc::BPF_RET | libc::BPF_K;
/// Whether what was loaded is this number.
pub const EQUAL: u32 = libc::BPF_JMP | libc::BPF_JEQ | libc::BPF_K;

/// In struct seccomp_data: the system call's number.
pub const NUMBER: u32 = 0;
/// The same: the architecture.
pub const ARCHITECTURE: u32 = 4;
/// The same: the arguments, 64 bits each.
pub const ARGUMENTS: u32 = 16;

/// An instruction without a jump, or with one that is always taken.
pub fn statement(code: u32, k: u32) -> libc::sock_filter {
    libc::sock_filter { code: code as u16, jt: 0, jf: 0, k }
}

/// A jump over so many instructions, by what was loaded.
pub fn test(code: u32, k: u32, if_true: usize, if_false: usize) -> libc::sock_filter {
    libc::sock_filter { code: code as u16, jt: if_true as u8, jf: if_false as u8, k }
}
