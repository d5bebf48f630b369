// SPDX-License-Identifier: MIT OR Apache-2.0
// Copyright (c) 2026 The nbclone developers
//! What to do about what the report finds: a line each, and the section of
//! docs/porting.md that shows it. A test holds the two together.
//!
//! Pure, so that the test can include it.

/// What to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Advice {
    /// The heading in docs/porting.md.
    pub section: &'static str,
    /// In one line.
    pub line: &'static str,
}

const fn advice(section: &'static str, line: &'static str) -> Advice {
    Advice { section, line }
}

/// By flag that NetBSD doesn't have.
pub const FLAGS: &[(&[&str], Advice)] = &[
    (
        &[
            "CLONE_NEWNS",
            "CLONE_NEWUTS",
            "CLONE_NEWIPC",
            "CLONE_NEWUSER",
            "CLONE_NEWPID",
            "CLONE_NEWNET",
            "CLONE_NEWCGROUP",
        ],
        advice(
            "Namespaces",
            "do without the isolation, or put it elsewhere: chroot(2), another user, a virtual machine",
        ),
    ),
    (&["CLONE_THREAD"], advice("Threads", "call pthread_create(3)")),
    (
        &["CLONE_SETTLS"],
        advice("Thread-local storage", "call pthread_create(3), or keep the data behind arg"),
    ),
    (
        &["CLONE_PARENT_SETTID", "CLONE_CHILD_SETTID"],
        advice("Ids stored by the kernel", "store what clone returns, or getpid() in the child"),
    ),
    (
        &["CLONE_CHILD_CLEARTID"],
        advice("Waking a waiter when the child ends", "wait with waitpid(2) and WALLSIG"),
    ),
    (
        &["CLONE_PIDFD"],
        advice("Process descriptors", "keep the pid; kqueue(2) with EVFILT_PROC tells of its end"),
    ),
    (
        &["CLONE_PARENT"],
        advice("The child's parent", "let the parent itself make the child, or pass it the pid"),
    ),
    (
        &["CLONE_PTRACE", "CLONE_UNTRACED"],
        advice("Tracing", "trace with ptrace(2) once the child runs (PT_TRACE_ME, PT_ATTACH)"),
    ),
    (
        &["CLONE_SYSVSEM", "CLONE_IO"],
        advice(
            "Semaphore undo and I/O contexts",
            "leave the flag out; undo semaphores by semop(2) before the child ends",
        ),
    ),
];

/// By difference, as differences.rs numbers them: not 2 and 3, which are the
/// flags', nor those that no program can meet for the worse.
pub const DIFFERENCES: &[(u32, Advice)] = &[
    (1, advice("Exit signals above 63", "use a signal below 64")),
    (5, advice("A misaligned stack", "align the end of the stack to 16 bytes")),
    (7, advice("A stack without memory", "pass the end of the stack, base + size")),
    (
        8,
        advice(
            "The alternate signal stack",
            "give the child a stack of its own with sigaltstack(2), or SS_DISABLE",
        ),
    ),
    (
        9,
        advice(
            "The exit signal after exec",
            "pass SIGCHLD, or wait with WALLSIG and handle the exit signal itself",
        ),
    ),
    (10, advice("CLONE_FS after exec", "don't rely on a shared directory or umask after exec")),
    (11, advice("Ignoring SIGCHLD", "don't ignore SIGCHLD or set SA_NOCLDWAIT if you wait for it")),
    (12, advice("SA_NOCLDWAIT with a handler", "leave out SA_NOCLDWAIT and wait in the handler")),
    (
        13,
        advice("Ignoring SIGCHLD in a child with CLONE_SIGHAND", "let the parent ignore it itself"),
    ),
    (14, advice("Handling a signal that the parent ignores", "let the parent install the handler")),
    (15, advice("The default for a signal that the parent ignores", "let the parent set SIG_DFL")),
    (16, advice("SA_NOCLDSTOP and CLONE_SIGHAND", "set it in each process that needs it")),
    (
        17,
        advice(
            "Waiting for a blocked exit signal",
            "install a handler for the signal; as long as it is blocked, it doesn't run",
        ),
    ),
    (
        19,
        advice(
            "siginfo of other exit signals",
            "take the status from waitpid(2), not from si_code and si_status",
        ),
    ),
    (
        22,
        advice(
            "Signals to a parent in CLONE_VFORK",
            "keep the child short: the signal acts when it execs or exits",
        ),
    ),
    (
        23,
        advice(
            "Stop signals to a child of CLONE_VFORK",
            "use SIGSTOP, or don't rely on the child's stop before it execs",
        ),
    ),
    (
        25,
        advice("Record locks under CLONE_FILES", "lock and unlock in one process, or use flock(2)"),
    ),
    (26, advice("getpgid of a zombie", "take ESRCH for a child that has ended")),
    (27, advice("Options of waitpid", "write WALLSIG for __WALL and WALTSIG for __WCLONE")),
    (28, advice("Values beyond 255", "read the status with WEXITSTATUS, or return 0 to 255")),
    (
        29,
        advice("siginfo of a continued child", "take the status from waitpid(2), not from siginfo"),
    ),
];

/// For raw system calls.
pub const RAW: Advice = advice("Raw system calls", "call clone(2), fork(2) or pthread_create(3)");
/// For Linux 1.x's clone.
pub const LINUX1: Advice = advice("Linux 1.x's clone", "call clone(2) with a function, or fork(2)");

/// The file that has the sections.
pub const FILE: &str = "docs/porting.md";

/// For a flag, by its name.
pub fn of_flag(name: &str) -> Option<Advice> {
    FLAGS.iter().find(|(names, _)| names.contains(&name)).map(|&(_, advice)| advice)
}

/// For a difference.
pub fn of_difference(number: u32) -> Option<Advice> {
    DIFFERENCES.iter().find(|&&(known, _)| known == number).map(|&(_, advice)| advice)
}

/// All of them, for the test.
#[allow(dead_code)]
pub fn all() -> impl Iterator<Item = Advice> {
    let flags = FLAGS.iter().map(|&(_, advice)| advice);
    let differences = DIFFERENCES.iter().map(|&(_, advice)| advice);
    flags.chain(differences).chain([RAW, LINUX1])
}
