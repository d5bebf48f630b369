// SPDX-License-Identifier: MIT OR Apache-2.0
// Copyright (c) 2026 The nbclone developers
//! Signals that are sent.

use super::{Scene, name};
use crate::evidence::kernel::{self, SIGCHLD, Stat, Status, bit};
use crate::evidence::meetings::Of;
use crate::flags::*;

impl Scene<'_> {
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

    pub(super) fn send(&mut self, target: i32, signal: u32) -> Option<()> {
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
            Stat::of(child).is_some_and(|stat| stat.is_stopped() && stat.exit_signal == SIGCHLD);
        let parent = Status::of(child).and_then(|status| Status::of(status.parent));
        if stopped && parent.is_some_and(|parent| parent.blocked & bit(SIGCHLD) != 0) {
            let what = "SIGCONT to a stopped child; its parent has SIGCHLD blocked";
            self.met(29, Of::ChildOfClone(child), what);
        }
    }
}
