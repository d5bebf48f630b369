// SPDX-License-Identifier: MIT OR Apache-2.0
// Copyright (c) 2026 The nbclone developers
//! The system calls that decide whether a difference is met, and when the
//! filter asks about them: as seldom as their arguments allow.

/// What a watched call does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Deed {
    /// clone or fork: makes a process.
    Make,
    /// execve; the path is argument 0.
    Exec,
    /// execveat; the path is argument 1.
    ExecAt,
    /// rt_sigaction that sets something.
    Disposition,
    /// sigaltstack that sets something.
    AlternateStack,
    /// kill; the signal is argument 1.
    Kill,
    /// tkill, rt_sigqueueinfo: as kill, to one thread or process.
    Send,
    /// tgkill, rt_tgsigqueueinfo; the signal is argument 2.
    SendToThread,
    /// rt_sigpending
    Pending,
    /// rt_sigtimedwait: sigwait, sigwaitinfo and sigtimedwait.
    SignalWait,
    /// signalfd, signalfd4
    SignalDescriptor,
    /// wait4 with bits that NetBSD names otherwise.
    Wait,
    /// waitid with such bits.
    WaitId,
    /// fcntl with F_SETLK or F_SETLKW.
    Lock,
    /// chdir, fchdir, chroot, umask
    Directory,
    /// exit_group with a value beyond 0 to 255.
    Exit,
    /// getpgid of another process.
    ProcessGroup,
}

/// When the filter asks, by the call's arguments.
#[derive(Clone, Copy, Debug)]
pub enum When {
    /// Each time.
    Always,
    /// If an argument isn't 0.
    NotZero(u32),
    /// If an argument has one of these bits.
    AnyBit(u32, u32),
    /// If an argument has none of these bits.
    NoBit(u32, u32),
    /// If an argument is one of these.
    OneOf(u32, &'static [u32]),
    /// If an argument is none of these.
    NoneOf(u32, &'static [u32]),
}

/// A watched system call.
pub struct Watched {
    /// Its number.
    pub number: u32,
    /// What it does.
    pub deed: Deed,
    /// When the filter asks.
    pub when: When,
}

/// `__WNOTHREAD`, `__WALL`, `__WCLONE`
pub const WAIT_BITS: u32 = 0xe000_0000;
const CLONE_THREAD: u32 = 0x0001_0000;
/// 0 sends nothing; SIGURG and SIGWINCH neither stop nor end anything; libc
/// keeps 32 and 33 for itself.
const HARMLESS: &[u32] = &[0, libc::SIGURG as u32, libc::SIGWINCH as u32, 32, 33];
const LOCKS: &[u32] = &[libc::F_SETLK as u32, libc::F_SETLKW as u32];

const fn watched(number: libc::c_long, deed: Deed, when: When) -> Watched {
    Watched { number: number as u32, deed, when }
}

/// All of them, for programs of the command's own architecture: the library
/// is in no others.
pub const WATCHED: &[Watched] = &[
    // Threads aren't asked about: they share all, and are no processes.
    watched(libc::SYS_clone, Deed::Make, When::NoBit(0, CLONE_THREAD)),
    #[cfg(target_arch = "x86_64")]
    watched(libc::SYS_fork, Deed::Make, When::Always),
    watched(libc::SYS_execve, Deed::Exec, When::Always),
    watched(libc::SYS_execveat, Deed::ExecAt, When::Always),
    watched(libc::SYS_rt_sigaction, Deed::Disposition, When::NotZero(1)),
    watched(libc::SYS_sigaltstack, Deed::AlternateStack, When::NotZero(0)),
    watched(libc::SYS_kill, Deed::Kill, When::NoneOf(1, HARMLESS)),
    watched(libc::SYS_tkill, Deed::Send, When::NoneOf(1, HARMLESS)),
    watched(libc::SYS_rt_sigqueueinfo, Deed::Send, When::NoneOf(1, HARMLESS)),
    watched(libc::SYS_tgkill, Deed::SendToThread, When::NoneOf(2, HARMLESS)),
    watched(libc::SYS_rt_tgsigqueueinfo, Deed::SendToThread, When::NoneOf(2, HARMLESS)),
    watched(libc::SYS_rt_sigpending, Deed::Pending, When::Always),
    watched(libc::SYS_rt_sigtimedwait, Deed::SignalWait, When::Always),
    #[cfg(target_arch = "x86_64")]
    watched(libc::SYS_signalfd, Deed::SignalDescriptor, When::Always),
    watched(libc::SYS_signalfd4, Deed::SignalDescriptor, When::Always),
    watched(libc::SYS_wait4, Deed::Wait, When::AnyBit(2, WAIT_BITS)),
    watched(libc::SYS_waitid, Deed::WaitId, When::AnyBit(3, WAIT_BITS)),
    watched(libc::SYS_fcntl, Deed::Lock, When::OneOf(1, LOCKS)),
    watched(libc::SYS_chdir, Deed::Directory, When::Always),
    watched(libc::SYS_fchdir, Deed::Directory, When::Always),
    watched(libc::SYS_chroot, Deed::Directory, When::Always),
    watched(libc::SYS_umask, Deed::Directory, When::Always),
    watched(libc::SYS_exit_group, Deed::Exit, When::AnyBit(0, !0xff)),
    watched(libc::SYS_getpgid, Deed::ProcessGroup, When::NotZero(0)),
];

/// What a call of this number does.
pub fn deed(number: u32) -> Option<Deed> {
    WATCHED.iter().find(|watched| watched.number == number).map(|watched| watched.deed)
}
