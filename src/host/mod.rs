// SPDX-License-Identifier: MIT OR Apache-2.0
// Copyright (c) 2026 The nbclone developers
//! The system calls that the shim makes besides clone: typed, raw (-errno),
//! async-signal-safe, and without a trace in errno.
#![allow(unsafe_code)]

pub mod buffer;
pub mod entry;
pub mod environment;
pub mod errno;
pub mod identity;
pub mod libc_symbols;
pub mod memory;
pub mod message;
mod number;
pub mod numeral;
pub mod reopen;
pub mod stat;

use self::buffer::Buffer;
use self::stat::Device;
use crate::constants;
use crate::target::FUTEX_SECOND;
use core::ffi::{CStr, c_char};
use core::sync::atomic::AtomicU32;

/// A set of signals as the kernel has it: `_NSIG` bits, in words.
#[derive(Clone, Copy)]
pub struct SignalSet([usize; SIGNAL_WORDS]);

const SIGNAL_BITS: u32 = if crate::flags::HIGHEST_SIGNAL > 64 { 128 } else { 64 };
const SIGNAL_WORDS: usize = (SIGNAL_BITS / usize::BITS) as usize;
const SIGNAL_SET_SIZE: usize = size_of::<SignalSet>();

impl SignalSet {
    /// The full set.
    pub const ALL: SignalSet = SignalSet([usize::MAX; SIGNAL_WORDS]);

    /// The empty set.
    pub const EMPTY: SignalSet = SignalSet([0; SIGNAL_WORDS]);

    fn bit(signal: i32) -> (usize, usize) {
        let index = (signal as u32).wrapping_sub(1);
        ((index / usize::BITS) as usize, 1 << (index % usize::BITS))
    }

    /// This set and `signal`.
    pub fn with(mut self, signal: i32) -> SignalSet {
        let (word, bit) = SignalSet::bit(signal);
        if let Some(word) = self.0.get_mut(word) {
            *word |= bit;
        }
        self
    }

    /// This set without `signal`.
    pub fn without(mut self, signal: i32) -> SignalSet {
        let (word, bit) = SignalSet::bit(signal);
        if let Some(word) = self.0.get_mut(word) {
            *word &= !bit;
        }
        self
    }

    /// Whether the three signals that musl keeps for itself are members.
    pub fn has_musl_internal(&self) -> bool {
        let without = self.with(32).with(33).with(34);
        self.0 == without.0
    }

    /// Whether `signal` is a member.
    pub fn has(&self, signal: i32) -> bool {
        let (word, bit) = SignalSet::bit(signal);
        self.0.get(word).is_some_and(|word| word & bit != 0)
    }
}

/// A system call of up to three arguments. Not inlined, for its size: most calls have
/// no more, and each caller then sets two registers less.
#[inline(never)]
fn call(number: libc::c_long, a: usize, b: usize, c: usize) -> isize {
    call5(number, a, b, c, 0, 0)
}

/// A system call whose arguments are numbers, or addresses that outlive it.
fn call5(number: libc::c_long, a: usize, b: usize, c: usize, d: usize, e: usize) -> isize {
    // SAFETY: the kernel checks every address that it is given; what a call
    // writes to is named by the functions below, which own it.
    unsafe { entry::syscall(number as usize, a, b, c, d, e) }
}

/// The text at an address. `CStr::from_ptr` would call strlen(3), which a program can
/// put its own in place of.
///
/// # Safety
///
/// As `CStr::from_ptr`: there is a NUL, and nothing changes while the result is used.
pub unsafe fn c_text<'a>(text: *const c_char) -> &'a CStr {
    let text = text.cast::<u8>();
    let mut length = 0;
    // SAFETY: passed on to the caller; no byte before this one was the NUL. Volatile:
    // the loop stays one.
    while unsafe { text.add(length).read_volatile() } != 0 {
        length += 1;
    }
    // SAFETY: the only NUL is the last of these bytes.
    unsafe { CStr::from_bytes_with_nul_unchecked(core::slice::from_raw_parts(text, length + 1)) }
}

/// gettid(2): the calling thread's id.
pub fn gettid() -> i32 {
    call(number::SYS_gettid, 0, 0, 0) as i32
}

/// getpid(2), never cached.
pub fn getpid() -> i32 {
    call(number::SYS_getpid, 0, 0, 0) as i32
}

/// The address that the kernel clears when the calling thread ends
/// (`PR_GET_TID_ADDRESS`), or 0: none, or a kernel that doesn't tell.
pub fn tid_address() -> usize {
    // The kernel writes a word of its own, twice ours where it has 64 bits
    // and we have 32; the other half is 0, on the side that its order says.
    let mut halves = [0usize; 2];
    let place = halves.as_mut_ptr() as usize;
    let result = call(number::SYS_prctl, libc::PR_GET_TID_ADDRESS as usize, place, 0);
    let [first, second] = halves;
    if result == 0 { first | second } else { 0 }
}

/// set_tid_address(2).
pub fn set_tid_address(address: usize) {
    call(number::SYS_set_tid_address, address, 0, 0);
}

/// set_robust_list(2). The kernel knows one length only: a list head's.
pub fn set_robust_list(head: usize) {
    const HEAD_SIZE: usize = 3 * size_of::<usize>();
    call(number::SYS_set_robust_list, head, HEAD_SIZE, 0);
}

/// sigaltstack(2): the calling thread's alternate signal stack, if it has one.
pub fn alternate_stack() -> Option<libc::stack_t> {
    let mut stack = libc::stack_t { ss_sp: core::ptr::null_mut(), ss_flags: 0, ss_size: 0 };
    let place = (&raw mut stack) as usize;
    match call(number::SYS_sigaltstack, 0, place, 0) {
        0 if stack.ss_flags & libc::SS_DISABLE == 0 => Some(stack),
        _ => None,
    }
}

/// sigaltstack(2): gives the calling thread an alternate signal stack.
pub fn set_alternate_stack(stack: &libc::stack_t) {
    call(number::SYS_sigaltstack, core::ptr::from_ref(stack) as usize, 0, 0);
}

/// write(2): the count written, or -errno.
pub fn write(descriptor: i32, bytes: &[u8]) -> isize {
    call(number::SYS_write, descriptor as usize, bytes.as_ptr() as usize, bytes.len())
}

/// rt_sigprocmask(2) with `SIG_BLOCK`: the mask as it was.
// Not inlined, for its size.
#[inline(never)]
pub fn block_signals(set: &SignalSet) -> SignalSet {
    let mut old = SignalSet::EMPTY;
    change_mask(constants::SIG_BLOCK, set, &raw mut old);
    old
}

/// rt_sigprocmask(2) with `SIG_SETMASK`.
// Not inlined, for its size.
#[inline(never)]
pub fn set_signal_mask(set: &SignalSet) {
    change_mask(constants::SIG_SETMASK, set, core::ptr::null_mut());
}

/// While it lives, no signal reaches a handler of the calling thread but
/// SIGTRAP and SIGSYS. A breakpoint in the process sends SIGTRAP, and a seccomp filter
/// sends SIGSYS so that a handler makes the call; the kernel ends a thread that blocks
/// either at that moment.
pub struct SignalsBlocked(SignalSet);

impl SignalsBlocked {
    /// From here on.
    pub fn new() -> SignalsBlocked {
        SignalsBlocked(block_signals(
            &SignalSet::ALL.without(constants::SIGSYS).without(libc::SIGTRAP),
        ))
    }
}

impl Drop for SignalsBlocked {
    fn drop(&mut self) {
        set_signal_mask(&self.0);
    }
}

fn change_mask(how: i32, set: &SignalSet, old: *mut SignalSet) {
    let set = core::ptr::from_ref(set) as usize;
    call5(number::SYS_rt_sigprocmask, how as usize, set, old as usize, SIGNAL_SET_SIZE, 0);
}

/// rt_sigprocmask(2): the mask.
pub fn blocked_signals() -> SignalSet {
    block_signals(&SignalSet::EMPTY)
}

/// rt_sigpending(2).
pub fn pending_signals() -> SignalSet {
    let mut set = SignalSet::EMPTY;
    call(number::SYS_rt_sigpending, (&raw mut set) as usize, SIGNAL_SET_SIZE, 0);
    set
}

/// rt_sigtimedwait(2) that doesn't wait: removes one pending, blocked signal of `set`.
pub fn discard_signal(set: &SignalSet) {
    // Two words: a zero timeout, in either width that the call may have.
    let zero = [0u64; 2];
    let places = (core::ptr::from_ref(set) as usize, zero.as_ptr() as usize);
    call5(number::SYS_rt_sigtimedwait, places.0, 0, places.1, SIGNAL_SET_SIZE, 0);
}

/// close(2).
// Not inlined: it would be a fifth of its callers; and on i386 LLVM puts an
// instruction between a push and that push's frame information.
#[inline(never)]
pub fn close(descriptor: i32) {
    call(number::SYS_close, descriptor as usize, 0, 0);
}

/// read(2): no bytes at the end or on an error.
pub fn read<const N: usize>(descriptor: i32, bytes: &mut Buffer<N>) {
    bytes.fill(|place, size| call(number::SYS_read, descriptor as usize, place, size));
}

/// Whether poll(2) says, without waiting, that `descriptor` is writable and has no error.
pub fn is_writable(descriptor: i32) -> bool {
    let mut polls = [libc::pollfd { fd: descriptor, events: libc::POLLOUT, revents: 0 }];
    poll(&mut polls);
    let [poll] = polls;
    poll.revents == libc::POLLOUT
}

/// Whether poll(2) reports POLLHUP for both descriptors or for neither. False also
/// where poll(2) fails.
pub fn hung_up_alike(descriptors: [i32; 2]) -> bool {
    let nothing_of = |fd| libc::pollfd { fd, events: 0, revents: 0 };
    // One by one, without an index: see `indexable` in buffer.rs.
    let [old, new] = descriptors;
    let mut polls = [nothing_of(old), nothing_of(new)];
    let result = poll(&mut polls);
    let [old, new] = polls;
    result >= 0 && (old.revents ^ new.revents) & libc::POLLHUP == 0
}

/// ppoll(2) that doesn't wait.
fn poll<const N: usize>(polls: &mut [libc::pollfd; N]) -> isize {
    // A zero timeout, in either width that the call may have.
    let zero = [0u64; 2];
    call(number::SYS_ppoll, polls.as_mut_ptr() as usize, N, zero.as_ptr() as usize)
}

/// openat(2) of an absolute path: the descriptor, or errno. What O_CREAT
/// makes is as the umask leaves it.
// Not inlined, for its size.
#[inline(never)]
pub fn open(path: &CStr, flags: i32) -> Result<i32, i32> {
    const MODE: usize = 0o666;
    let (place, flags) = (path.as_ptr() as usize, flags as usize);
    let raw = call5(number::SYS_openat, libc::AT_FDCWD as usize, place, flags, MODE, 0) as i32;
    if raw < 0 { Err(raw.wrapping_neg()) } else { Ok(raw) }
}

/// dup3(2).
pub fn dup3(from: i32, to: i32, flags: i32) -> isize {
    call(number::SYS_dup3, from as usize, to as usize, flags as usize)
}

/// fcntl(2) with a number as its argument.
pub fn fcntl(descriptor: i32, command: i32, argument: usize) -> isize {
    call(number::FCNTL, descriptor as usize, command as usize, argument)
}

/// ioctl(2) `TIOCGDEV`: the terminal's own device, whatever the name under which it
/// is open. `Device::NONE`: it is no terminal.
// Not inlined, for its size.
#[inline(never)]
pub fn terminal(descriptor: i32) -> Device {
    let mut device = Device::NONE;
    let place = (&raw mut device) as usize;
    call(number::SYS_ioctl, descriptor as usize, libc::TIOCGDEV as usize, place);
    device
}

/// lseek(2) with 64-bit offsets: where the descriptor is then, or errno.
pub fn seek(descriptor: i32, offset: i64, whence: i32) -> Result<i64, i32> {
    let (descriptor, whence) = (descriptor as usize, whence as usize);
    let mut result = 0i64;
    let raw = match number::LLSEEK {
        Some(llseek) => {
            let (high, low) = ((offset >> 32) as usize, offset as usize);
            call5(llseek, descriptor, high, low, (&raw mut result) as usize, whence)
        }
        None => {
            // x32's and n32's registers are wider than their words: an offset
            // that doesn't fit in a word can't be told.
            let raw = call(number::SYS_lseek, descriptor, offset as usize, whence);
            result = raw as i64;
            raw
        }
    };
    if raw < 0 { Err(raw.wrapping_neg() as i32) } else { Ok(result) }
}

/// futex(2) `FUTEX_WAIT`: until `word` isn't `value`, or somebody wakes us, or
/// about a second is over.
pub fn wait_for_change(word: &AtomicU32, value: u32) {
    let second = FUTEX_SECOND;
    let (word, time) = (word.as_ptr() as usize, second.as_ptr() as usize);
    call5(number::SYS_futex, word, libc::FUTEX_WAIT as usize, value as usize, time, 0);
}

/// futex(2) `FUTEX_WAKE`: wakes one waiter of `word`.
pub fn wake(word: &AtomicU32) {
    call(number::SYS_futex, word.as_ptr() as usize, libc::FUTEX_WAKE as usize, 1);
}

/// getdents64(2): no bytes at the end or on an error.
// Not inlined, for its size.
#[inline(never)]
pub fn read_directory<const N: usize>(descriptor: i32, entries: &mut Buffer<N>) {
    entries.fill(|place, size| call(number::SYS_getdents64, descriptor as usize, place, size));
}

/// readlinkat(2) of an absolute path: no bytes on an error.
pub fn read_link<const N: usize>(path: &CStr, link: &mut Buffer<N>) {
    link.fill(|place, size| {
        let path = path.as_ptr() as usize;
        call5(number::SYS_readlinkat, libc::AT_FDCWD as usize, path, place, size, 0)
    });
}

/// The name of the first entry of what getdents64 gave, the position behind it
/// for lseek(2), and the entries behind it. An entry: its inode in 8 bytes, that
/// position in 8, its length in 2, its type in 1, its name.
pub fn first_entry(entries: &[u8]) -> Option<(&[u8], i64, &[u8])> {
    let (head, _) = entries.split_first_chunk::<19>()?;
    let [_, _, _, _, _, _, _, _, a, b, c, d, e, f, g, h, length @ .., _] = *head;
    let (entry, rest) = entries.split_at_checked(u16::from_ne_bytes(length).into())?;
    let name = entry.get(19..)?;
    let end = name.iter().position(|&byte| byte == 0)?;
    Some((name.get(..end)?, i64::from_ne_bytes([a, b, c, d, e, f, g, h]), rest))
}

/// The limit of descriptors (`RLIMIT_NOFILE`), raised while this lives.
pub struct Limit {
    original: [u64; 2],
    is_known: bool,
    is_raised_further: bool,
}

impl Limit {
    /// Raises it to the hard limit.
    pub fn raise() -> Limit {
        let mut limit = Limit { original: [0; 2], is_known: false, is_raised_further: false };
        limit.is_known = limit_of_descriptors(core::ptr::null(), &raw mut limit.original) == 0;
        let [soft, hard] = limit.original;
        if soft < hard {
            limit.set(hard);
        }
        limit
    }

    /// Raises the hard limit by one descriptor, if the process has the right to. False:
    /// it hasn't, or this was done before.
    pub fn raise_further(&mut self) -> bool {
        if !self.is_known || self.is_raised_further {
            return false;
        }
        let [_, hard] = self.original;
        self.is_raised_further = self.set(hard.saturating_add(1));
        self.is_raised_further
    }

    fn set(&self, both: u64) -> bool {
        limit_of_descriptors(&[both, both], core::ptr::null_mut()) == 0
    }
}

/// Restores the limit.
impl Drop for Limit {
    fn drop(&mut self) {
        if self.is_known {
            limit_of_descriptors(&self.original, core::ptr::null_mut());
        }
    }
}

fn limit_of_descriptors(new: *const [u64; 2], old: *mut [u64; 2]) -> isize {
    call5(number::SYS_prlimit64, 0, libc::RLIMIT_NOFILE as usize, new as usize, old as usize, 0)
}
