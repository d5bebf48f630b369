// SPDX-License-Identifier: MIT OR Apache-2.0
// Copyright (c) 2026 The nbclone developers
//! For each difference: met in this run, not met, or not to be seen.

use std::collections::BTreeSet;

use super::Meeting;
use crate::differences::{DIFFERENCES, Difference};
use crate::parse::Place;
use crate::tally::Tally;

/// What watching gave.
pub struct Findings {
    /// What was met.
    pub meetings: Vec<Meeting>,
    /// System calls whose arguments couldn't be read.
    pub unread: u64,
}

/// What a meeting asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Weight {
    /// The program does on NetBSD what it didn't do here.
    Work,
    /// It depends on what the program makes of it, which no system call shows.
    Check,
}

/// How it is known whether a difference is met.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Means {
    /// The call itself says it.
    Call(Weight),
    /// A system call does.
    Watched(Weight),
    /// Nothing does, and why.
    Unseen(&'static str),
    /// It is nothing to meet, and why.
    Harmless(&'static str),
}

fn means(number: u32) -> Means {
    use Means::*;
    use Weight::*;
    match number {
        1..=3 | 5 => Call(Work),
        4 => Harmless("both do the same"),
        6 => Unseen("what a program reads below its stack is no system call"),
        24 => Harmless("code that runs on Linux runs there"),
        19 | 22 | 23 | 26..=29 => Watched(Check),
        _ => Watched(Work),
    }
}

/// The answer for one difference.
pub enum Answer<'a> {
    /// Met: by the calls at these sites.
    ByCall(BTreeSet<&'a Place>),
    /// Met: in these ways.
    Met(Vec<&'a Meeting>),
    /// Not met, though a call of this run could have.
    NotMet,
    /// Not met: no call of this run could have.
    Impossible,
    /// It can't be seen, and why.
    Unseen(String),
    /// It is nothing to meet, and why.
    Harmless(&'static str),
}

impl Answer<'_> {
    /// For scripts.
    pub fn keyword(&self) -> &'static str {
        match self {
            Answer::ByCall(_) | Answer::Met(_) => "met",
            Answer::NotMet | Answer::Impossible => "not met",
            Answer::Unseen(_) => "unseen",
            Answer::Harmless(_) => "harmless",
        }
    }

    /// The call sites where it was met; `None` for one that isn't known.
    pub fn places(&self) -> BTreeSet<Option<&Place>> {
        match self {
            Answer::ByCall(places) => places.iter().map(|&place| Some(place)).collect(),
            Answer::Met(meetings) => meetings.iter().map(|one| one.place.as_ref()).collect(),
            _ => BTreeSet::new(),
        }
    }
}

/// A difference and its answer.
pub struct Answered<'a> {
    /// Which.
    pub difference: &'static Difference,
    /// Met or not.
    pub answer: Answer<'a>,
    /// What it asks for if it is met.
    pub weight: Weight,
}

/// All of them, in order.
pub fn answers<'a>(tally: &'a Tally, findings: &'a Result<Findings, String>) -> Vec<Answered<'a>> {
    let answered = |difference: &'static Difference| {
        let number = difference.number;
        let (answer, weight) = match means(number) {
            Means::Call(weight) => (by_call(tally, number), weight),
            Means::Watched(weight) => (watched(tally, findings, number), weight),
            Means::Unseen(why) => (Answer::Unseen(why.to_owned()), Weight::Check),
            Means::Harmless(why) => (Answer::Harmless(why), Weight::Check),
        };
        Answered { difference, answer, weight }
    };
    DIFFERENCES.iter().map(answered).collect()
}

fn by_call(tally: &Tally, number: u32) -> Answer<'_> {
    let sites = tally
        .sites
        .iter()
        .filter(|(_, words)| words.0.values().any(|seen| seen.differences.contains(&number)));
    let places: BTreeSet<&Place> = sites.map(|(site, _)| &site.caller).collect();
    if places.is_empty() { Answer::Impossible } else { Answer::ByCall(places) }
}

fn watched<'a>(tally: &Tally, findings: &'a Result<Findings, String>, number: u32) -> Answer<'a> {
    // Of these the flag word tells nothing: any call can meet them.
    const ANY_CALL: [u32; 2] = [7, 26];
    let possible = tally.can_meet(number) || ANY_CALL.contains(&number) && tally.calls() > 0;
    let findings = match findings {
        Err(why) if possible => return Answer::Unseen(why.clone()),
        Err(_) => return Answer::Impossible,
        Ok(findings) => findings,
    };
    let met: Vec<&Meeting> =
        findings.meetings.iter().filter(|meeting| meeting.number == number).collect();
    match (met.is_empty(), possible) {
        (false, _) => Answer::Met(met),
        (true, true) => Answer::NotMet,
        (true, false) => Answer::Impossible,
    }
}
