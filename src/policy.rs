// SPDX-License-Identifier: MIT OR Apache-2.0
// Copyright (c) 2026 The nbclone developers
//! The translator: a flag word and a policy to the host's flag word, or the
//! reason why not. Pure: numbers in, numbers out.

use crate::flags::*;

/// What to do about the bits that NetBSD doesn't implement.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Policy {
    /// Refuse them: a program must never believe that it got what it asked for.
    Strict,
    /// As NetBSD's kernel: refuse `CLONE_PTRACE`, ignore the others.
    Netbsd,
    /// Hand all bits and all seven arguments to Linux as they are.
    Host,
}

impl Policy {
    /// All of them, in the order of their numbers.
    pub const ALL: [Policy; 3] = [Policy::Strict, Policy::Netbsd, Policy::Host];

    /// Its name in `NBCLONE_POLICY`.
    pub const fn name(self) -> &'static str {
        match self {
            Policy::Strict => "strict",
            Policy::Netbsd => "netbsd",
            Policy::Host => "host",
        }
    }

    const fn packed_name(self) -> u64 {
        packed(self.name().as_bytes())
    }

    /// The policy of that name.
    pub fn named(name: &[u8]) -> Option<Policy> {
        // Numbers: to compare texts by `==` is bcmp(3), and a table of texts would hold
        // addresses, which the loader has to relocate.
        const NAMES: [u64; Policy::ALL.len()] = {
            let [strict, netbsd, host] = Policy::ALL;
            [strict.packed_name(), netbsd.packed_name(), host.packed_name()]
        };
        let number = packed(name);
        Policy::ALL.get(NAMES.iter().position(|&name| name == number)?).copied()
    }

    /// The gate: which flag words arch/ hands to the kernel by itself. A word
    /// passes if its bits in the gate are `CLONE_VM` alone, or none (copied
    /// memory). 0 lets none pass.
    ///
    /// Such a word has NetBSD's flags and a signal below 64: it is valid, and
    /// means the same to Linux. (CLONE_SIGHAND without CLONE_VM passes too; Linux
    /// refuses it by the same errno.)
    pub const fn gate(self) -> u32 {
        const UNUSUAL_SIGNALS: u32 = CLONE_CSIGNAL & !63;
        match self {
            Policy::Strict => !NETBSD_FLAGS | CLONE_VM | UNUSUAL_SIGNALS,
            // Netbsd ignores bits and host hands over all arguments: Rust decides.
            Policy::Netbsd | Policy::Host => 0,
        }
    }

    /// Whether `parent_tid`, `tls` and `child_tid` go to the host.
    pub const fn takes_host_arguments(self) -> bool {
        matches!(self, Policy::Host)
    }

    /// Whether a child that shares memory inherits the alternate signal stack.
    pub const fn inherits_alternate_stack(self) -> bool {
        matches!(self, Policy::Netbsd)
    }
}

/// Up to eight bytes as one number; 0 for more.
const fn packed(mut text: &[u8]) -> u64 {
    let mut number = 0;
    if text.len() <= 8 {
        while let Some((&first, rest)) = text.split_first() {
            number = number << 8 | first as u64;
            text = rest;
        }
    }
    number
}

/// Why a flag word is refused. To the caller each of them is `EINVAL`.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Refusal {
    /// NetBSD doesn't implement these bits, and the policy is strict.
    Unimplemented(u32),
    /// `CLONE_PTRACE` (NetBSD's kern_fork.c).
    Ptrace,
    /// The exit signal is beyond the host's highest.
    ExitSignal(u32),
    /// `CLONE_SIGHAND` without `CLONE_VM`.
    SighandWithoutVm,
}

/// The host's flag word for a NetBSD flag word.
pub fn translate(policy: Policy, word: u32) -> Result<u32, Refusal> {
    let foreign = word & !NETBSD_FLAGS;
    match policy {
        Policy::Host => return Ok(word),
        Policy::Strict if foreign != 0 => return Err(Refusal::Unimplemented(foreign)),
        Policy::Netbsd if foreign & CLONE_PTRACE != 0 => return Err(Refusal::Ptrace),
        Policy::Strict | Policy::Netbsd => {}
    }
    check_exit_signal(word)?;
    if word & (CLONE_SIGHAND | CLONE_VM) == CLONE_SIGHAND {
        return Err(Refusal::SighandWithoutVm);
    }
    Ok(word & NETBSD_FLAGS)
}

/// The host's flag word for a Linux 1.x flag word. `own_stack`: the child
/// keeps the caller's stack, so that its memory has to be a copy.
pub fn translate_linux1(word: usize, own_stack: bool) -> Result<u32, Refusal> {
    const SHARED_BY_1_3: u32 = CLONE_VM | CLONE_FS | CLONE_FILES | CLONE_SIGHAND;
    let later = is_linux1_3(word as u32);
    let flags = if later { LINUX1_3 | SHARED_BY_1_3 } else { COPYVM | COPYFD };
    let known = (CLONE_CSIGNAL | flags) as usize;
    // Bits beyond the 32nd are told as the highest one.
    if word & !known != 0 {
        let foreign = u32::try_from(word & !known).unwrap_or(1 << 31);
        return Err(Refusal::Unimplemented(foreign));
    }
    let word = word as u32;
    check_exit_signal(word)?;
    let shared = match (later, word & COPYVM == 0) {
        (false, true) => CLONE_VM,
        (false, false) => 0,
        (true, _) => word & SHARED_BY_1_3,
    };
    // Handlers are shared with memory only.
    let kept = if own_stack { !(CLONE_VM | CLONE_SIGHAND) } else { u32::MAX };
    Ok(word & CLONE_CSIGNAL | shared & kept)
}

/// Linux takes any byte, so that the check is the shim's.
fn check_exit_signal(word: u32) -> Result<(), Refusal> {
    match word & CLONE_CSIGNAL {
        signal if signal > HIGHEST_SIGNAL => Err(Refusal::ExitSignal(signal)),
        _ => Ok(()),
    }
}
