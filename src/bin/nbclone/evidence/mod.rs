// SPDX-License-Identifier: MIT OR Apache-2.0
// Copyright (c) 2026 The nbclone developers
//! Evidence: which of the differences between NetBSD and Linux a program met
//! in this run, and where.
//!
//! The filter asks about the system calls that decide (`calls`), the kernel
//! tells about the processes concerned (`kernel`), and what was seen before is
//! remembered (`table`). `rules` turns a call into meetings; `meetings` finds
//! the call sites that they belong to, by the lines of the trace.

pub mod answers;
pub mod calls;
pub mod filter;
mod kernel;
mod meetings;
mod rules;
mod table;

use crate::origin;
use crate::parse::Record;
use answers::Findings;
use calls::Deed;
pub use meetings::Meeting;
use meetings::Meetings;
use table::Table;

/// A system call that waits for its answer.
#[derive(Clone, Copy)]
pub struct Event {
    /// The thread.
    pub thread: i32,
    /// What it does.
    pub deed: Deed,
    /// Its arguments.
    pub arguments: [u64; 6],
    /// Where the system call instruction is.
    pub instruction: u64,
}

/// What watches a run.
pub struct Watch {
    /// Its path, made printable.
    library: String,
    table: Table,
    meetings: Meetings,
    /// System calls whose arguments couldn't be read.
    unread: u64,
}

impl Watch {
    /// A new one. What `library` does isn't the program's doing.
    /// The error: why nothing could be seen.
    pub fn new(library: &str) -> Result<Watch, String> {
        if kernel::Status::of(std::process::id() as i32).is_none() {
            return Err("/proc can't be read".to_owned());
        }
        let (table, meetings) = (Table::default(), Meetings::default());
        Ok(Watch { library: library.to_owned(), table, meetings, unread: 0 })
    }

    /// Judges a system call.
    pub fn see(&mut self, event: &Event) {
        let looked = matches!(event.deed, Deed::Pending | Deed::AlternateStack);
        if looked && self.is_library(event) {
            return;
        }
        let Some(process) = self.table.process_of(event.thread) else { return };
        let mut scene = rules::Scene {
            table: &mut self.table,
            meetings: &mut self.meetings,
            process,
            thread: event.thread,
            arguments: event.arguments,
        };
        if scene.see(event.deed).is_none() {
            self.unread += 1;
        }
    }

    fn is_library(&self, event: &Event) -> bool {
        let place = origin::place_of(event.thread, event.instruction);
        origin::is_library_place(&place, &self.library)
    }

    /// Takes a line of the trace: it tells the call site.
    pub fn place(&mut self, record: &Record) {
        self.meetings.place(record);
    }

    /// What was met.
    pub fn end(self) -> Findings {
        Findings { meetings: self.meetings.end(), unread: self.unread }
    }
}
