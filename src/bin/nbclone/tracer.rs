// SPDX-License-Identifier: MIT OR Apache-2.0
// Copyright (c) 2026 The nbclone developers
//! The questions of a filter by ptrace(2): the thread stops, and its tracer lets
//! it go on. All processes of COMMAND are tracees, from their first instruction.
//!
//! The kernel ties a tracer to one thread: whoever begins has to wait too.
#![allow(unsafe_code)]

use std::collections::HashSet;
use std::io::{self, Read, Write};
use std::os::fd::{AsFd, BorrowedFd};
use std::os::unix::net::UnixStream;
use std::os::unix::process::ExitStatusExt;
use std::process::ExitStatus;
use std::{fs, thread};

use nix::poll::{PollFd, PollFlags, PollTimeout, poll};

use crate::seccomp::{Question, Wanted, install_traced};
use crate::syscalls::Call;

// ptrace(2)'s requests, options and events: libc has other types for them under
// musl, or none.
const CONTINUE: u32 = 7;
const SEIZE: u32 = 0x4206;
const LISTEN: u32 = 0x4208;
const GET_SYSCALL_INFO: u32 = 0x420e;
const EVENT_FORK: i32 = 1;
const EVENT_VFORK: i32 = 2;
const EVENT_CLONE: i32 = 3;
const EVENT_EXEC: i32 = 4;
const EVENT_SECCOMP: i32 = 7;
const EVENT_STOP: i32 = 128;
const OPTION_EXITKILL: usize = 1 << 20;
/// Stops at these events, and COMMAND's end with ours.
const OPTIONS: usize = OPTION_EXITKILL
    | 1 << EVENT_FORK
    | 1 << EVENT_VFORK
    | 1 << EVENT_CLONE
    | 1 << EVENT_EXEC
    | 1 << EVENT_SECCOMP;

fn ptrace(request: u32, thread: i32, address: usize, data: usize) -> io::Result<()> {
    // SAFETY: the data of these requests is numbers.
    let result = unsafe { libc::ptrace(request as _, thread, address, data) };
    if result < 0 { Err(io::Error::last_os_error()) } else { Ok(()) }
}

/// Lets a thread go on, with a signal or with none. It may be gone.
fn go_on(thread: i32, signal: i32) {
    let _ = ptrace(CONTINUE, thread, 0, signal as usize);
}

/// struct ptrace_syscall_info, of a stop at a filter's question.
#[repr(C)]
#[derive(Default)]
struct Information {
    operation: u8,
    padding: [u8; 3],
    architecture: u32,
    instruction: u64,
    stack: u64,
    number: u64,
    arguments: [u64; 6],
    data: u64,
}

impl Information {
    fn of(thread: i32) -> Option<Information> {
        let mut information = Information::default();
        let (size, place) = (size_of::<Information>(), &raw mut information);
        // SAFETY: the kernel writes at most `size` bytes there; numbers only.
        let result =
            unsafe { libc::ptrace(GET_SYSCALL_INFO as _, thread, size, place.cast::<u8>()) };
        (result > 0).then_some(information)
    }
}

/// How the child gets its tracer.
pub struct Handover {
    parent: UnixStream,
    child: UnixStream,
}

impl Handover {
    /// A new one, before fork.
    pub fn new() -> io::Result<Handover> {
        let (parent, child) = UnixStream::pair()?;
        Ok(Handover { parent, child })
    }

    /// What the child has to do before it execs.
    pub fn child_side(
        &self,
        wanted: Wanted,
    ) -> io::Result<impl FnMut() -> io::Result<()> + Send + Sync + use<>> {
        let mut socket = self.child.try_clone()?;
        Ok(move || {
            socket.write_all(&std::process::id().to_ne_bytes())?;
            let mut error = [0; 4];
            socket.read_exact(&mut error)?;
            match i32::from_ne_bytes(error) {
                0 => install_traced(wanted),
                error => Err(io::Error::from_raw_os_error(error)),
            }
        })
    }

    /// Runs `spawn` in another thread, which waits there until the child has
    /// exec'd, and traces the child meanwhile.
    ///
    /// This thread allocates nothing while spawn forks.
    pub fn accompany<T: Send>(
        self,
        spawn: impl FnOnce() -> T + Send,
    ) -> io::Result<(T, io::Result<Tracer>)> {
        let (mut stop, stopped) = UnixStream::pair()?;
        thread::scope(|scope| {
            let spawning = scope.spawn(move || {
                let spawned = spawn();
                // Where it couldn't fork, nobody else says so.
                let _ = stop.write_all(b".");
                spawned
            });
            let tracer = self.begin(stopped.as_fd());
            let spawned = spawning.join().map_err(|_| io::Error::other("a thread died"))?;
            Ok((spawned, tracer))
        })
    }

    fn begin(&self, stopped: BorrowedFd) -> io::Result<Tracer> {
        let wanted = PollFlags::POLLIN;
        let mut events = [PollFd::new(self.parent.as_fd(), wanted), PollFd::new(stopped, wanted)];
        while poll(&mut events, PollTimeout::NONE) == Err(nix::Error::EINTR) {}
        if events[0].any() != Some(true) {
            return Err(io::Error::other("nothing was started"));
        }
        let mut id = [0; 4];
        let mut socket = &self.parent;
        socket.read_exact(&mut id)?;
        let command = i32::from_ne_bytes(id);
        let seized = ptrace(SEIZE, command, 0, OPTIONS);
        let error = seized.as_ref().err().and_then(io::Error::raw_os_error).unwrap_or(0);
        socket.write_all(&error.to_ne_bytes())?;
        seized?;
        until_exec(command);
        Ok(Tracer { command, is_stopped: false, asked: HashSet::new() })
    }
}

/// Lets the child go on at each stop until it has exec'd, or ended. Its end is
/// left to whoever spawned it.
fn until_exec(child: i32) {
    let look = |options: i32| {
        // SAFETY: the kernel fills a structure of numbers.
        unsafe {
            let mut change = std::mem::zeroed::<libc::siginfo_t>();
            let result = libc::waitid(libc::P_PID, child as u32, &raw mut change, options);
            (result == 0).then(|| (change.si_code, change.si_status()))
        }
    };
    let all = libc::WSTOPPED | libc::WEXITED | libc::WNOWAIT | libc::__WALL;
    while let Some((libc::CLD_TRAPPED, _)) = look(all) {
        let stop = look(libc::WSTOPPED | libc::WNOHANG | libc::__WALL);
        let Some((libc::CLD_TRAPPED, status)) = stop else { continue };
        match (status >> 8, status & 0xff) {
            (0, signal) => go_on(child, signal),
            (event, _) => {
                go_on(child, 0);
                if event == EVENT_EXEC {
                    return;
                }
            }
        }
    }
}

/// What has come.
pub enum Step {
    /// A question; its thread waits for `go_on`.
    Question(Question),
    /// COMMAND has stopped by this signal.
    Stopped(i32),
    /// COMMAND goes on.
    Continued,
    /// COMMAND has ended.
    Ended(ExitStatus),
    /// Something that is nobody's business.
    Other,
    /// Nothing yet.
    Nothing,
    /// Nobody is left to trace.
    Over,
}

/// The tracer of COMMAND's processes.
pub struct Tracer {
    command: i32,
    is_stopped: bool,
    /// Threads that the filter asked about; the event of what they made comes.
    asked: HashSet<i32>,
}

impl Tracer {
    /// The next thing that has come.
    pub fn next(&mut self) -> io::Result<Step> {
        let mut status = 0;
        // SAFETY: the kernel writes a number.
        let thread = unsafe { libc::waitpid(-1, &raw mut status, libc::WNOHANG | libc::__WALL) };
        match thread {
            0 => Ok(Step::Nothing),
            1.. => Ok(self.take(thread, status)),
            _ => match io::Error::last_os_error() {
                error if error.raw_os_error() == Some(libc::ECHILD) => Ok(Step::Over),
                error if error.raw_os_error() == Some(libc::EINTR) => Ok(Step::Nothing),
                error => Err(error),
            },
        }
    }

    /// Lets the thread of a question go on.
    pub fn go_on(&self, question: &Question) {
        go_on(question.thread, 0);
    }

    fn take(&mut self, thread: i32, status: i32) -> Step {
        if !libc::WIFSTOPPED(status) {
            self.asked.remove(&thread);
            let is_command = thread == self.command;
            return if is_command {
                Step::Ended(ExitStatus::from_raw(status))
            } else {
                Step::Other
            };
        }
        let signal = libc::WSTOPSIG(status);
        match status >> 16 {
            // On its way to the thread.
            0 => go_on(thread, signal),
            EVENT_SECCOMP => match self.question(thread) {
                Some(question) => return Step::Question(question),
                None => go_on(thread, 0),
            },
            EVENT_FORK | EVENT_VFORK | EVENT_CLONE => match self.unasked(thread) {
                Some(question) => return Step::Question(question),
                None => go_on(thread, 0),
            },
            EVENT_STOP => return self.stop(thread, signal),
            _ => go_on(thread, 0),
        }
        Step::Other
    }

    /// A thread is stopped with its process, or has been made, or goes on.
    fn stop(&mut self, thread: i32, signal: i32) -> Step {
        let is_command = thread == self.command;
        if signal != libc::SIGTRAP {
            let _ = ptrace(LISTEN, thread, 0, 0);
            self.is_stopped |= is_command;
            return if is_command { Step::Stopped(signal) } else { Step::Other };
        }
        go_on(thread, 0);
        if is_command && std::mem::take(&mut self.is_stopped) {
            Step::Continued
        } else {
            Step::Other
        }
    }

    fn question(&mut self, thread: i32) -> Option<Question> {
        let information = Information::of(thread)?;
        let call = (information.architecture, information.number as u32);
        let (arguments, instruction) = (information.arguments, information.instruction);
        let question = Question::new(0, thread, call, arguments, instruction);
        if question.call.is_some_and(|call| call != Call::Seccomp) {
            self.asked.insert(thread);
        }
        Some(question)
    }

    /// A thread has made something, and our filter didn't ask: a listener of the
    /// program's own was asked.
    fn unasked(&mut self, thread: i32) -> Option<Question> {
        if self.asked.remove(&thread) {
            return None;
        }
        let architecture = Information::of(thread)?.architecture;
        let text = fs::read_to_string(format!("/proc/{thread}/syscall")).ok()?;
        let mut words = text.split_ascii_whitespace();
        let number = words.next()?.parse::<u32>().ok()?;
        let hex = |word: &str| u64::from_str_radix(word.trim_start_matches("0x"), 16).ok();
        let words: Vec<u64> = words.map_while(hex).collect();
        let arguments = words.get(..6)?.try_into().ok()?;
        let instruction = *words.get(7)?;
        Some(Question::new(0, thread, (architecture, number), arguments, instruction))
    }
}
