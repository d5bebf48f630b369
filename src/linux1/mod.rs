// SPDX-License-Identifier: MIT OR Apache-2.0
// Copyright (c) 2026 The nbclone developers
//! Linux 1.x's clone: the functions that nbclone_arch_linux1_clone calls before the
//! system call, and behind it in the parent and in the child.
//!
//! Source: Linux 1.0, kernel/fork.c and linux/sched.h.
#![allow(unsafe_code)]

pub mod copyfd;
mod pending;

use self::pending::Kept;
use crate::flags::{CLONE_VM, COPYFD, COPYVM, is_linux1_3};
use crate::host::identity::{self, Repair};
use crate::host::{entry, errno};
use crate::policy::translate_linux1;
use crate::settings;
use crate::target::CALL_SITE_ROOM;
use crate::trace::{self, Call, Outcome, Reason};
use core::mem::offset_of;
use libc::pid_t;

/// What the kernel gets. arch/rust.h has the words' offsets.
#[repr(C)]
pub struct Request {
    flags: usize,
    /// The child's stack pointer at the call site.
    stack: usize,
    /// For nbclone_linux1_child: the flag word, with COPYVM and COPYFD as the child is
    /// to have them. Without the flags that name them, the kernel ignores this argument
    /// and the next, so that they reach the child.
    parent_tid: usize,
    /// For nbclone_linux1_child: the place of libc's thread id, or 0.
    tls: usize,
    child_tid: usize,
}

const _: () = {
    const WORD: usize = size_of::<usize>();
    assert!(offset_of!(Request, flags) == 0);
    assert!(offset_of!(Request, stack) == WORD);
    assert!(offset_of!(Request, parent_tid) == 2 * WORD);
    assert!(offset_of!(Request, tls) == 3 * WORD);
    assert!(offset_of!(Request, child_tid) == 4 * WORD);
    assert!(size_of::<Request>() == 5 * WORD);
};

/// The most that a caller's stack pointer moves between the moment when it
/// reads it, to pass it as `sp`, and the call: arguments and their padding.
const CALL_SPAN: usize = 64;

/// In `Request::flags`: nbclone_linux1_prepare has refused the call. No flag word of
/// Linux 1.x becomes this one.
const REFUSED: usize = usize::MAX;

/// At a call: the largest that one of the ABIs asks for.
const STACK_ALIGNMENT: usize = 16;

/// Before the system call: fills `request` and returns 0, or returns -errno.
/// `caller`: the call site, the address behind the call; `caller_sp`: the stack pointer
/// there.
#[unsafe(no_mangle)]
extern "C" fn nbclone_linux1_prepare(
    sp: usize,
    word: usize,
    caller_sp: usize,
    request: &mut Request,
    caller: usize,
) -> isize {
    let own_stack = sp == 0 || sp.wrapping_sub(caller_sp) <= CALL_SPAN;
    // So low an sp is a flag word: Linux 1.3 had the flags first.
    let translated = match sp {
        1..entry::LOWEST_STACK => Err(Reason::LOW_STACK),
        _ => translate_linux1(word, own_stack).map_err(Reason::of_linux1),
    };
    let flags = match translated {
        Ok(flags) => flags,
        Err(reason) => {
            trace::write(&Call::Linux1 { sp, flags: word }, Outcome::Refused(reason), caller);
            request.flags = REFUSED;
            return -(libc::EINVAL as isize);
        }
    };
    if settings::is_traced() {
        pending::keep(core::ptr::from_ref(request).addr(), Kept { sp, word, caller });
    }
    // 1.3's word has other flags at these bits.
    let flag_bits = if is_linux1_3(word as u32) { (COPYVM | COPYFD) as usize } else { 0 };
    let parent_tid = word & !flag_bits;
    *request = Request { flags: flags as usize, stack: 0, parent_tid, tls: 0, child_tid: 0 };
    request.stack =
        if own_stack { caller_sp } else { (sp & STACK_ALIGNMENT.wrapping_neg()) - CALL_SITE_ROOM };
    if flags & CLONE_VM == 0 {
        request.parent_tid |= COPYVM as usize;
        if let Some(Repair { flags, tid }) = identity::of_caller() {
            request.flags |= flags.get() as usize;
            request.tls = tid;
            request.child_tid = tid;
        }
    }
    0
}

/// Behind the system call, in the parent: the result as C wants it.
#[unsafe(no_mangle)]
extern "C" fn nbclone_linux1_finish(raw: isize, request: &Request) -> pid_t {
    let outcome = Outcome::of(raw);
    if request.flags != REFUSED && settings::is_traced() {
        let Kept { sp, word, caller } = pending::take(core::ptr::from_ref(request).addr())
            .unwrap_or(Kept { sp: request.stack, word: request.parent_tid, caller: 0 });
        trace::write(&Call::Linux1 { sp, flags: word }, outcome, caller);
    }
    match outcome {
        Outcome::Made(pid) => pid,
        Outcome::Failed(error) => errno::fail(error),
        Outcome::Refused(_) => errno::fail(libc::EINVAL),
    }
}

/// Behind the system call, in a child with COPYVM or COPYFD, on the child's stack.
#[unsafe(no_mangle)]
extern "C" fn nbclone_linux1_child(word: usize, tid: usize) {
    let word = word as u32;
    if word & COPYVM != 0 {
        pending::forget();
        if tid != 0 {
            identity::repair(tid);
        }
    }
    copy_descriptors(word & COPYFD != 0);
}

/// Not inlined, so that nbclone_linux1_child ends with a call: where it ended with a
/// branch, LLVM took down a part of its frame before that, and the frame information
/// didn't say so.
#[inline(never)]
fn copy_descriptors(wanted: bool) {
    if wanted {
        copyfd::copy_all();
    }
}
