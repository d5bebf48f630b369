// SPDX-License-Identifier: MIT OR Apache-2.0
// Copyright (c) 2026 The nbclone developers
//! What is known of the processes of a run: dispositions with their flags,
//! alternate signal stacks, and the calls that they made.

use std::collections::{HashMap, HashSet, VecDeque};

use super::kernel::{self, SIGCHLD, Shared, Stat, Status, bit, share};

/// After so many new processes the ended ones are dropped: fewer than the
/// smallest range of process ids, so that none is taken for another.
const SWEEP: usize = 4096;
/// Dispositions of parents that may be gone before their children are seen.
const GIVEN: usize = 64;

/// The flags of each signal that has some.
pub type Flags = HashMap<u32, u64>;

/// A process.
#[derive(Default)]
pub struct Process {
    /// sa_flags, by signal.
    pub flags: Flags,
    /// Signals that it set to SIG_IGN itself.
    pub ignored_itself: u64,
    /// Threads with an alternate signal stack.
    pub alternate: HashSet<i32>,
    /// Whether a thread with one made a child with its memory.
    pub gave_alternate: bool,
    /// Exit signals of the children that it made by clone; bit 0 for none,
    /// bit n for signal n.
    pub exit_signals: u128,
    /// The last flag word with each exit signal.
    pub words: HashMap<u32, u32>,
    /// Signals that its signalfds take.
    pub descriptors: u64,
    /// Threads that were last seen to call clone with CLONE_VFORK.
    pub waiting: HashSet<i32>,
    /// Whether it executed a program while it had CLONE_FS with its parent.
    pub executed_with_directory: bool,
    /// Its children of that kind.
    pub children_with_directory: HashSet<i32>,
}

impl Process {
    /// Whether a signal has one of these flags.
    pub fn has(&self, signal: u32, flags: i32) -> bool {
        self.flags.get(&signal).is_some_and(|set| set & flags as u64 != 0)
    }

    /// Whether any signal has.
    pub fn any_has(&self, flags: i32) -> bool {
        self.flags.values().any(|set| set & flags as u64 != 0)
    }

    /// Whether it made a child with this exit signal.
    pub fn made(&self, signal: u32) -> bool {
        self.exit_signals & (1 << signal.min(127)) != 0
    }

    /// The exit signals of its children.
    pub fn signals(&self) -> Vec<u32> {
        (1..128).filter(|&signal| self.made(signal)).collect()
    }

    /// A flag word that it passed with this exit signal.
    pub fn word(&self, signal: u32) -> u32 {
        self.words.get(&signal).copied().unwrap_or(signal)
    }

    /// The last flag word with an exit signal that isn't SIGCHLD, or any.
    pub fn any_word(&self) -> Option<u32> {
        let other = self.words.iter().find(|&(&signal, _)| signal != SIGCHLD);
        other.or_else(|| self.words.iter().next()).map(|(_, &word)| word)
    }

    /// execve resets handlers, their flags, and the alternate stack.
    pub fn execute(&mut self) {
        let descriptors = self.descriptors;
        *self = Process { descriptors, ..Process::default() };
    }
}

/// The processes.
#[derive(Default)]
pub struct Table {
    processes: HashMap<i32, Process>,
    /// Which process a thread is of.
    threads: HashMap<i32, i32>,
    given: VecDeque<(i32, Flags)>,
    new: usize,
    /// Whether CLONE_SIGHAND was seen at all.
    pub handlers_shared: bool,
}

impl Table {
    /// The process of a thread; `None` if it is gone.
    pub fn process_of(&mut self, thread: i32) -> Option<i32> {
        if let Some(&process) = self.threads.get(&thread) {
            return Some(process);
        }
        let status = Status::of(thread)?;
        self.threads.insert(thread, status.process);
        self.meet(&status);
        Some(status.process)
    }

    /// What is known of it.
    pub fn get(&mut self, process: i32) -> &mut Process {
        self.processes.entry(process).or_default()
    }

    /// What is known of it, if anything.
    pub fn known(&self, process: i32) -> Option<&Process> {
        self.processes.get(&process)
    }

    /// The processes with threads that wait in CLONE_VFORK, and those threads.
    pub fn waiting(&self) -> Vec<(i32, i32)> {
        let waiting = self.processes.iter().filter(|(_, process)| !process.waiting.is_empty());
        waiting.flat_map(|(&id, process)| process.waiting.iter().map(move |&t| (id, t))).collect()
    }

    /// A process makes another: what it may not be there any more to tell.
    pub fn gives(&mut self, process: i32) {
        self.count();
        let Some(flags) = self.processes.get(&process).map(|process| &process.flags) else {
            return;
        };
        if flags.is_empty() {
            return;
        }
        if self.given.len() == GIVEN {
            self.given.pop_front();
        }
        self.given.push_back((process, flags.clone()));
    }

    /// A process that wasn't known: it has its parent's dispositions.
    fn meet(&mut self, status: &Status) {
        self.count();
        if self.processes.contains_key(&status.process) {
            return;
        }
        let flags = match self.processes.get(&status.parent) {
            Some(parent) => parent.flags.clone(),
            None => self.given_by_the_gone(),
        };
        self.processes.insert(status.process, Process { flags, ..Process::default() });
    }

    fn given_by_the_gone(&self) -> Flags {
        let gone =
            |&&(process, _): &&(i32, Flags)| Stat::of(process).is_none_or(|s| s.state == b'Z');
        self.given.iter().rev().find(gone).map(|(_, flags)| flags.clone()).unwrap_or_default()
    }

    fn count(&mut self) {
        self.new += 1;
        if self.new < SWEEP {
            return;
        }
        self.new = 0;
        self.processes.retain(|&process, _| Stat::of(process).is_some_and(|s| s.state != b'Z'));
        let processes = &self.processes;
        self.threads.retain(|_, process| processes.contains_key(process));
    }

    /// Sets a disposition's flags, in all processes that share them.
    pub fn set_flags(&mut self, process: i32, signal: u32, flags: u64) {
        let set = |process: &mut Process| {
            if flags == 0 {
                process.flags.remove(&signal);
            } else {
                process.flags.insert(signal, flags);
            }
        };
        set(self.get(process));
        if self.handlers_shared {
            let others: Vec<i32> = self.processes.keys().copied().collect();
            for other in others {
                if share(process, other, Shared::Handlers) == Some(true) {
                    set(self.get(other));
                }
            }
        }
    }

    /// Whether a living child of `process` has an exit signal that `wanted`
    /// takes.
    pub fn has_child(&self, process: i32, wanted: impl Fn(u32) -> bool) -> bool {
        kernel::children(process)
            .into_iter()
            .any(|child| Stat::of(child).is_some_and(|stat| wanted(stat.exit_signal)))
    }
}

/// Bits of a process's mask that are exit signals of its children.
pub fn exit_signals_in(process: &Process, mask: u64) -> Vec<u32> {
    process.signals().into_iter().filter(|&signal| bit(signal) & mask != 0).collect()
}
