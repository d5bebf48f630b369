//! What libc keeps of a thread's identity, for a child with memory of its own.
//!
//! A child with memory of its own (no `CLONE_VM`) has a copy of its parent's
//! libc, which believes itself the parent: its cached thread id is the
//! parent's, and the kernel has forgotten its robust mutexes.
#![allow(unsafe_code)]

use super::errno;
use crate::flags::*;
use crate::host;
use core::sync::atomic::{
    AtomicIsize, AtomicUsize, Ordering::Acquire, Ordering::Relaxed, Ordering::Release,
};

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
        let robust_list = host::robust_list();
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
            host::set_tid_address(cleared);
        }
        if robust_list != 0 {
            host::set_robust_list(robust_list);
        }
    }
}

/// Learns where libc caches the calling thread's id. A place is believed only
/// if it holds that id. `robust`: the head of its robust-mutex list, or 0.
#[cold]
fn find_tid(robust: usize) -> isize {
    let errno = errno::location().addr();
    let tid = host::gettid();
    let holds_tid = |address: usize| {
        // SAFETY: an aligned word in a page that is mapped; libc's thread
        // descriptors are readable, and only the value is compared.
        address % 4 == 0
            && host::is_mapped(address)
            && unsafe { core::ptr::with_exposed_provenance::<i32>(address).read_volatile() } == tid
    };

    let cleared = host::tid_address();
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
