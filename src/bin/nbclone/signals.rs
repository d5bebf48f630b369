// SPDX-License-Identifier: MIT OR Apache-2.0
// Copyright (c) 2026 The nbclone developers
//! The signals that reach nbclone while COMMAND runs. COMMAND gets what it would
//! have got in nbclone's place, as with env(1), and nbclone stops and ends as
//! COMMAND does.

use std::io;
use std::os::fd::{AsFd, BorrowedFd};
use std::os::unix::process::ExitStatusExt;
use std::process::ExitStatus;

use nix::sys::signal::{SigSet, SigmaskHow, Signal};
use nix::sys::signalfd::{SfdFlags, SignalFd, siginfo};

use crate::system;

/// Those that stay as they are: nbclone's own faults, and what its own writes
/// and limits bring about.
const NOT_TAKEN: [Signal; 9] = [
    Signal::SIGSEGV,
    Signal::SIGBUS,
    Signal::SIGFPE,
    Signal::SIGILL,
    Signal::SIGTRAP,
    Signal::SIGSYS,
    Signal::SIGPIPE,
    Signal::SIGXFSZ,
    Signal::SIGXCPU,
];

/// Where they are read.
pub struct Signals {
    descriptor: SignalFd,
    /// The mask that COMMAND starts with.
    pub mask: SigSet,
}

impl Signals {
    /// Blocks them, so that they wait to be read.
    pub fn new() -> io::Result<Signals> {
        let mut taken = SigSet::all();
        NOT_TAKEN.iter().for_each(|&signal| taken.remove(signal));
        let mask = taken.thread_swap_mask(SigmaskHow::SIG_BLOCK)?;
        let flags = SfdFlags::SFD_NONBLOCK | SfdFlags::SFD_CLOEXEC;
        Ok(Signals { descriptor: SignalFd::with_flags(&taken, flags)?, mask })
    }

    /// The next one that has come.
    pub fn next(&self) -> io::Result<Option<siginfo>> {
        Ok(self.descriptor.read_signal()?)
    }
}

impl AsFd for Signals {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.descriptor.as_fd()
    }
}

/// Whether somebody asks nbclone to do something.
pub fn is_request(signal: &siginfo) -> bool {
    signal.ssi_signo != Signal::SIGCHLD as u32
}

/// Gives a signal to COMMAND, if COMMAND hasn't got it by itself: what the
/// terminal sends goes to the whole foreground group, COMMAND in it.
pub fn pass_on(signal: &siginfo, command: i32, is_stopped: bool) {
    let number = signal.ssi_signo as i32;
    let sent_by_process = signal.ssi_code <= 0;
    let sent_by_command = sent_by_process && signal.ssi_pid as i32 == command;
    let wanted = match Signal::try_from(number) {
        Ok(Signal::SIGCHLD) => false,
        // A timer set before nbclone started is nbclone's still.
        Ok(Signal::SIGALRM | Signal::SIGVTALRM | Signal::SIGPROF) => true,
        // A shell continues the whole group.
        Ok(Signal::SIGCONT) => is_stopped,
        _ => sent_by_process,
    };
    if wanted && !sent_by_command {
        const SI_QUEUE: i32 = -1;
        let value = (signal.ssi_code == SI_QUEUE).then_some(signal.ssi_ptr as usize);
        system::send(command, number, value);
    }
}

/// Stops as COMMAND did: whoever waits for nbclone sees it.
pub fn stop_by(signal: i32) {
    system::take_signal(signal);
}

/// nbclone's exit status as a shell would tell it.
pub fn exit_status(status: ExitStatus) -> i32 {
    status.code().or_else(|| status.signal().map(|signal| 128 + signal)).unwrap_or(125)
}

/// How COMMAND ended, in words.
pub fn ended(status: ExitStatus) -> String {
    match (status.code(), status.signal().map(Signal::try_from)) {
        (Some(code), _) => format!("exit status {code}"),
        (None, Some(Ok(signal))) => format!("ended by {signal}"),
        _ => format!("ended by signal {}", status.signal().unwrap_or(0)),
    }
}

/// Ends as COMMAND did, by the same signal if it was one.
pub fn end_as(status: ExitStatus) -> ! {
    if let Some(signal) = status.signal() {
        // The core is COMMAND's.
        let _ = nix::sys::prctl::set_dumpable(false);
        system::take_signal(signal);
    }
    std::process::exit(exit_status(status))
}
