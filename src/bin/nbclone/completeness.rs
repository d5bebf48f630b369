// SPDX-License-Identifier: MIT OR Apache-2.0
// Copyright (c) 2026 The nbclone developers
//! How many of the calls that were made the report has.

/// What is missing; there is none of these where nothing is.
#[derive(Clone, Debug, PartialEq)]
pub struct Completeness {
    /// Calls in the report.
    pub seen: u64,
    /// Calls that were made, by an independent count: the library's own, or the
    /// filter's.
    pub made: u64,
    /// More than `made` may have been made, and why that isn't known.
    pub more: Option<String>,
}

impl Completeness {
    /// `seen N of M calls`, for the verdict.
    pub fn words(&self) -> String {
        let Completeness { seen, made, .. } = self;
        match &self.more {
            None => format!("seen {seen} of {made} calls"),
            Some(why) => format!("seen {seen} of at least {made} calls ({why})"),
        }
    }
}
