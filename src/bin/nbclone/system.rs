//! What only unsafe code can ask of the system: how this process was started,
//! and to start another like it.
#![allow(unsafe_code)]

use std::ffi::CStr;
use std::io;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Child, Command};
use std::sync::atomic::{AtomicBool, AtomicU8, Ordering::Relaxed};

use nix::sys::signal::SigSet;

/// Whether SIGPIPE and SIGXFSZ were ignored, and which of the descriptors 0 to
/// 2 were closed: Rust changes the first and the last before main, we the
/// second, and the command must find them as they were.
static PIPE_IGNORED: AtomicBool = AtomicBool::new(false);
static XFSZ_IGNORED: AtomicBool = AtomicBool::new(false);
static CLOSED: AtomicU8 = AtomicU8::new(0);

/// Before Rust's start.
#[used]
#[unsafe(link_section = ".init_array")]
static AT_START: extern "C" fn() = remember;

extern "C" fn remember() {
    // SAFETY: asks into memory of its own; no other code knows of SIGXFSZ yet.
    unsafe {
        let mut action = std::mem::zeroed::<libc::sigaction>();
        if libc::sigaction(libc::SIGPIPE, std::ptr::null(), &raw mut action) == 0 {
            PIPE_IGNORED.store(action.sa_sigaction == libc::SIG_IGN, Relaxed);
        }
        // What we write beyond the limit is an error to tell, not our end.
        let xfsz = libc::signal(libc::SIGXFSZ, libc::SIG_IGN);
        XFSZ_IGNORED.store(xfsz == libc::SIG_IGN, Relaxed);
        for descriptor in 0..=2 {
            if libc::fcntl(descriptor, libc::F_GETFD) < 0 {
                CLOSED.fetch_or(1 << descriptor, Relaxed);
            }
        }
    }
}

/// Starts `command` with the signal mask `mask`, and the rest as this process
/// was started. `before`: runs in the child, last of all.
pub fn spawn(
    command: &mut Command,
    mask: SigSet,
    mut before: impl FnMut() -> io::Result<()> + Send + Sync + 'static,
) -> io::Result<Child> {
    let prepare = move || {
        let was = |ignored: &AtomicBool| {
            if ignored.load(Relaxed) { libc::SIG_IGN } else { libc::SIG_DFL }
        };
        // SAFETY: as any program may, before it execs.
        unsafe {
            libc::signal(libc::SIGPIPE, was(&PIPE_IGNORED));
            libc::signal(libc::SIGXFSZ, was(&XFSZ_IGNORED));
            for descriptor in 0..=2 {
                if CLOSED.load(Relaxed) & (1 << descriptor) != 0 {
                    libc::close(descriptor);
                }
            }
        }
        mask.thread_set_mask()?;
        before()
    };
    // SAFETY: this process has one thread: between fork and exec, anything
    // may be called.
    unsafe { command.pre_exec(prepare) }.spawn()
}

/// Whether a file has an extended attribute.
pub fn has_attribute(path: &Path, name: &CStr) -> bool {
    let Ok(path) = std::ffi::CString::new(path.as_os_str().as_bytes()) else { return false };
    // SAFETY: two strings, and no memory to write to.
    unsafe { libc::getxattr(path.as_ptr(), name.as_ptr(), std::ptr::null_mut(), 0) >= 0 }
}
