// SPDX-License-Identifier: MIT OR Apache-2.0
// Copyright (c) 2026 The nbclone developers
//! For each watched system call: which differences it meets.
//!
//! The numbers are those of differences.rs. A method returns `None` if what it
//! had to read couldn't be read.

mod dispositions;
mod processes;
mod sending;
mod sharing;
mod waiting;

use super::calls::Deed;
use super::kernel::{Shared, Status, share};
use super::meetings::{Meetings, Of};
use super::table::Table;
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

    fn made_any(&self) -> bool {
        self.table.known(self.process).is_some_and(|me| me.exit_signals != 0)
    }
}
