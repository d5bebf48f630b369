// SPDX-License-Identifier: MIT OR Apache-2.0
// Copyright (c) 2026 The nbclone developers
//! The bits of a flag word. Pure: numbers only.
//!
//! Source: NetBSD's sys/sys/sched.h and Linux's include/uapi/linux/sched.h,
//! which agree on every bit that both have; Linux 1.0's linux/sched.h for
//! `COPYVM` and `COPYFD`.

/// The exit signal's byte (`CSIGNAL`, NetBSD's `CLONE_CSIGNAL`).
pub const CLONE_CSIGNAL: u32 = 0xff;
/// Share the address space.
pub const CLONE_VM: u32 = 0x100;
/// Share the working directory, the root directory and the umask.
pub const CLONE_FS: u32 = 0x200;
/// Share the descriptor table.
pub const CLONE_FILES: u32 = 0x400;
/// Share the signal handlers, never the mask.
pub const CLONE_SIGHAND: u32 = 0x800;
/// Linux alone: a descriptor for the child, stored through `parent_tid`.
pub const CLONE_PIDFD: u32 = 0x1000;
/// Both have the bit; NetBSD refuses it.
pub const CLONE_PTRACE: u32 = 0x2000;
/// Suspend the caller until the child exits or execs.
pub const CLONE_VFORK: u32 = 0x4000;
/// Linux alone: set the child's thread pointer from `tls`.
pub const CLONE_SETTLS: u32 = 0x0008_0000;
/// Linux alone: store the child's id through `parent_tid`.
pub const CLONE_PARENT_SETTID: u32 = 0x0010_0000;
/// Linux alone: clear `child_tid` and wake its waiters when the child ends.
pub const CLONE_CHILD_CLEARTID: u32 = 0x0020_0000;
/// Linux alone: store the child's id through `child_tid`, in the child.
pub const CLONE_CHILD_SETTID: u32 = 0x0100_0000;

/// What NetBSD implements: five flags and the exit signal.
pub const NETBSD_FLAGS: u32 =
    CLONE_CSIGNAL | CLONE_VM | CLONE_FS | CLONE_FILES | CLONE_SIGHAND | CLONE_VFORK;

/// Linux 1.x: the child's memory is a copy.
pub const COPYVM: u32 = 0x100;
/// Linux 1.x: the child's open file descriptions are copies.
pub const COPYFD: u32 = 0x200;

/// Both bits: the word is in the sense that Linux 1.3 gave it, with `CLONE_VM`
/// and the three bits above it. The headers under include/linux1 set them where
/// a program of that time calls clone. Today's names for them, `CLONE_DETACHED`
/// and `CLONE_UNTRACED`, came later, and no program of Linux 1.x has either.
pub const LINUX1_3: u32 = 0x00c0_0000;

/// Whether the Linux 1.x word is in 1.3's sense.
pub const fn is_linux1_3(word: u32) -> bool {
    word & LINUX1_3 == LINUX1_3
}

/// Whether the host is MIPS, whose Linux numbers signals as IRIX did.
pub const IS_MIPS: bool = cfg!(any(target_arch = "mips", target_arch = "mips64"));

/// The host's highest signal, SIGRTMAX as the kernel numbers it.
pub const HIGHEST_SIGNAL: u32 = if IS_MIPS { 127 } else { 64 };
