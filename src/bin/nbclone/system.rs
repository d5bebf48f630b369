// SPDX-License-Identifier: MIT OR Apache-2.0
// Copyright (c) 2026 The nbclone developers
//! What only unsafe code can ask of the system: how this process was started,
//! and to start another like it.
#![allow(unsafe_code)]

use std::ffi::{CStr, OsStr};
use std::io;
use std::os::fd::RawFd;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::path::{Path, PathBuf};
use std::process::{Command, ExitStatus};
use std::sync::atomic::{AtomicBool, AtomicU8, Ordering::Relaxed};

use nix::sys::signal::SigSet;

/// Whether SIGPIPE, SIGXFSZ and SIGCHLD were ignored, and which of the
/// descriptors 0 to 2 were closed: Rust changes the first and the last before
/// main, we the others, and the command must find them as they were.
static PIPE_IGNORED: AtomicBool = AtomicBool::new(false);
static XFSZ_IGNORED: AtomicBool = AtomicBool::new(false);
static CHLD_IGNORED: AtomicBool = AtomicBool::new(false);
static CLOSED: AtomicU8 = AtomicU8::new(0);

/// Before Rust's start.
#[used]
#[unsafe(link_section = ".init_array")]
static AT_START: extern "C" fn() = remember;

extern "C" fn remember() {
    // SAFETY: asks into memory of its own; no other code knows of these yet.
    unsafe {
        let mut action = std::mem::zeroed::<libc::sigaction>();
        if libc::sigaction(libc::SIGPIPE, std::ptr::null(), &raw mut action) == 0 {
            PIPE_IGNORED.store(action.sa_sigaction == libc::SIG_IGN, Relaxed);
        }
        // What we write beyond the limit is an error to tell, not our end.
        let xfsz = libc::signal(libc::SIGXFSZ, libc::SIG_IGN);
        XFSZ_IGNORED.store(xfsz == libc::SIG_IGN, Relaxed);
        // Ignored, it would leave no status of COMMAND to wait for.
        let chld = libc::signal(libc::SIGCHLD, libc::SIG_DFL);
        CHLD_IGNORED.store(chld == libc::SIG_IGN, Relaxed);
        for descriptor in 0..=2 {
            if !is_open(descriptor) {
                CLOSED.fetch_or(1 << descriptor, Relaxed);
            }
        }
    }
}

/// How COMMAND starts: as this process was started, and besides.
#[derive(Clone, Copy)]
pub struct Start {
    /// The signal mask.
    pub mask: SigSet,
    /// A descriptor that it needs, and the number that it gets.
    pub descriptor: Option<(RawFd, RawFd)>,
    /// It ends by SIGKILL when this process does, which nobody could pass on.
    pub ends_with_us: bool,
}

/// Starts `command`. `before`: runs in the child, last of all.
pub fn spawn(
    command: &mut Command,
    start: Start,
    before: impl FnMut() -> io::Result<()> + Send + Sync + 'static,
) -> io::Result<i32> {
    prepare(command, start, before);
    command.spawn().map(|child| child.id() as i32)
}

/// Becomes `command`; returns if that fails.
pub fn execute(command: &mut Command) -> io::Error {
    let mask = SigSet::thread_get_mask().unwrap_or_else(|_| SigSet::empty());
    prepare(command, Start { mask, descriptor: None, ends_with_us: false }, || Ok(()));
    command.exec()
}

fn prepare(
    command: &mut Command,
    start: Start,
    mut before: impl FnMut() -> io::Result<()> + Send + Sync + 'static,
) {
    let prepare = move || {
        let was = |ignored: &AtomicBool| {
            if ignored.load(Relaxed) { libc::SIG_IGN } else { libc::SIG_DFL }
        };
        // SAFETY: as any program may, before it execs.
        unsafe {
            libc::signal(libc::SIGPIPE, was(&PIPE_IGNORED));
            libc::signal(libc::SIGXFSZ, was(&XFSZ_IGNORED));
            libc::signal(libc::SIGCHLD, was(&CHLD_IGNORED));
            for descriptor in 0..=2 {
                if CLOSED.load(Relaxed) & (1 << descriptor) != 0 {
                    libc::close(descriptor);
                }
            }
            if start.ends_with_us {
                libc::prctl(libc::PR_SET_PDEATHSIG, libc::SIGKILL);
            }
            if let Some((from, number)) = start.descriptor {
                // Nothing is open at this number. Without it COMMAND has the
                // segment still.
                libc::dup2(from, number);
            }
        }
        start.mask.thread_set_mask()?;
        before()
    };
    // SAFETY: this process has one thread: between fork and exec, anything
    // may be called.
    unsafe { command.pre_exec(prepare) };
}

/// Whether there is such a process, and it hasn't ended: a zombie has.
pub fn is_alive(pid: i32) -> bool {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    let state = stat.rsplit(')').next().unwrap_or_default().trim_start();
    !matches!(state.chars().next(), None | Some('Z' | 'X'))
}

/// waitpid(2): how a child of ours has changed, if it has; a stop and a
/// continuation are changes too.
pub fn change_of(pid: i32) -> io::Result<Option<ExitStatus>> {
    let mut status = 0;
    let options = libc::WNOHANG | libc::WUNTRACED | libc::WCONTINUED;
    // SAFETY: the kernel writes a number.
    match unsafe { libc::waitpid(pid, &raw mut status, options) } {
        0 => Ok(None),
        id if id == pid => Ok(Some(ExitStatus::from_raw(status))),
        _ => Err(io::Error::last_os_error()),
    }
}

/// Sends a signal, with a value if there is one.
pub fn send(pid: i32, signal: i32, value: Option<usize>) {
    // SAFETY: numbers; who is meant may be gone.
    unsafe {
        match value {
            None => libc::kill(pid, signal),
            Some(value) => {
                let value = libc::sigval { sival_ptr: value as *mut libc::c_void };
                libc::sigqueue(pid, signal, value)
            }
        };
    }
}

/// Does to this process what a signal does by default.
pub fn take_signal(signal: i32) {
    // SAFETY: numbers and a set of our own; the disposition is the default.
    unsafe {
        let mut set = std::mem::zeroed::<libc::sigset_t>();
        let mut mask = set;
        libc::sigemptyset(&raw mut set);
        libc::sigaddset(&raw mut set, signal);
        let before = libc::signal(signal, libc::SIG_DFL);
        libc::kill(libc::getpid(), signal);
        libc::pthread_sigmask(libc::SIG_UNBLOCK, &raw const set, &raw mut mask);
        // Stopped and continued, or not stopped at all.
        libc::pthread_sigmask(libc::SIG_SETMASK, &raw const mask, std::ptr::null_mut());
        libc::signal(signal, before);
    }
}

/// Whether this process has CAP_SYS_ADMIN, and may mount and rename.
pub fn may_administer() -> bool {
    const CAP_SYS_ADMIN: u32 = 21;
    const VERSION_3: u32 = 0x2008_0522;
    let header = [VERSION_3, 0];
    // Effective, permitted and inheritable, of 32 capabilities each; twice.
    let mut sets = [0u32; 6];
    // SAFETY: two words to read, six to write.
    let result = unsafe { libc::syscall(libc::SYS_capget, header.as_ptr(), sets.as_mut_ptr()) };
    result == 0 && sets.first().is_some_and(|effective| effective & (1 << CAP_SYS_ADMIN) != 0)
}

/// The path by which this program was executed, where /proc doesn't tell it.
pub fn own_path() -> Option<PathBuf> {
    // SAFETY: the kernel put a string there, which stays.
    let bytes = unsafe {
        let place = libc::getauxval(libc::AT_EXECFN) as *const libc::c_char;
        if place.is_null() {
            return None;
        }
        CStr::from_ptr(place).to_bytes()
    };
    std::fs::canonicalize(OsStr::from_bytes(bytes)).ok()
}

/// Whether a descriptor is open.
pub fn is_open(descriptor: RawFd) -> bool {
    // SAFETY: only asks about the number.
    unsafe { libc::fcntl(descriptor, libc::F_GETFD) >= 0 }
}

/// Whether a file has an extended attribute.
pub fn has_attribute(path: &Path, name: &CStr) -> bool {
    let Ok(path) = std::ffi::CString::new(path.as_os_str().as_bytes()) else { return false };
    // SAFETY: two strings, and no memory to write to.
    unsafe { libc::getxattr(path.as_ptr(), name.as_ptr(), std::ptr::null_mut(), 0) >= 0 }
}
