// SPDX-License-Identifier: MIT OR Apache-2.0
// Copyright (c) 2026 The nbclone developers
//! Waiting for signals and for children.

use super::{Scene, name};
use crate::evidence::calls::WAIT_BITS;
use crate::evidence::kernel::{self, SIGCHLD, Status, bit};
use crate::evidence::meetings::Of;
use crate::evidence::table::exit_signals_in;

impl Scene<'_> {
    pub(super) fn pending(&mut self) -> Option<()> {
        if !self.made_any() {
            return Some(());
        }
        let status = Status::of(self.thread)?;
        self.looks_for(status.blocked, &status, "sigpending");
        Some(())
    }

    pub(super) fn signal_wait(&mut self, set: u64, info: u64) -> Option<()> {
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

    pub(super) fn signal_descriptor(&mut self, set: u64) -> Option<()> {
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

    pub(super) fn wait(&mut self, options: u32) -> Option<()> {
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
}
