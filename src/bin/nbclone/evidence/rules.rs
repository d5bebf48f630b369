// SPDX-License-Identifier: MIT OR Apache-2.0
// Copyright (c) 2026 The nbclone developers
//! For each watched system call: which differences it meets.
//!
//! The numbers are those of differences.rs. A method returns `None` if what it
//! had to read couldn't be read.

use super::calls::{Deed, WAIT_BITS};
use super::kernel::{self, SIGCHLD, Shared, Stat, Status, bit, share};
use super::meetings::{Meetings, Of};
use super::table::{Table, exit_signals_in};
use crate::flags::*;
use crate::words;

/// A system call, and what there is to judge it by.
pub struct Scene<'a> {
    /// The processes.
    pub table: &'a mut Table,
    /// What was met so far.
    pub meetings: &'a mut Meetings,
    /// Who calls.
    pub process: i32,
    /// Its thread.
    pub thread: i32,
    /// The arguments.
    pub arguments: [u64; 6],
}

const SIG_DFL: u64 = libc::SIG_DFL as u64;
const SIG_IGN: u64 = libc::SIG_IGN as u64;
/// The flags that decide.
const FLAGS: u64 =
    (libc::SA_NOCLDSTOP | libc::SA_NOCLDWAIT | libc::SA_SIGINFO | libc::SA_ONSTACK) as u64;

/// A signal's name.
fn name(signal: u32) -> String {
    match words::signal(signal) {
        Some(name) => format!("SIG{}", String::from_utf8_lossy(name)),
        None if signal == 0 => "none".to_owned(),
        None => format!("signal {signal}"),
    }
}

impl Scene<'_> {
    /// Judges it.
    pub fn see(&mut self, deed: Deed) -> Option<()> {
        let [first, second, third, ..] = self.arguments;
        match deed {
            Deed::Make => self.make(),
            Deed::Exec => self.exec(first),
            Deed::ExecAt => self.exec(second),
            Deed::Disposition => self.disposition(first as u32),
            Deed::AlternateStack => self.alternate_stack(first),
            Deed::Kill => self.send(first as i32, second as u32),
            Deed::Send => self.send((first as i32).max(1), second as u32),
            Deed::SendToThread => self.send((first as i32).max(1), third as u32),
            Deed::Pending => self.pending(),
            Deed::SignalWait => self.signal_wait(first, second),
            Deed::SignalDescriptor => self.signal_descriptor(second),
            Deed::Wait => self.wait(third as u32),
            Deed::WaitId => self.wait(self.arguments[3] as u32),
            Deed::Lock => self.lock(third),
            Deed::Directory => self.directory(),
            Deed::Exit => self.exit(first),
            Deed::ProcessGroup => self.process_group(first as i32),
        }
    }

    fn met(&mut self, number: u32, of: Of, what: impl Into<String>) {
        self.meetings.add(number, of, self.process, what.into());
    }

    /// The parent, if both share it and are two processes.
    fn parent_with(&self, what: Shared) -> Option<i32> {
        let parent = Status::of(self.process)?.parent;
        (share(self.process, parent, what) == Some(true)).then_some(parent)
    }

    fn make(&mut self) -> Option<()> {
        /// What glibc and musl pass for fork, with no stack.
        const FORK: u64 = 0x0120_0011;
        let [word, stack, ..] = self.arguments;
        self.table.gives(self.process);
        if stack == 0 && (word & 0xffff_ffff == FORK || word == u64::from(SIGCHLD)) {
            return Some(());
        }
        let word = word as u32;
        let signal = word & CLONE_CSIGNAL;
        let status = Status::of(self.process)?;
        let thread = self.thread;
        self.table.handlers_shared |= word & CLONE_SIGHAND != 0;
        let me = self.table.get(self.process);
        me.exit_signals |= 1 << signal.min(127);
        me.words.insert(signal, word);
        let shares_memory_alone = word & (CLONE_VM | CLONE_VFORK) == CLONE_VM;
        let alternate = shares_memory_alone && me.alternate.contains(&thread);
        me.gave_alternate |= alternate;
        let on_stack = me.any_has(libc::SA_ONSTACK);
        let no_wait = me.has(SIGCHLD, libc::SA_NOCLDWAIT);
        let informed = me.has(signal, libc::SA_SIGINFO) && status.caught & bit(signal) != 0;
        let by_descriptor = me.descriptors & bit(signal) != 0;
        if word & CLONE_VFORK != 0 {
            me.waiting.insert(thread);
        }

        let of = Of::Caller(self.process, word);
        if stack != 0 && kernel::is_mapped_below(self.process, stack) == Some(false) {
            self.met(7, of, "no memory below the stack argument");
        }
        if alternate && on_stack {
            self.met(8, of, "an alternate signal stack, and a handler with SA_ONSTACK");
        }
        if signal != SIGCHLD && (no_wait || status.ignored & bit(SIGCHLD) != 0) {
            let how = if no_wait { "SA_NOCLDWAIT" } else { "SIGCHLD ignored" };
            self.met(11, of, format!("the parent has {how}; exit signal {}", name(signal)));
        }
        if signal == SIGCHLD && no_wait && status.caught & bit(SIGCHLD) != 0 {
            self.met(12, of, "SA_NOCLDWAIT and a handler for SIGCHLD");
        }
        if by_descriptor && status.discards(signal) {
            self.met(17, of, format!("a signalfd for {}, which has no handler", name(signal)));
        }
        if signal != SIGCHLD && by_descriptor {
            self.met(19, of, format!("a signalfd for {}", name(signal)));
        }
        if signal != SIGCHLD && informed {
            self.met(19, of, format!("a handler with SA_SIGINFO for {}", name(signal)));
        }
        Some(())
    }

    fn exec(&mut self, path: u64) -> Option<()> {
        let path = kernel::path(self.process, path)?;
        // An empty one is execveat's, of a descriptor.
        if !path.is_empty() && !kernel::is_program(self.process, &path) {
            return Some(());
        }
        let stat = Stat::of(self.process)?;
        if stat.exit_signal != SIGCHLD {
            let what = format!("executes {path}; exit signal {}", name(stat.exit_signal));
            self.met(9, Of::Child(self.process), what);
        }
        let parent = self.parent_with(Shared::Directory);
        self.table.get(self.process).execute();
        if let Some(parent) = parent {
            self.table.get(self.process).executed_with_directory = true;
            self.table.get(parent).children_with_directory.insert(self.process);
        }
        Some(())
    }

    fn disposition(&mut self, signal: u32) -> Option<()> {
        let action = kernel::memory::<16>(self.process, self.arguments[1])?;
        let (handler, flags) = action.split_at(8);
        let handler = u64::from_ne_bytes(handler.try_into().ok()?);
        let flags = u64::from_ne_bytes(flags.try_into().ok()?) & FLAGS;
        let was = self.table.known(self.process).and_then(|me| me.flags.get(&signal).copied());
        let changed = was.unwrap_or(0) ^ flags;
        if self.table.handlers_shared {
            self.shared_disposition(signal, handler, changed & libc::SA_NOCLDSTOP as u64 != 0);
        }
        if was.is_some() || flags != 0 {
            self.table.set_flags(self.process, signal, flags);
        }
        let me = self.table.get(self.process);
        if handler == SIG_IGN {
            me.ignored_itself |= bit(signal);
        } else {
            me.ignored_itself &= !bit(signal);
        }
        if me.exit_signals != 0 {
            self.parents_disposition(signal, handler, flags);
        }
        let on_stack = handler > SIG_IGN && flags & libc::SA_ONSTACK as u64 != 0;
        if on_stack {
            self.inherits_alternate_stack();
        }
        Some(())
    }

    /// One that made children by clone sets a disposition.
    fn parents_disposition(&mut self, signal: u32, handler: u64, flags: u64) {
        let me = self.table.get(self.process);
        let no_wait = flags & libc::SA_NOCLDWAIT as u64 != 0;
        let informed = flags & libc::SA_SIGINFO as u64 != 0 && handler > SIG_IGN;
        let word = if signal == SIGCHLD { me.any_word() } else { None }.unwrap_or(me.word(signal));
        let of = Of::Caller(self.process, word);
        let made = me.made(signal);
        if signal == SIGCHLD && (handler == SIG_IGN || no_wait) {
            if self.table.has_child(self.process, |exit| exit != SIGCHLD) {
                let how = if no_wait { "sets SA_NOCLDWAIT" } else { "ignores SIGCHLD" };
                let what = format!("the parent {how} while a child without SIGCHLD lives");
                self.met(11, of, what);
            }
            let handles = no_wait && handler > SIG_IGN && made;
            if handles && self.table.has_child(self.process, |exit| exit == SIGCHLD) {
                self.met(12, of, "SA_NOCLDWAIT and a handler for SIGCHLD, set while a child lives");
            }
        }
        if signal != SIGCHLD && informed && made {
            self.met(19, of, format!("a handler with SA_SIGINFO for {}", name(signal)));
        }
    }

    /// One that may share its handlers with its parent or a child sets one.
    fn shared_disposition(&mut self, signal: u32, handler: u64, stop_changes: bool) {
        let Some(status) = Status::of(self.process) else { return };
        let with_parent = share(self.process, status.parent, Shared::Handlers) == Some(true);
        let of = Of::Child(self.process);
        if stop_changes && signal == SIGCHLD {
            if with_parent {
                self.met(16, of, "the child changes SA_NOCLDSTOP");
            } else {
                let children = kernel::children(self.process).into_iter();
                let shares =
                    |child: &i32| share(self.process, *child, Shared::Handlers) == Some(true);
                if let Some(child) = children.rev().find(shares) {
                    self.met(16, Of::Child(child), "the parent changes SA_NOCLDSTOP");
                }
            }
        }
        if !with_parent {
            return;
        }
        if signal == SIGCHLD && handler == SIG_IGN {
            self.met(13, of, "the child ignores SIGCHLD");
        }
        let itself = self.table.known(self.process).map_or(0, |me| me.ignored_itself);
        let parent_ignores = status.ignored & !itself & bit(signal) != 0;
        if parent_ignores && handler > SIG_IGN {
            self.met(
                14,
                of,
                format!("the child handles {}, which the parent ignores", name(signal)),
            );
        }
        if parent_ignores && handler == SIG_DFL {
            let what =
                format!("the child sets {} to its default; the parent ignores it", name(signal));
            self.met(15, of, what);
        }
    }

    fn inherits_alternate_stack(&mut self) {
        let has_its_own = self.table.known(self.process).is_some_and(|me| !me.alternate.is_empty());
        let Some(parent) = self.parent_with(Shared::Memory) else { return };
        let gave = self.table.known(parent).is_some_and(|parent| parent.gave_alternate);
        if gave && !has_its_own {
            let what = "the child sets a handler with SA_ONSTACK; its parent has the stack";
            self.met(8, Of::Child(self.process), what);
        }
    }

    fn alternate_stack(&mut self, stack: u64) -> Option<()> {
        // stack_t: the address, then the flags.
        let disabled = kernel::word(self.process, stack.wrapping_add(8))? as i32 & libc::SS_DISABLE;
        let thread = self.thread;
        let alternate = &mut self.table.get(self.process).alternate;
        if disabled == 0 {
            alternate.insert(thread)
        } else {
            alternate.remove(&thread)
        };
        Some(())
    }

    /// Processes that wait in CLONE_VFORK, and the child that each waits for.
    fn suspended(&mut self) -> Vec<(i32, Option<i32>)> {
        let mut suspended = Vec::new();
        for (process, thread) in self.table.waiting() {
            let waits = kernel::system_call(process, thread).is_some_and(|(number, word)| {
                number == libc::SYS_clone as u32 && word as u32 & CLONE_VFORK != 0
            });
            if waits {
                let children = kernel::children_of_thread(process, thread).unwrap_or_default();
                suspended.push((process, children.last().copied()));
            } else {
                self.table.get(process).waiting.remove(&thread);
            }
        }
        suspended
    }

    fn send(&mut self, target: i32, signal: u32) -> Option<()> {
        let status = Status::of(self.process)?;
        // Ids of another namespace aren't ours to read.
        if status.namespaced {
            return Some(());
        }
        let group = match target {
            0 => Some(Stat::of(self.process)?.group),
            target if target < -1 => Some(-target),
            _ => None,
        };
        let hits = |process: i32| match group {
            Some(group) => Stat::of(process).is_some_and(|stat| stat.group == group),
            None => target == -1 || target == process,
        };
        for (parent, child) in self.suspended() {
            let Some(child) = child else { continue };
            let ended = Status::of(parent).is_some_and(|it| it.is_ended_by(signal));
            if hits(parent) && (signal == libc::SIGKILL as u32 || ended) {
                let what = format!("{} to a parent that waits in CLONE_VFORK", name(signal));
                self.met(22, Of::Child(child), what);
            }
            let default =
                Status::of(child).is_some_and(|it| (it.ignored | it.caught) & bit(signal) == 0);
            let stops = kernel::stops(signal) && signal != libc::SIGSTOP as u32 && default;
            if hits(child) && stops {
                let what = format!("{} to a child of CLONE_VFORK", name(signal));
                self.met(23, Of::Child(child), what);
            }
        }
        if signal == libc::SIGCONT as u32 && target > 0 {
            self.resume(target);
        }
        Some(())
    }

    /// SIGCONT to a stopped child whose parent has SIGCHLD blocked.
    fn resume(&mut self, child: i32) {
        let stopped =
            Stat::of(child).is_some_and(|stat| stat.state == b'T' && stat.exit_signal == SIGCHLD);
        let parent = Status::of(child).and_then(|status| Status::of(status.parent));
        if stopped && parent.is_some_and(|parent| parent.blocked & bit(SIGCHLD) != 0) {
            let what = "SIGCONT to a stopped child; its parent has SIGCHLD blocked";
            self.met(29, Of::ChildOfClone(child), what);
        }
    }

    fn made_any(&self) -> bool {
        self.table.known(self.process).is_some_and(|me| me.exit_signals != 0)
    }

    fn pending(&mut self) -> Option<()> {
        if !self.made_any() {
            return Some(());
        }
        let status = Status::of(self.thread)?;
        self.looks_for(status.blocked, &status, "sigpending");
        Some(())
    }

    fn signal_wait(&mut self, set: u64, info: u64) -> Option<()> {
        if !self.made_any() {
            return Some(());
        }
        let set = kernel::word(self.process, set)?;
        let status = Status::of(self.process)?;
        self.looks_for(set, &status, "sigwait");
        if info != 0 {
            self.is_informed(set, "sigwaitinfo, sigtimedwait or sigwait");
        }
        Some(())
    }

    fn signal_descriptor(&mut self, set: u64) -> Option<()> {
        let set = kernel::word(self.process, set)?;
        self.table.get(self.process).descriptors |= set;
        if self.made_any() {
            let status = Status::of(self.process)?;
            self.looks_for(set, &status, "a signalfd");
            self.is_informed(set, "a signalfd");
        }
        Some(())
    }

    /// Looks for exit signals that NetBSD throws away.
    fn looks_for(&mut self, set: u64, status: &Status, how: &str) {
        let me = self.table.get(self.process);
        for signal in exit_signals_in(me, set) {
            if status.discards(signal) {
                let word = self.table.get(self.process).word(signal);
                let what = format!("{how} for {}, which has no handler", name(signal));
                self.met(17, Of::Caller(self.process, word), what);
            }
        }
    }

    fn is_informed(&mut self, set: u64, how: &str) {
        let me = self.table.get(self.process);
        for signal in exit_signals_in(me, set & !bit(SIGCHLD)) {
            let word = self.table.get(self.process).word(signal);
            self.met(19, Of::Caller(self.process, word), format!("{how} for {}", name(signal)));
        }
    }

    fn wait(&mut self, options: u32) -> Option<()> {
        if !self.made_any() {
            return Some(());
        }
        const NAMES: [(u32, &str); 3] =
            [(1 << 29, "__WNOTHREAD"), (1 << 30, "__WALL"), (1 << 31, "__WCLONE")];
        let names = NAMES.iter().filter(|(bit, _)| options & WAIT_BITS & bit != 0);
        let names: Vec<&str> = names.map(|&(_, name)| name).collect();
        self.met(27, Of::Process, format!("waits with {}", names.join("|")));
        Some(())
    }

    fn lock(&mut self, lock: u64) -> Option<()> {
        if self.parent_with(Shared::Files).is_none() {
            return Some(());
        }
        // struct flock begins with l_type.
        let kind = i16::from_ne_bytes(kernel::memory(self.process, lock)?);
        if i32::from(kind) != libc::F_UNLCK {
            self.met(25, Of::Child(self.process), "the child takes a record lock");
        }
        Some(())
    }

    fn directory(&mut self) -> Option<()> {
        let Some(me) = self.table.known(self.process) else { return Some(()) };
        let children: Vec<i32> = me.children_with_directory.iter().copied().collect();
        if me.executed_with_directory && self.parent_with(Shared::Directory).is_some() {
            let what = "the child changes its directory, root or umask after exec";
            self.met(10, Of::Child(self.process), what);
        }
        for child in children {
            if share(self.process, child, Shared::Directory) == Some(true) {
                let what = "the parent changes its directory, root or umask after the child's exec";
                self.met(10, Of::Child(child), what);
            } else {
                self.table.get(self.process).children_with_directory.remove(&child);
            }
        }
        Some(())
    }

    fn exit(&mut self, value: u64) -> Option<()> {
        let what = format!("the child's value is {:#x}", value as u32);
        self.met(28, Of::ChildOfClone(self.process), what);
        Some(())
    }

    fn process_group(&mut self, target: i32) -> Option<()> {
        let zombie = Stat::of(target).is_some_and(|stat| stat.state == b'Z');
        if target != self.process && zombie {
            self.met(26, Of::ChildOfClone(target), "getpgid of a child that has ended");
        }
        Some(())
    }
}
