// SPDX-License-Identifier: MIT OR Apache-2.0
// Copyright (c) 2026 The nbclone developers
//! The wait for processes that COMMAND left behind.

use nix::poll::PollTimeout;

use crate::output::say;

/// Nothing tells of their end, so they are looked for again and again.
#[derive(Default)]
pub struct Patience {
    /// Nobody wants to wait any more.
    pub is_over: bool,
    looks: u32,
    /// How many looks in all found no process that has the memory.
    pub without_memory: u32,
}

impl Patience {
    /// How long to wait for something else meanwhile.
    pub fn timeout(&mut self, is_ended: bool) -> PollTimeout {
        const LOOK_AGAIN: u8 = 20;
        const SAY_SO: u32 = 100;
        if !is_ended {
            return PollTimeout::NONE;
        }
        self.looks = self.looks.saturating_add(1);
        if self.looks == SAY_SO {
            say(
                "COMMAND has ended; the report waits for processes that it left behind (Ctrl-C ends that)",
            );
        }
        PollTimeout::from(LOOK_AGAIN)
    }
}
