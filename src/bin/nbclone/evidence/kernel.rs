// SPDX-License-Identifier: MIT OR Apache-2.0
// Copyright (c) 2026 The nbclone developers
//! What the kernel tells of another process while one of its threads waits
//! for an answer.
#![allow(unsafe_code)]

use std::fs::{self, File};
use std::io::{IoSliceMut, Read};
use std::path::PathBuf;

use nix::sys::uio::{RemoteIoVec, process_vm_readv};
use nix::unistd::Pid;

/// SIGCHLD, as a number of an exit signal.
pub const SIGCHLD: u32 = libc::SIGCHLD as u32;

/// What /proc/PID/status has.
#[derive(Clone, Debug, Default)]
pub struct Status {
    /// The process of a thread.
    pub process: i32,
    /// Its parent.
    pub parent: i32,
    /// Masks of signals, bit 0 for signal 1.
    pub blocked: u64,
    /// Those that are ignored by SIG_IGN.
    pub ignored: u64,
    /// Those that have a handler.
    pub caught: u64,
    /// Whether it is in a PID namespace below the command's.
    pub namespaced: bool,
}

/// The bit of a signal in a mask of the kernel's.
pub fn bit(signal: u32) -> u64 {
    if (1..=64).contains(&signal) { 1 << (signal - 1) } else { 0 }
}

/// Signals whose default is to be ignored.
const IGNORED_BY_DEFAULT: [i32; 4] = [libc::SIGCHLD, libc::SIGURG, libc::SIGWINCH, libc::SIGCONT];
/// Signals whose default is to stop.
const STOPS: [i32; 4] = [libc::SIGSTOP, libc::SIGTSTP, libc::SIGTTIN, libc::SIGTTOU];

impl Status {
    /// Of a process or thread; `None` if it is gone.
    pub fn of(thread: i32) -> Option<Status> {
        let text = read_text(&format!("/proc/{thread}/status"))?;
        let mut status = Status::default();
        for line in text.lines() {
            let Some((name, value)) = line.split_once(':') else { continue };
            let value = value.trim();
            let mask = || u64::from_str_radix(value, 16).unwrap_or(0);
            match name {
                "Tgid" => status.process = value.parse().ok()?,
                "PPid" => status.parent = value.parse().ok()?,
                "NSpid" => status.namespaced = value.split_ascii_whitespace().count() > 1,
                "SigBlk" => status.blocked = mask(),
                "SigIgn" => status.ignored = mask(),
                "SigCgt" => status.caught = mask(),
                _ => {}
            }
        }
        Some(status)
    }

    /// Whether NetBSD would throw `signal` away even if it is blocked.
    pub fn discards(&self, signal: u32) -> bool {
        let bit = bit(signal);
        self.ignored & bit != 0
            || (self.caught & bit == 0 && IGNORED_BY_DEFAULT.contains(&(signal as i32)))
    }

    /// Whether `signal` ends the process.
    pub fn is_ended_by(&self, signal: u32) -> bool {
        let by_default = !IGNORED_BY_DEFAULT.contains(&(signal as i32)) && !stops(signal);
        by_default && (self.ignored | self.caught | self.blocked) & bit(signal) == 0
    }
}

/// Whether the default of `signal` is to stop.
pub fn stops(signal: u32) -> bool {
    STOPS.contains(&(signal as i32))
}

/// What /proc/PID/stat has.
pub struct Stat {
    /// R, S, D, T, Z, …
    pub state: u8,
    /// The process group.
    pub group: i32,
    /// The exit signal.
    pub exit_signal: u32,
}

impl Stat {
    /// Whether it is stopped. (A stop looks like this to a tracer's tracee.)
    pub fn is_stopped(&self) -> bool {
        matches!(self.state, b'T' | b't')
    }

    /// Of a process; `None` if it is gone.
    pub fn of(process: i32) -> Option<Stat> {
        let text = read_text(&format!("/proc/{process}/stat"))?;
        // The name may hold anything but ends at the last parenthesis.
        let (_, rest) = text.rsplit_once(") ")?;
        let fields: Vec<&str> = rest.split_ascii_whitespace().collect();
        // The first of these is the third of proc(5).
        let field = |number: usize| fields.get(number - 3).copied();
        Some(Stat {
            state: *field(3)?.as_bytes().first()?,
            group: field(5)?.parse().ok()?,
            exit_signal: field(38)?.parse::<i32>().ok()?.max(0) as u32,
        })
    }
}

/// The children of a thread, the newest last; `None` where the kernel doesn't
/// tell.
pub fn children_of_thread(process: i32, thread: i32) -> Option<Vec<i32>> {
    let text = read_text(&format!("/proc/{process}/task/{thread}/children"))?;
    Some(text.split_ascii_whitespace().filter_map(|id| id.parse().ok()).collect())
}

/// The children of all threads of a process.
pub fn children(process: i32) -> Vec<i32> {
    let Ok(tasks) = fs::read_dir(format!("/proc/{process}/task")) else { return Vec::new() };
    let threads = tasks.filter_map(|task| task.ok()?.file_name().to_str()?.parse::<i32>().ok());
    threads.flat_map(|thread| children_of_thread(process, thread).unwrap_or_default()).collect()
}

/// The system call that a thread is in, and its first argument.
pub fn system_call(process: i32, thread: i32) -> Option<(u32, u64)> {
    let text = read_text(&format!("/proc/{process}/task/{thread}/syscall"))?;
    let mut words = text.split_ascii_whitespace();
    let number = words.next()?.parse().ok()?;
    let argument = words.next()?.strip_prefix("0x")?;
    Some((number, u64::from_str_radix(argument, 16).ok()?))
}

/// What two processes can share.
#[derive(Clone, Copy)]
pub enum Shared {
    /// Memory.
    Memory = 1,
    /// The table of descriptors.
    Files = 2,
    /// Directory, root and umask.
    Directory = 3,
    /// Handlers of signals.
    Handlers = 4,
}

/// Whether two processes share it (kcmp(2)); `None` where the kernel doesn't
/// tell.
pub fn share(one: i32, other: i32, what: Shared) -> Option<bool> {
    if one == other {
        return Some(false);
    }
    // SAFETY: numbers only.
    let order = unsafe { libc::syscall(libc::SYS_kcmp, one, other, what as i32, 0, 0) };
    (order >= 0).then_some(order == 0)
}

/// Memory of a process.
pub fn memory<const SIZE: usize>(process: i32, address: u64) -> Option<[u8; SIZE]> {
    let mut bytes = [0; SIZE];
    let remote = RemoteIoVec { base: usize::try_from(address).ok()?, len: SIZE };
    let mut local = [IoSliceMut::new(&mut bytes)];
    let count = process_vm_readv(Pid::from_raw(process), &mut local, &[remote]).ok()?;
    (count == SIZE).then_some(bytes)
}

/// A word of its memory.
pub fn word(process: i32, address: u64) -> Option<u64> {
    memory(process, address).map(u64::from_ne_bytes)
}

/// A path that it passes to a system call.
pub fn path(process: i32, address: u64) -> Option<String> {
    // Piece by piece: what is behind the string may not be mapped.
    const PIECE: usize = 64;
    let mut text = Vec::new();
    let mut at = address;
    while text.len() < libc::PATH_MAX as usize {
        let mut bytes = [0u8; PIECE];
        let length = PIECE - (at as usize % PIECE);
        let remote = RemoteIoVec { base: usize::try_from(at).ok()?, len: length };
        let place = bytes.get_mut(..length)?;
        let mut local = [IoSliceMut::new(place)];
        let count = process_vm_readv(Pid::from_raw(process), &mut local, &[remote]).ok()?;
        let piece = bytes.get(..count)?;
        if let Some(end) = piece.iter().position(|&byte| byte == 0) {
            text.extend_from_slice(piece.get(..end)?);
            return Some(String::from_utf8_lossy(&text).into_owned());
        }
        text.extend_from_slice(piece);
        at += count as u64;
    }
    None
}

/// Whether a path that `process` passes to execve names a file that it may
/// execute, as far as its permission bits tell.
pub fn is_program(process: i32, path: &str) -> bool {
    use std::os::unix::fs::PermissionsExt;
    let start = if path.starts_with('/') { "root" } else { "cwd" };
    let file = PathBuf::from(format!("/proc/{process}/{start}")).join(path.trim_start_matches('/'));
    fs::metadata(file).is_ok_and(|file| file.is_file() && file.permissions().mode() & 0o111 != 0)
}

/// What a process calls itself.
pub fn name(process: i32) -> String {
    let text = read_text(&format!("/proc/{process}/comm")).unwrap_or_default();
    text.trim_end_matches('\n').to_owned()
}

/// Whether there is memory below a stack; `None` if it isn't known.
pub fn is_mapped_below(process: i32, stack: u64) -> Option<bool> {
    let mut byte = [0u8];
    let remote = RemoteIoVec { base: usize::try_from(stack).ok()?.checked_sub(1)?, len: 1 };
    let mut local = [IoSliceMut::new(&mut byte)];
    match process_vm_readv(Pid::from_raw(process), &mut local, &[remote]) {
        Ok(_) => Some(true),
        Err(nix::Error::EFAULT) => Some(false),
        Err(_) => None,
    }
}

fn read_text(path: &str) -> Option<String> {
    let mut bytes = Vec::with_capacity(2048);
    File::open(path).ok()?.read_to_end(&mut bytes).ok()?;
    Some(String::from_utf8_lossy(&bytes).into_owned())
}
