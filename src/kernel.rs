//! The system calls that the shim makes besides clone: typed, raw (-errno),
//! async-signal-safe, and without a trace in errno.
#![allow(unsafe_code)]

use crate::arch;
use core::ffi::CStr;

/// A set of signals as the kernel has it: `_NSIG` bits, in words.
#[derive(Clone, Copy)]
pub struct SignalSet([usize; SIGNAL_WORDS]);

const SIGNAL_BITS: u32 = if crate::flags::HIGHEST_SIGNAL > 64 { 128 } else { 64 };
const SIGNAL_WORDS: usize = (SIGNAL_BITS / usize::BITS) as usize;
const SIGNAL_SET_SIZE: usize = size_of::<SignalSet>();

impl SignalSet {
    /// The set without a member.
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

    /// Whether `signal` is a member.
    pub fn has(&self, signal: i32) -> bool {
        let (word, bit) = SignalSet::bit(signal);
        self.0.get(word).is_some_and(|word| word & bit != 0)
    }
}

/// A system call whose arguments are numbers, or addresses that outlive it.
fn call(number: libc::c_long, arguments: [usize; 5]) -> isize {
    let [a, b, c, d, e] = arguments;
    // SAFETY: the kernel checks every address that it is given; what a call
    // writes to is named by the functions below, which own it.
    unsafe { arch::syscall(number as usize, a, b, c, d, e) }
}

/// gettid(2): the calling thread's id.
pub fn gettid() -> i32 {
    call(libc::SYS_gettid, [0; 5]) as i32
}

/// The address that the kernel clears when the calling thread ends
/// (`PR_GET_TID_ADDRESS`), or 0: none, or a kernel that doesn't tell.
pub fn tid_address() -> usize {
    let mut address: usize = 0;
    let place = (&raw mut address) as usize;
    match call(libc::SYS_prctl, [libc::PR_GET_TID_ADDRESS as usize, place, 0, 0, 0]) {
        0 => address,
        _ => 0,
    }
}

/// set_tid_address(2).
pub fn set_tid_address(address: usize) {
    call(libc::SYS_set_tid_address, [address, 0, 0, 0, 0]);
}

/// Whether the page of `address` is mapped.
pub fn is_mapped(address: usize) -> bool {
    const SMALLEST_PAGE: usize = 4096;
    const LARGEST_PAGE: usize = 65536;
    let mut resident = [0u8; 1];
    let place = resident.as_mut_ptr() as usize;
    // A kernel with larger pages refuses a start inside of one.
    [SMALLEST_PAGE, 2 * SMALLEST_PAGE, 4 * SMALLEST_PAGE, LARGEST_PAGE].iter().any(|size| {
        let page = address & size.wrapping_neg();
        call(libc::SYS_mincore, [page, 1, place, 0, 0]) == 0
    })
}

/// The head of the calling thread's robust-mutex list, or 0.
pub fn robust_list() -> usize {
    let mut head: usize = 0;
    let mut length: usize = 0;
    let places = ((&raw mut head) as usize, (&raw mut length) as usize);
    match call(libc::SYS_get_robust_list, [0, places.0, places.1, 0, 0]) {
        0 => head,
        _ => 0,
    }
}

/// set_robust_list(2). The kernel knows one length only: a list head's.
pub fn set_robust_list(head: usize) {
    const HEAD_SIZE: usize = 3 * size_of::<usize>();
    call(libc::SYS_set_robust_list, [head, HEAD_SIZE, 0, 0, 0]);
}

/// sigaltstack(2): the calling thread's alternate signal stack, if it has one.
pub fn alternate_stack() -> Option<libc::stack_t> {
    let mut stack = libc::stack_t { ss_sp: core::ptr::null_mut(), ss_flags: 0, ss_size: 0 };
    let place = (&raw mut stack) as usize;
    match call(libc::SYS_sigaltstack, [0, place, 0, 0, 0]) {
        0 if stack.ss_flags & libc::SS_DISABLE == 0 => Some(stack),
        _ => None,
    }
}

/// sigaltstack(2): gives the calling thread an alternate signal stack.
pub fn set_alternate_stack(stack: &libc::stack_t) {
    call(libc::SYS_sigaltstack, [core::ptr::from_ref(stack) as usize, 0, 0, 0, 0]);
}

/// write(2): the count written, or -errno.
pub fn write(descriptor: i32, bytes: &[u8]) -> isize {
    call(libc::SYS_write, [descriptor as usize, bytes.as_ptr() as usize, bytes.len(), 0, 0])
}

/// rt_sigprocmask(2) with `SIG_BLOCK`: the mask as it was.
pub fn block_signals(set: &SignalSet) -> SignalSet {
    let mut old = SignalSet::EMPTY;
    change_mask(libc::SIG_BLOCK, set, &raw mut old);
    old
}

/// rt_sigprocmask(2) with `SIG_SETMASK`.
pub fn set_signal_mask(set: &SignalSet) {
    change_mask(libc::SIG_SETMASK, set, core::ptr::null_mut());
}

fn change_mask(how: i32, set: &SignalSet, old: *mut SignalSet) {
    let set = core::ptr::from_ref(set) as usize;
    call(libc::SYS_rt_sigprocmask, [how as usize, set, old as usize, SIGNAL_SET_SIZE, 0]);
}

/// rt_sigpending(2).
pub fn pending_signals() -> SignalSet {
    let mut set = SignalSet::EMPTY;
    call(libc::SYS_rt_sigpending, [(&raw mut set) as usize, SIGNAL_SET_SIZE, 0, 0, 0]);
    set
}

/// Takes one pending, blocked signal of `set` away.
pub fn discard_signal(set: &SignalSet) {
    // Two words: a zero timeout, in either width that the call may have.
    let zero = [0u64; 2];
    let places = (core::ptr::from_ref(set) as usize, zero.as_ptr() as usize);
    call(libc::SYS_rt_sigtimedwait, [places.0, 0, places.1, SIGNAL_SET_SIZE, 0]);
}

/// close(2).
pub fn close(descriptor: i32) {
    call(libc::SYS_close, [descriptor as usize, 0, 0, 0, 0]);
}

/// openat(2) of an absolute path that exists: the descriptor, or errno.
pub fn open(path: &CStr, flags: i32) -> Result<i32, i32> {
    // O_LARGEFILE: on 32-bit hosts a file beyond 2 GiB can't be opened else.
    let flags = (flags | libc::O_LARGEFILE) as usize;
    let place = path.as_ptr() as usize;
    let raw = call(libc::SYS_openat, [libc::AT_FDCWD as usize, place, flags, 0, 0]) as i32;
    if raw < 0 { Err(raw.wrapping_neg()) } else { Ok(raw) }
}

/// dup3(2).
pub fn dup3(from: i32, to: i32, flags: i32) -> isize {
    call(libc::SYS_dup3, [from as usize, to as usize, flags as usize, 0, 0])
}

// ABIs of 32 bits have calls of their own for 64-bit offsets; x32 needs none.
#[cfg(all(target_pointer_width = "32", not(target_arch = "x86_64")))]
const FCNTL: libc::c_long = libc::SYS_fcntl64;
#[cfg(not(all(target_pointer_width = "32", not(target_arch = "x86_64"))))]
const FCNTL: libc::c_long = libc::SYS_fcntl;

/// fcntl(2) with a number as its argument.
pub fn fcntl(descriptor: i32, command: i32, argument: usize) -> isize {
    call(FCNTL, [descriptor as usize, command as usize, argument, 0, 0])
}

/// Copies who gets the signals of O_ASYNC, and which (`F_SETOWN_EX`, `F_SETSIG`).
pub fn copy_owner(from: i32, to: i32) {
    // struct f_owner_ex: a type and an id.
    let mut owner = [0i32; 2];
    let place = (&raw mut owner) as usize;
    if fcntl(from, F_GETOWN_EX, place) == 0 {
        fcntl(to, F_SETOWN_EX, place);
    }
    let signal = fcntl(from, F_GETSIG, 0);
    if signal > 0 {
        fcntl(to, F_SETSIG, signal as usize);
    }
}

// Linux's include/uapi/asm-generic/fcntl.h; the same on every architecture.
const F_SETSIG: i32 = 10;
const F_GETSIG: i32 = 11;
const F_SETOWN_EX: i32 = 15;
const F_GETOWN_EX: i32 = 16;

/// statx(2) of an open descriptor: its type, size and device.
pub fn status(descriptor: i32) -> Option<libc::statx> {
    let mut status = core::mem::MaybeUninit::<libc::statx>::zeroed();
    let wanted = (libc::STATX_TYPE | libc::STATX_SIZE) as usize;
    let arguments = [
        descriptor as usize,
        c"".as_ptr() as usize,
        libc::AT_EMPTY_PATH as usize,
        wanted,
        status.as_mut_ptr() as usize,
    ];
    match call(libc::SYS_statx, arguments) {
        // SAFETY: numbers only, for which zero bytes are values too.
        0 => Some(unsafe { status.assume_init() }),
        _ => None,
    }
}

// The libc crate's name for it differs on m68k.
#[cfg(target_arch = "m68k")]
const LLSEEK: libc::c_long = libc::SYS_llseek;
#[cfg(all(target_pointer_width = "32", not(any(target_arch = "x86_64", target_arch = "m68k"))))]
const LLSEEK: libc::c_long = libc::SYS__llseek;

/// lseek(2) with 64-bit offsets: where the descriptor is then, or errno.
pub fn seek(descriptor: i32, offset: i64, whence: i32) -> Result<i64, i32> {
    let (descriptor, whence) = (descriptor as usize, whence as usize);
    #[cfg(all(target_pointer_width = "32", not(target_arch = "x86_64")))]
    {
        let mut result = 0i64;
        let (high, low) = ((offset >> 32) as usize, offset as usize);
        let place = (&raw mut result) as usize;
        match call(LLSEEK, [descriptor, high, low, place, whence]) {
            0 => Ok(result),
            error => Err(error.wrapping_neg() as i32),
        }
    }
    #[cfg(not(all(target_pointer_width = "32", not(target_arch = "x86_64"))))]
    {
        // x32's registers are wider than its words: an offset that doesn't
        // fit in a word can't be told.
        let raw = call(libc::SYS_lseek, [descriptor, offset as usize, whence, 0, 0]);
        if raw < 0 { Err(raw.wrapping_neg() as i32) } else { Ok(raw as i64) }
    }
}

/// getdents64(2): the number of bytes filled; 0 at the end or on an error.
pub fn read_directory(descriptor: i32, entries: &mut [u8]) -> usize {
    let arguments = [descriptor as usize, entries.as_mut_ptr() as usize, entries.len(), 0, 0];
    usize::try_from(call(libc::SYS_getdents64, arguments)).unwrap_or(0)
}

/// The name of the first entry of what getdents64 gave, and the entries
/// behind it. An entry: 16 bytes, its length in 2, its type in 1, its name.
pub fn first_entry(entries: &[u8]) -> Option<(&[u8], &[u8])> {
    let length = u16::from_ne_bytes([*entries.get(16)?, *entries.get(17)?]);
    let (entry, rest) = entries.split_at_checked(usize::from(length))?;
    let name = entry.get(19..)?;
    let end = name.iter().position(|&byte| byte == 0)?;
    Some((name.get(..end)?, rest))
}

/// The limit of descriptors (`RLIMIT_NOFILE`), raised for a while.
#[derive(Default)]
pub struct Limit {
    original: Option<[u64; 2]>,
}

impl Limit {
    /// Raises it: to the hard limit, or past that where the process may.
    /// False: it is raised already, or can't be.
    pub fn raise(&mut self) -> bool {
        if self.original.is_some() {
            return false;
        }
        let mut old = [0u64; 2];
        if limit_of_descriptors(core::ptr::null(), &raw mut old) != 0 {
            return false;
        }
        let [soft, hard] = old;
        // Two descriptors at a time: the table's, and a copy.
        let past = hard.saturating_add(2);
        let new = if soft < hard { [hard, hard] } else { [past, past] };
        let raised = limit_of_descriptors(&raw const new, core::ptr::null_mut()) == 0;
        self.original = raised.then_some(old);
        raised
    }

    /// Puts it back as it was.
    pub fn restore(self) {
        if let Some(original) = self.original {
            limit_of_descriptors(&raw const original, core::ptr::null_mut());
        }
    }
}

fn limit_of_descriptors(new: *const [u64; 2], old: *mut [u64; 2]) -> isize {
    call(libc::SYS_prlimit64, [0, libc::RLIMIT_NOFILE as usize, new as usize, old as usize, 0])
}
