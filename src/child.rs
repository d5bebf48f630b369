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

use crate::arch::{self, Func};
use crate::flags::*;
use crate::{errno, kernel};
use core::ffi::c_void;
use core::sync::atomic::{
    AtomicIsize, AtomicUsize, Ordering::Acquire, Ordering::Relaxed, Ordering::Release,
};
use libc::c_int;

/// Where libc caches a thread's id, as the distance from its errno: both are
/// at a fixed distance from the thread pointer, so that one thread's answer
/// is every thread's. 0: not known yet.
static TID_FROM_ERRNO: AtomicIsize = AtomicIsize::new(0);

/// On musl, the address that the kernel clears at every thread's end: one
/// lock for all. 0 on glibc, where in a child as fork makes it that is the
/// cached id itself.
static CLEARED_AT_END: AtomicUsize = AtomicUsize::new(0);

/// musl's thread descriptor has errno right behind the id.
const MUSL_TID_FROM_ERRNO: isize = -4;

/// glibc's has the head of the robust-mutex list behind the id, and before it
/// the list's other end where mutexes are linked both ways. In 2.43 the kernel
/// clears another word than the id, but for forked threads.
const GLIBC_TID_BELOW_ROBUST_LIST: usize = if cfg!(target_pointer_width = "64") {
    16
} else if cfg!(target_arch = "x86_64") {
    8
} else {
    4
};

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

/// The libc state that a child with copied memory takes over.
pub struct Identity {
    /// The flags that make the kernel write the child's id, before any
    /// instruction or signal handler of the child.
    pub flags: u32,
    /// Where libc caches the id, or 0: unknown.
    pub tid: usize,
    /// The head of the robust-mutex list, or 0.
    pub robust_list: usize,
}

impl Identity {
    /// The calling thread's, for its child.
    pub fn of_caller() -> Identity {
        let robust_list = kernel::robust_list();
        let mut distance = TID_FROM_ERRNO.load(Acquire);
        if distance == 0 {
            distance = find_tid(robust_list);
        }
        if distance == 0 {
            return Identity { flags: 0, tid: 0, robust_list };
        }
        let clear = if CLEARED_AT_END.load(Relaxed) == 0 { CLONE_CHILD_CLEARTID } else { 0 };
        let tid = errno::location().addr().wrapping_add_signed(distance);
        Identity { flags: CLONE_CHILD_SETTID | clear, tid, robust_list }
    }

    /// The part that only the child itself can do.
    pub fn take_over(robust_list: usize) {
        let cleared = CLEARED_AT_END.load(Relaxed);
        if cleared != 0 {
            kernel::set_tid_address(cleared);
        }
        if robust_list != 0 {
            kernel::set_robust_list(robust_list);
        }
    }
}

/// Learns where libc caches the calling thread's id. A place is believed only
/// if it holds that id. `robust`: the head of its robust-mutex list, or 0.
#[cold]
fn find_tid(robust: usize) -> isize {
    let errno = errno::location().addr();
    let tid = kernel::gettid();
    let holds_tid = |address: usize| {
        // SAFETY: an aligned word in a page that is mapped; libc's thread
        // descriptors are readable, and only the value is compared.
        address.is_multiple_of(4)
            && kernel::is_mapped(address)
            && unsafe { core::ptr::with_exposed_provenance::<i32>(address).read_volatile() } == tid
    };

    let cleared = kernel::tid_address();
    let before_robust = robust.wrapping_sub(GLIBC_TID_BELOW_ROBUST_LIST);
    let distance = if cleared != 0 && holds_tid(cleared) {
        cleared.wrapping_sub(errno) as isize
    } else if robust != 0 && holds_tid(before_robust) {
        before_robust.wrapping_sub(errno) as isize
    } else if holds_tid(errno.wrapping_add_signed(MUSL_TID_FROM_ERRNO)) {
        CLEARED_AT_END.store(cleared, Relaxed);
        MUSL_TID_FROM_ERRNO
    } else {
        0
    };
    // Behind CLEARED_AT_END, which whoever sees this one goes by.
    TID_FROM_ERRNO.store(distance, Release);
    distance
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
        let Some(stack) = kernel::alternate_stack() else { return };
        let Some(size) = PackedSize::pack(stack.ss_size, stack.ss_flags) else { return };
        self.start_through(stack.ss_sp.addr(), size.0);
    }

    /// Puts `nbclone_child_start` before func. Without the flags that use
    /// them, the kernel leaves the three arguments to us.
    fn start_through(&mut self, first: usize, second: usize) {
        self.parent_tid = self.func as usize;
        self.tls = first;
        self.child_tid = second;
        self.func = arch::child_start;
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
            kernel::set_alternate_stack(&libc::stack_t { ss_sp, ss_flags, ss_size });
        }
        None => Identity::take_over(first),
    }
}
