// SPDX-License-Identifier: MIT OR Apache-2.0
// Copyright (c) 2026 The nbclone developers
//! The verdict on a run: the report's last line.

use std::collections::BTreeSet;

use crate::bypass::{Key, Purpose};
use crate::evidence::answers::{Answer, Answered, Weight};
use crate::netbsd::Fate;
use crate::parse::{Entry, Place};
use crate::tally::{Run, Tally};

/// So many call sites are named in it.
const NAMED: usize = 3;

/// What it comes to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// Portable as far as the run shows.
    Portable,
    /// Something has to be changed.
    NeedsWork,
    /// The run doesn't show it.
    Unknown,
}

impl Outcome {
    /// For scripts.
    pub fn keyword(self) -> &'static str {
        match self {
            Outcome::Portable => "portable",
            Outcome::NeedsWork => "needs work",
            Outcome::Unknown => "can't tell",
        }
    }
}

/// The verdict.
pub struct Verdict<'a> {
    /// What it comes to.
    pub outcome: Outcome,
    /// Call sites, whatever their flag words; raw system calls aren't in it.
    pub sites: usize,
    /// Raw system calls, by call site.
    pub raw: usize,
    /// The places that have to be changed, raw system calls among them.
    pub work: Vec<&'a Place>,
    /// Differences that were met and may matter.
    pub check: Vec<u32>,
    /// Why it can't tell, or what else there is to say.
    why: String,
}

/// The verdict on a run.
pub fn verdict<'a>(tally: &'a Tally, run: &'a Run, answers: &'a [Answered<'a>]) -> Verdict<'a> {
    let sites = tally.places().len();
    let raw = raw(run);
    let mut work: BTreeSet<&Place> = tally.need_work();
    work.extend(&raw);
    work.extend(missed(run).filter(|key| needs_work(key)).map(|key| &key.place));
    let mut unplaced = false;
    let met = |weight| {
        let these = answers.iter().filter(move |answered| answered.weight == weight);
        these.filter(|answered| matches!(answered.answer, Answer::ByCall(_) | Answer::Met(_)))
    };
    for place in met(Weight::Work).flat_map(|answered| answered.answer.places()) {
        match place {
            Some(place) => drop(work.insert(place)),
            None => unplaced = true,
        }
    }
    if unplaced {
        work.insert(&Place::Unknown);
    }
    let check: Vec<u32> = met(Weight::Check).map(|answered| answered.difference.number).collect();
    let (outcome, why) = if let Some(why) = incomplete(tally, run) {
        (Outcome::Unknown, why)
    } else if !work.is_empty() {
        (Outcome::NeedsWork, String::new())
    } else if let Some(why) = unseen(tally, run, answers) {
        (Outcome::Unknown, why)
    } else {
        (Outcome::Portable, portable(sites, run))
    };
    Verdict { outcome, sites, raw: raw.len(), work: work.into_iter().collect(), check, why }
}

impl Verdict<'_> {
    /// The last line, with call sites in words.
    pub fn words(&self, place: impl Fn(&Place) -> String) -> String {
        match self.outcome {
            Outcome::Portable if self.check.is_empty() => format!("portable {}", self.why),
            Outcome::Portable => format!("portable {}; to check: {}", self.why, list(&self.check)),
            Outcome::Unknown => format!("can't tell: {}", self.why),
            Outcome::NeedsWork => {
                let count = self.work.len();
                let named: Vec<String> =
                    self.work.iter().take(NAMED).map(|&known| place(known)).collect();
                let more = match count.saturating_sub(NAMED) {
                    0 => String::new(),
                    more => format!(" and {more} more"),
                };
                let total = counted((self.sites + self.raw).max(count), "call site");
                format!("needs work at {count} of {total}: {}{more}", named.join(", "))
            }
        }
    }
}

/// `[1] [2]`
pub fn list(numbers: &[u32]) -> String {
    let numbers: Vec<String> = numbers.iter().map(|number| format!("[{number}]")).collect();
    numbers.join(" ")
}

/// `1 call`, `2 calls`
pub fn counted(count: usize, what: &str) -> String {
    format!("{count} {what}{}", if count == 1 { "" } else { "s" })
}

fn raw(run: &Run) -> BTreeSet<&Place> {
    let Ok(bypass) = &run.bypass else { return BTreeSet::new() };
    let raw = bypass.calls.keys().filter(|key| key.purpose == Purpose::Raw);
    raw.map(|key| &key.place).collect()
}

/// Of a program that asked for a listener.
pub fn refused(program: &str) -> String {
    format!(
        "{program} asked for a seccomp listener of its own and got EBUSY; --all-calls=ptrace \
         leaves it one"
    )
}

/// Calls of libc's clone.
fn missed(run: &Run) -> impl Iterator<Item = &Key> {
    let calls = run.bypass.iter().flat_map(|bypass| bypass.calls.keys());
    calls.filter(|key| key.purpose == Purpose::Missed)
}

fn needs_work(key: &Key) -> bool {
    Fate::of(Entry::Clone, key.word as u32).needs_work()
}

/// Why there may have been calls that weren't seen.
fn incomplete(tally: &Tally, run: &Run) -> Option<String> {
    if let Some(completeness) = &run.completeness {
        return Some(format!("{}; no verdict", completeness.words()));
    }
    let seen = tally.calls();
    (seen == 0 && !run.warnings.is_empty() && run.bypass.is_err())
        .then(|| "the library wasn't in the program; no verdict".to_owned())
}

/// Why differences weren't seen that the calls could meet.
fn unseen(tally: &Tally, run: &Run, answers: &[Answered]) -> Option<String> {
    if let Ok(bypass) = &run.bypass {
        if let Some(program) = bypass.refused.first() {
            return Some(refused(program));
        }
        let unknown: u64 = bypass.unknown().sum();
        if unknown > 0 {
            let calls = counted(unknown as usize, "system call");
            return Some(format!("where {calls} came from couldn't be read in /proc"));
        }
    }
    let missed = missed(run).count();
    if missed > 0 {
        let calls = counted(missed, "call site");
        return Some(format!("the preload didn't reach {calls} of libc's clone"));
    }
    let unread = run.evidence.as_ref().map_or(0, |findings| findings.unread);
    if unread > 0 && tally.calls() > 0 {
        let calls = counted(unread as usize, "system call");
        return Some(format!("the arguments of {calls} couldn't be read"));
    }
    let why = run.evidence.as_ref().err()?;
    let unseen = answers.iter().filter(|answered| {
        let number = answered.difference.number;
        matches!(answered.answer, Answer::Unseen(_)) && tally.can_meet(number)
    });
    let numbers: Vec<u32> = unseen.map(|answered| answered.difference.number).collect();
    (!numbers.is_empty()).then(|| format!("whether it meets {} wasn't seen: {why}", list(&numbers)))
}

fn portable(sites: usize, run: &Run) -> String {
    match (sites, &run.bypass) {
        (0, Ok(bypass)) if bypass.calls.is_empty() => {
            "as far as clone goes: it makes no process and no thread".to_owned()
        }
        (0, Ok(_)) => "as far as clone goes: fork, posix_spawn and threads alone".to_owned(),
        (0, Err(_)) => "as far as clone goes: no call of it was seen".to_owned(),
        _ => format!("as far as this run shows ({})", counted(sites, "call site")),
    }
}
