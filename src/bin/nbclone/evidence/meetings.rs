// SPDX-License-Identifier: MIT OR Apache-2.0
// Copyright (c) 2026 The nbclone developers
//! What was met, by difference and call site.
//!
//! A meeting is seen before or after the line of the trace that tells the call
//! site: before, if the child of CLONE_VFORK met it.

use std::collections::{BTreeMap, HashMap, VecDeque};

use super::kernel;
use crate::flags::{CLONE_CSIGNAL, NETBSD_FLAGS};
use crate::parse::{Place, Record};

/// Processes whose call sites are remembered.
const REMEMBERED: usize = 1 << 16;
/// Meetings without a call site that are kept.
const WAITING: usize = 1 << 14;

/// Whose call the meeting is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Of {
    /// The call of a process with this flag word.
    Caller(i32, u32),
    /// The call that made this child.
    Child(i32),
    /// No call: it is the process's own doing.
    Process,
    /// As Child; but fork makes such children too, and then it is no matter.
    ChildOfClone(i32),
}

/// One difference, met at one call site in one way.
#[derive(Clone, Debug, PartialEq)]
pub struct Meeting {
    /// The difference's number.
    pub number: u32,
    /// The call site; `None` if no line of the trace told it.
    pub place: Option<Place>,
    /// What the program did.
    pub what: String,
    /// The first process that did it.
    pub process: i32,
    /// What that one called itself.
    pub program: String,
    /// How often.
    pub count: u64,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
struct Key {
    number: u32,
    place: Option<usize>,
    what: String,
}

struct Seen {
    process: i32,
    program: String,
    count: u64,
}

struct Waiting {
    number: u32,
    what: String,
    process: i32,
    program: String,
}

/// All meetings of a run.
#[derive(Default)]
pub struct Meetings {
    seen: BTreeMap<Key, Seen>,
    places: Vec<Place>,
    numbers: HashMap<Place, usize>,
    known: HashMap<Of, usize>,
    /// The oldest of them first.
    order: VecDeque<Of>,
    waiting: HashMap<Of, Vec<Waiting>>,
    count_waiting: usize,
}

/// Flag words that are the same but for what the library adds or drops.
fn same(word: u32) -> u32 {
    word & (NETBSD_FLAGS | CLONE_CSIGNAL)
}

impl Meetings {
    /// A process met a difference.
    pub fn add(&mut self, number: u32, of: Of, process: i32, what: String) {
        let of = match of {
            Of::Caller(caller, word) => Of::Caller(caller, same(word)),
            child => child,
        };
        let known = match of {
            Of::ChildOfClone(child) => self.known.get(&Of::Child(child)),
            of => self.known.get(&of),
        };
        let program = kernel::name(process);
        if known.is_some() || of == Of::Process {
            return self.count(Key { number, place: known.copied(), what }, process, program);
        }
        if self.count_waiting >= WAITING {
            self.give_up();
        }
        self.count_waiting += 1;
        let waiting = Waiting { number, what, process, program };
        self.waiting.entry(of).or_default().push(waiting);
    }

    fn count(&mut self, key: Key, process: i32, program: String) {
        self.seen.entry(key).or_insert(Seen { process, program, count: 0 }).count += 1;
    }

    /// Takes a line of the trace.
    pub fn place(&mut self, record: &Record) {
        let Ok(child) = record.result else { return };
        let place = self.number_of(&record.caller);
        let caller = Of::Caller(record.pid, same(record.word));
        for of in [caller, Of::Child(child), Of::ChildOfClone(child)] {
            for one in self.waiting.remove(&of).unwrap_or_default() {
                self.count_waiting -= 1;
                let key = Key { number: one.number, place: Some(place), what: one.what };
                self.count(key, one.process, one.program);
            }
        }
        for of in [caller, Of::Child(child)] {
            if self.known.insert(of, place).is_none() {
                self.order.push_back(of);
            }
        }
        while self.order.len() > REMEMBERED {
            if let Some(oldest) = self.order.pop_front() {
                self.known.remove(&oldest);
            }
        }
    }

    fn number_of(&mut self, place: &Place) -> usize {
        if let Some(&number) = self.numbers.get(place) {
            return number;
        }
        self.places.push(place.clone());
        let number = self.places.len() - 1;
        self.numbers.insert(place.clone(), number);
        number
    }

    /// Counts those whose call site isn't known as such.
    fn give_up(&mut self) {
        let mut all: Vec<(Of, Vec<Waiting>)> = self.waiting.drain().collect();
        all.sort_by_key(|(_, waiting)| waiting.first().map(|one| one.process));
        self.count_waiting = 0;
        for (of, waiting) in all {
            if matches!(of, Of::ChildOfClone(_)) {
                continue;
            }
            for one in waiting {
                let key = Key { number: one.number, place: None, what: one.what };
                self.count(key, one.process, one.program);
            }
        }
    }

    /// All of them, in order.
    pub fn end(mut self) -> Vec<Meeting> {
        self.give_up();
        let places = self.places;
        let meeting = |(key, seen): (Key, Seen)| Meeting {
            number: key.number,
            place: key.place.and_then(|number| places.get(number).cloned()),
            what: key.what,
            process: seen.process,
            program: seen.program,
            count: seen.count,
        };
        self.seen.into_iter().map(meeting).collect()
    }
}
