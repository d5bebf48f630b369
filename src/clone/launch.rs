// SPDX-License-Identifier: MIT OR Apache-2.0
// Copyright (c) 2026 The nbclone developers
//! What a child is started with, and what it does before its func runs.
//!
//! A child with copied memory takes over libc's identity (src/host/identity.rs).
//! A child that shares its memory is left alone: what it would write is its
//! parent's too. It only gets back, where the policy says so, the alternate
//! signal stack that Linux takes from it (kernel/fork.c, copy_process: `CLONE_VM`
//! without `CLONE_VFORK`).
#![allow(unsafe_code)]

use crate::flags::*;
use crate::host;
use crate::host::entry::{self, Func, HostArguments};
use crate::host::identity::{self, Repair};
use crate::policy::Policy;
use core::ffi::c_void;
use libc::c_int;

/// One call of the trampoline.
pub struct Launch {
    /// What the child starts in.
    pub func: Func,
    /// The host's flag word.
    pub flags: u32,
    /// Whether the call is libc's own.
    pub is_exempt: bool,
    /// The arguments that NetBSD's clone doesn't have.
    pub host: HostArguments,
}

impl Launch {
    /// One with nothing in it yet.
    pub fn new() -> Launch {
        Launch {
            func: entry::child_start,
            flags: 0,
            is_exempt: false,
            host: HostArguments::default(),
        }
    }

    /// Adds what the child has to do before func.
    pub fn prepare_child(&mut self, policy: Policy) {
        if self.flags & CLONE_VM == 0 {
            self.repair_identity();
        } else if policy.inherits_alternate_stack() && self.flags & CLONE_VFORK == 0 {
            self.keep_alternate_stack();
        }
    }

    /// Adds what a child with copied memory needs of libc's state. A caller under policy
    /// host may use these arguments itself; then nothing is added.
    fn repair_identity(&mut self) {
        const TAKEN: u32 = CLONE_PIDFD
            | CLONE_PARENT_SETTID
            | CLONE_SETTLS
            | CLONE_CHILD_SETTID
            | CLONE_CHILD_CLEARTID;
        if self.flags & TAKEN != 0 {
            return;
        }
        let Some(Repair { flags, tid }) = identity::of_caller() else { return };
        self.flags |= flags.get();
        self.start_through(0, tid);
    }

    /// Adds the calling thread's alternate signal stack, unless it runs on it:
    /// NetBSD's child inherits that too, but here both would then use one stack.
    // Not inlined: its frame would be part of nbclone_slow_clone's.
    #[inline(never)]
    fn keep_alternate_stack(&mut self) {
        let Some(stack) = host::alternate_stack() else { return };
        if stack.ss_flags & libc::SS_ONSTACK != 0 {
            return;
        }
        let Some(size) = PackedSize::pack(stack.ss_size, stack.ss_flags) else { return };
        self.start_through(stack.ss_sp.addr(), size.0);
    }

    /// Puts `nbclone_child_start` before func, which it gets in parent_tid. Without the
    /// flags that use them the kernel ignores parent_tid and tls. child_tid is the
    /// address that the kernel writes to as well, or a packed size that it ignores.
    fn start_through(&mut self, tls: usize, child_tid: usize) {
        self.host = HostArguments { parent_tid: self.func as usize, tls, child_tid };
        self.func = entry::child_start;
    }

    /// Makes the child: its id, or -errno.
    ///
    /// # Safety
    ///
    /// As clone(2): func may run on `stack` with `arg`.
    pub unsafe fn run(&self, stack: *mut c_void, arg: *mut c_void) -> isize {
        // Neither address is mapped: the child gets SIGSEGV with either.
        let stack = stack.map_addr(|address| address.max(entry::LOWEST_STACK));
        let HostArguments { parent_tid, tls, child_tid } = self.host;
        // SAFETY: passed on to the caller.
        unsafe { entry::launch(self.func, stack, self.flags, arg, parent_tid, tls, child_tid) }
    }
}

/// A size of an alternate signal stack with its SS_AUTODISARM, told apart
/// from an aligned address by its lowest bit.
struct PackedSize(usize);

impl PackedSize {
    const MARK: usize = 1;
    const AUTODISARM: usize = 2;
    const SHIFT: u32 = 2;

    fn pack(size: usize, flags: c_int) -> Option<PackedSize> {
        let shifted = size.checked_mul(1 << Self::SHIFT)?;
        let autodisarm = if flags & SS_AUTODISARM != 0 { Self::AUTODISARM } else { 0 };
        Some(PackedSize(shifted | autodisarm | Self::MARK))
    }

    fn of_word(word: usize) -> Option<PackedSize> {
        (word & Self::MARK != 0).then_some(PackedSize(word))
    }

    fn unpack(self) -> (usize, c_int) {
        let flags = if self.0 & Self::AUTODISARM != 0 { SS_AUTODISARM } else { 0 };
        (self.0 >> Self::SHIFT, flags)
    }
}

/// Linux's include/uapi/linux/signal.h; libc has it for few targets.
const SS_AUTODISARM: c_int = 1 << 31;

/// Runs in the child, on its stack, with what `start_through` left.
///
/// # Safety
///
/// Only `nbclone_arch_child_start` may call it.
#[unsafe(no_mangle)]
unsafe extern "C" fn nbclone_child_start(
    arg: *mut c_void,
    func: Func,
    first: usize,
    second: usize,
) -> c_int {
    prepare_child(first, second);
    // SAFETY: func and arg are what the program gave to clone.
    unsafe { func(arg) }
}

/// Not inlined: its frame must be gone before func runs.
#[inline(never)]
fn prepare_child(first: usize, second: usize) {
    match PackedSize::of_word(second) {
        Some(packed) => {
            let (ss_size, ss_flags) = packed.unpack();
            let ss_sp = core::ptr::with_exposed_provenance_mut(first);
            host::set_alternate_stack(&libc::stack_t { ss_sp, ss_flags, ss_size });
        }
        None => identity::repair(second),
    }
}
