//! What a child needs beyond what the kernel gives it, before its func runs.
//!
//! A child with memory of its own (no `CLONE_VM`) has a copy of its parent's
//! libc, which believes itself the parent: its cached thread id is the
//! parent's, and the kernel has forgotten its robust mutexes. A child that
//! shares its memory is left alone: what it would write is its parent's too.
//! It only gets back, under policy netbsd, the alternate signal stack that
//! Linux takes from it (kernel/fork.c, copy_process: `CLONE_VM` without
//! `CLONE_VFORK`).
#![allow(unsafe_code)]

use crate::flags::*;
use crate::host;
use crate::host::entry::{self, Func};
use crate::host::identity::Identity;
use core::ffi::c_void;
use libc::c_int;

/// One call of the trampoline.
pub struct Launch {
    /// What the child starts in.
    pub func: Func,
    /// The host's flag word.
    pub flags: u32,
    /// What the kernel gets as `parent_tid`.
    pub parent_tid: usize,
    /// What the kernel gets as `tls`.
    pub tls: usize,
    /// What the kernel gets as `child_tid`.
    pub child_tid: usize,
}

impl Launch {
    /// Adds what a child with copied memory needs. Where the caller uses
    /// those arguments itself (policy host), its own bookkeeping stands.
    pub fn give_identity(&mut self) {
        const TAKEN: u32 = CLONE_PIDFD
            | CLONE_PARENT_SETTID
            | CLONE_SETTLS
            | CLONE_CHILD_SETTID
            | CLONE_CHILD_CLEARTID;
        if self.flags & TAKEN != 0 {
            return;
        }
        let identity = Identity::of_caller();
        self.flags |= identity.flags;
        self.start_through(identity.robust_list, identity.tid);
    }

    /// Adds the calling thread's alternate signal stack, if it has one.
    pub fn keep_alternate_stack(&mut self) {
        let Some(stack) = host::alternate_stack() else { return };
        let Some(size) = PackedSize::pack(stack.ss_size, stack.ss_flags) else { return };
        self.start_through(stack.ss_sp.addr(), size.0);
    }

    /// Puts `nbclone_child_start` before func. Without the flags that use
    /// them, the kernel leaves the three arguments to us.
    fn start_through(&mut self, first: usize, second: usize) {
        self.parent_tid = self.func as usize;
        self.tls = first;
        self.child_tid = second;
        self.func = entry::child_start;
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

/// Apart from its caller, so that nothing of it stays on the child's stack.
#[inline(never)]
fn prepare_child(first: usize, second: usize) {
    match PackedSize::of_word(second) {
        Some(packed) => {
            let (ss_size, ss_flags) = packed.unpack();
            let ss_sp = core::ptr::with_exposed_provenance_mut(first);
            host::set_alternate_stack(&libc::stack_t { ss_sp, ss_flags, ss_size });
        }
        None => Identity::take_over(first),
    }
}
