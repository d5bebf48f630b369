// SPDX-License-Identifier: MIT OR Apache-2.0
// Copyright (c) 2026 The nbclone developers
//! What was counted during a run, by call site.

use std::collections::{BTreeMap, BTreeSet};

use crate::bypass::Bypass;
use crate::completeness::Completeness;
use crate::differences;
use crate::evidence::answers::Findings;
use crate::netbsd::Fate;
use crate::parse::{Entry, Place, Record};

/// What the run was.
pub struct Run {
    /// COMMAND and its arguments.
    pub command: Vec<String>,
    /// The policy's name.
    pub policy: &'static str,
    /// How COMMAND ended, in words.
    pub ended: String,
    /// nbclone's exit status.
    pub status: i32,
    /// Why the library may not have been there.
    pub warnings: Vec<String>,
    /// What is missing; `None`: nothing.
    pub completeness: Option<Completeness>,
    /// The other calls, if they were counted; else why not.
    pub bypass: Result<Bypass, String>,
    /// What was met of the differences; else why nothing watched.
    pub evidence: Result<Findings, String>,
}

/// Where a call is made.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct Site {
    /// The call site.
    pub caller: Place,
    /// Which function.
    pub entry: Entry,
}

/// Calls with one flag word.
#[derive(Default)]
pub struct Seen {
    /// How often.
    pub calls: u64,
    /// How often each errno came.
    pub errors: BTreeMap<String, u64>,
    /// The numbers of the differences that can matter.
    pub differences: BTreeSet<u32>,
}

/// The calls of one site, by flag word.
#[derive(Default)]
pub struct Words(pub BTreeMap<u32, Seen>);

impl Words {
    /// All calls.
    pub fn calls(&self) -> u64 {
        self.0.values().map(|seen| seen.calls).sum()
    }

    /// How often each errno came.
    pub fn errors(&self) -> BTreeMap<&str, u64> {
        let mut errors = BTreeMap::new();
        for (error, count) in self.0.values().flat_map(|seen| &seen.errors) {
            *errors.entry(error.as_str()).or_default() += count;
        }
        errors
    }

    /// The flag words, those with the most calls first.
    pub fn by_calls(&self) -> Vec<(u32, &Seen)> {
        let mut all: Vec<(u32, &Seen)> = self.0.iter().map(|(&word, seen)| (word, seen)).collect();
        all.sort_by_key(|(_, seen)| std::cmp::Reverse(seen.calls));
        all
    }
}

/// What was counted during a run.
#[derive(Default)]
pub struct Tally {
    /// By call site.
    pub sites: BTreeMap<Site, Words>,
    /// The processes that called.
    pub processes: BTreeSet<i32>,
}

impl Tally {
    /// Counts a call.
    pub fn count(&mut self, record: &Record) {
        let site = Site { caller: record.caller.clone(), entry: record.entry };
        let seen = self.sites.entry(site).or_default().0.entry(record.word).or_default();
        seen.calls += 1;
        if let Err(error) = &record.result {
            *seen.errors.entry(error.clone()).or_default() += 1;
        }
        if record.entry == Entry::Clone {
            let matter = differences::of(record.word, record.stack);
            seen.differences.extend(matter.map(|difference| difference.number));
        }
        self.processes.insert(record.pid);
    }

    /// All calls.
    pub fn calls(&self) -> u64 {
        self.sites.values().map(Words::calls).sum()
    }

    /// Whether a call was made that a difference can matter for.
    pub fn can_meet(&self, number: u32) -> bool {
        self.sites
            .values()
            .flat_map(|words| words.0.values())
            .any(|seen| seen.differences.contains(&number))
    }

    /// The call sites that have to be changed by their flags alone.
    pub fn need_work(&self) -> BTreeSet<&Place> {
        let sites = self.sites.iter().filter(|(site, words)| {
            words.0.keys().any(|&word| Fate::of(site.entry, word).needs_work())
        });
        sites.map(|(site, _)| &site.caller).collect()
    }

    /// The call sites, whatever was called there.
    pub fn places(&self) -> BTreeSet<&Place> {
        self.sites.keys().map(|site| &site.caller).collect()
    }
}
