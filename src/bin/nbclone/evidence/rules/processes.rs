// SPDX-License-Identifier: MIT OR Apache-2.0
// Copyright (c) 2026 The nbclone developers
//! Making a process, executing a program, ending, and asking for a group.

use super::{Scene, name};
use crate::evidence::kernel::{self, SIGCHLD, Shared, Stat, Status, bit};
use crate::evidence::meetings::Of;
use crate::flags::*;

impl Scene<'_> {
    pub(super) fn make(&mut self) -> Option<()> {
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

    pub(super) fn exec(&mut self, path: u64) -> Option<()> {
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

    pub(super) fn exit(&mut self, value: u64) -> Option<()> {
        let what = format!("the child's value is {:#x}", value as u32);
        self.met(28, Of::ChildOfClone(self.process), what);
        Some(())
    }

    pub(super) fn process_group(&mut self, target: i32) -> Option<()> {
        let zombie = Stat::of(target).is_some_and(|stat| stat.state == b'Z');
        if target != self.process && zombie {
            self.met(26, Of::ChildOfClone(target), "getpgid of a child that has ended");
        }
        Some(())
    }
}
