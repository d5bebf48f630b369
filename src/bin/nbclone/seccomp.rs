// SPDX-License-Identifier: MIT OR Apache-2.0
// Copyright (c) 2026 The nbclone developers
//! A seccomp filter that asks the command about the system calls of `syscalls`
//! and of `evidence`, and what it asks.
//!
//! It asks in one of two ways. By a listener (`listener`) it disturbs the program
//! least, and serves processes of any user; but the kernel allows one listener
//! in a chain of filters, so that a program can't have one of its own. By
//! ptrace(2) (`tracer`) the program can; but then nothing else can trace it.
#![allow(unsafe_code)]

use std::io;
use std::os::fd::{FromRawFd, OwnedFd, RawFd};

use crate::bpf::{ARCHITECTURE, EQUAL, LOAD, NUMBER, RETURN, statement, test};
use crate::evidence;
use crate::evidence::calls::{self, Deed};
use crate::evidence::filter::NATIVE;
use crate::syscalls::{ABIS, Abi, Call};

/// How the filter asks.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Way {
    /// By a listener.
    #[default]
    Listener,
    /// By a stop of the thread, which its tracer sees.
    Tracer,
}

/// What the filter asks about.
#[derive(Clone, Copy, Default)]
pub struct Wanted {
    /// The calls of `syscalls`.
    pub all_calls: bool,
    /// Those that evidence wants.
    pub evidence: bool,
    /// How.
    pub way: Way,
}

impl Wanted {
    fn action(self) -> u32 {
        match self.way {
            Way::Listener => libc::SECCOMP_RET_USER_NOTIF,
            Way::Tracer => libc::SECCOMP_RET_TRACE,
        }
    }
}

/// For each ABI: its calls are asked about; all else is allowed.
fn filter(wanted: Wanted) -> Vec<libc::sock_filter> {
    let mut filter = Vec::new();
    if wanted.evidence {
        filter.extend(evidence::filter::instructions(!wanted.all_calls, wanted.action()));
    }
    filter.push(statement(LOAD, ARCHITECTURE));
    for abi in ABIS.iter().filter(|_| wanted.all_calls) {
        let length = 3 + 2 * abi.calls().count();
        filter.push(test(EQUAL, abi.audit, 0, length));
        filter.push(statement(LOAD, NUMBER));
        filter.push(statement(libc::BPF_ALU | libc::BPF_AND | libc::BPF_K, abi.mask));
        for (number, _) in abi.calls() {
            filter.push(test(EQUAL, number, 0, 1));
            filter.push(statement(RETURN, wanted.action()));
        }
        filter.push(statement(RETURN, libc::SECCOMP_RET_ALLOW));
    }
    filter.push(statement(RETURN, libc::SECCOMP_RET_ALLOW));
    filter
}

/// Puts the filter on the calling thread and what it execs: what seccomp(2) gives.
fn install(wanted: Wanted, flags: &[libc::c_ulong]) -> io::Result<libc::c_long> {
    let mut filter = filter(wanted);
    let program = libc::sock_fprog { len: filter.len() as u16, filter: filter.as_mut_ptr() };
    let seccomp = |flags: libc::c_ulong| {
        // SAFETY: the filter lives while the kernel copies it.
        let result = unsafe {
            libc::syscall(
                libc::SYS_seccomp,
                libc::SECCOMP_SET_MODE_FILTER,
                flags,
                &raw const program,
            )
        };
        if result < 0 { Err(io::Error::last_os_error()) } else { Ok(result) }
    };
    // The first of them that this kernel knows.
    let attempt = || {
        let mut result = Err(io::Error::from_raw_os_error(libc::EINVAL));
        for &flags in flags {
            result = seccomp(flags);
            if !matches!(&result, Err(error) if error.raw_os_error() == Some(libc::EINVAL)) {
                break;
            }
        }
        result
    };
    attempt().or_else(|error| {
        if error.raw_os_error() != Some(libc::EACCES) {
            return Err(error);
        }
        // Without privilege a filter is allowed only to who can't gain any.
        nix::sys::prctl::set_no_new_privs()?;
        attempt()
    })
}

/// The filter with a listener: the descriptor on which the questions come.
pub fn install_listener(wanted: Wanted) -> io::Result<OwnedFd> {
    let flags = libc::SECCOMP_FILTER_FLAG_NEW_LISTENER;
    // Linux 5.19: a signal doesn't restart a call that was counted.
    let newer = flags | libc::SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV;
    let descriptor = install(wanted, &[newer, flags])?;
    // SAFETY: a descriptor that is new, and nobody else's.
    Ok(unsafe { OwnedFd::from_raw_fd(descriptor as RawFd) })
}

/// The filter whose questions a tracer sees.
pub fn install_traced(wanted: Wanted) -> io::Result<()> {
    install(wanted, &[0]).map(drop)
}

/// A call that waits for its answer.
pub struct Question {
    /// Which question, for the listener.
    pub id: u64,
    /// The thread that calls, in the command's PID namespace.
    pub thread: i32,
    /// Which call; `None`: one that isn't in the table.
    pub call: Option<Call>,
    /// What evidence makes of it.
    pub deed: Option<Deed>,
    /// Its arguments.
    pub arguments: [u64; 6],
    /// Its words have 32 bits.
    pub is_narrow: bool,
    /// Where the system call instruction is.
    pub instruction: u64,
}

impl Question {
    /// `call`: the architecture as `AUDIT_ARCH_*` names it, and the number.
    pub fn new(
        id: u64,
        thread: i32,
        call: (u32, u32),
        arguments: [u64; 6],
        instruction: u64,
    ) -> Question {
        let (architecture, number) = call;
        let known = Abi::find(architecture, number);
        Question {
            id,
            thread,
            call: known.map(|(_, call)| call),
            deed: if architecture == NATIVE { calls::deed(number) } else { None },
            arguments,
            is_narrow: known.is_some_and(|(abi, _)| abi.is_narrow),
            instruction,
        }
    }

    /// Whether the program asks for a listener of its own.
    pub fn wants_listener(&self) -> bool {
        let [operation, flags, ..] = self.arguments;
        self.call == Some(Call::Seccomp)
            && operation as u32 == libc::SECCOMP_SET_MODE_FILTER
            && flags as libc::c_ulong & libc::SECCOMP_FILTER_FLAG_NEW_LISTENER != 0
    }
}
