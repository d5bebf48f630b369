// SPDX-License-Identifier: MIT OR Apache-2.0
// Copyright (c) 2026 The nbclone developers
//! The report as text: call sites and what NetBSD 10 does with them, the
//! differences that were met, the calls that pass by the library, the verdict.

use std::collections::{BTreeMap, BTreeSet};

use crate::advice::{self, Advice};
use crate::bypass::{Bypass, Purpose};
use crate::evidence::Meeting;
use crate::evidence::answers::{Answer, Answered, answers};
use crate::netbsd::Fate;
use crate::parse::{Entry, Place, flag_names, signal_name};
use crate::style::{Style, Tone};
use crate::symbols::Symbols;
use crate::tally::{Run, Site, Tally, Words};
use crate::verdict::{Outcome, counted, list, refused, verdict};

/// Without --full, so many are listed of anything, and the others counted.
const LISTED: usize = 20;
/// The same, of flag words at a call site, and of meetings of a difference.
const LISTED_BELOW: usize = 4;
/// Columns before a call site, and before what belongs to it.
const INDENT: usize = 19;
/// Columns of a count.
const COUNT: usize = 8;

/// Writes a report.
pub struct Report<'a> {
    /// What was counted.
    pub tally: &'a Tally,
    /// What the run was.
    pub run: &'a Run,
    /// Names for places.
    pub symbols: &'a Symbols,
    /// Colours and width.
    pub style: Style,
    /// Everything, however long.
    pub full: bool,
    /// The warnings too: they weren't written to the same place before.
    pub warnings: bool,
}

/// Flags and exit signal as the trace writes them.
pub fn flags(entry: Entry, word: u32) -> String {
    let mut names = flag_names(entry, word);
    names.push(signal_name(word).unwrap_or_else(|| "0".to_owned()));
    names.join("|")
}

/// The function's name.
pub fn entry_name(entry: Entry) -> &'static str {
    match entry {
        Entry::Clone => "clone",
        Entry::Linux1 => "linux1_clone",
    }
}

/// What to do about a call site, by its flag words.
pub fn site_advice(site: &Site, words: &Words) -> BTreeSet<Advice> {
    let of_word = |&word: &u32| match Fate::of(site.entry, word) {
        Fate::Missing => vec![advice::LINUX1],
        Fate::Refused(_) if word & crate::flags::CLONE_PTRACE == 0 => {
            advice::of_difference(1).into_iter().collect()
        }
        Fate::Refused(_) => advice::of_flag("CLONE_PTRACE").into_iter().collect(),
        Fate::Ignored(_) => {
            let names = flag_names(site.entry, word);
            names.iter().filter_map(|name| advice::of_flag(name)).collect()
        }
        Fate::Alike | Fate::RefusedAlike(_) => Vec::new(),
    };
    words.0.keys().flat_map(of_word).collect()
}

fn processes(count: usize) -> String {
    format!("{count} process{}", if count == 1 { "" } else { "es" })
}

impl Report<'_> {
    /// The report.
    pub fn text(&self) -> String {
        let (tally, run) = (self.tally, self.run);
        let answers = answers(tally, &run.evidence);
        let verdict = verdict(tally, run, &answers);
        let first = format!(
            "nbclone: {}: {}; policy {}; {} by {}",
            run.command.first().map_or("", String::as_str),
            run.ended,
            run.policy,
            counted(tally.calls() as usize, "call"),
            processes(tally.processes.len())
        );
        let mut lines = vec![self.style.wrap(&first, 2)];
        let warnings = run.warnings.iter().filter(|_| self.warnings);
        lines.extend(warnings.map(|warning| self.line(0, &format!("warning: {warning}"))));
        lines.extend(self.sites());
        lines.extend(self.met(&answers));
        lines.extend(self.not_met(&answers));
        lines.extend(self.bypass());
        let tone = match verdict.outcome {
            Outcome::Portable => Tone::Good,
            Outcome::NeedsWork => Tone::Bad,
            Outcome::Unknown => Tone::Doubtful,
        };
        let words = verdict.words(|place| self.short(place));
        lines.push(self.style.wrap(&format!("verdict: {}", self.style.paint(tone, &words)), 9));
        lines.join("\n") + "\n"
    }

    /// A line; what doesn't fit stands below its beginning.
    fn line(&self, indent: usize, text: &str) -> String {
        let indent = self.style.indent(indent);
        self.style.wrap(&format!("{}{text}", " ".repeat(indent)), indent + 2)
    }

    fn heading(&self, text: &str) -> String {
        self.style.wrap(&self.style.paint(Tone::Strong, text), 2)
    }

    /// A call site in words, and where it is in its file.
    fn place(&self, place: &Place) -> String {
        let bare = place.words();
        match self.symbols.call(place).words() {
            Some(words) => format!("{} ({bare})", self.style.paint(Tone::Strong, &words)),
            None => self.style.paint(Tone::Strong, &bare),
        }
    }

    /// The same, as short as it can be.
    fn short(&self, place: &Place) -> String {
        self.symbols.call(place).words().unwrap_or_else(|| match place {
            Place::Module(path, offset) => {
                format!("{}+{offset:#x}", path.rsplit('/').next().unwrap_or(path))
            }
            other => other.words(),
        })
    }

    fn listed(&self, usual: usize) -> usize {
        if self.full { usize::MAX } else { usual }
    }

    /// "and 12 more", if there are.
    fn more(&self, indent: usize, count: usize, usual: usize) -> Option<String> {
        let more = count.saturating_sub(self.listed(usual));
        let text = format!("and {more} more (--full lists all)");
        (more > 0).then(|| self.line(indent, &self.style.paint(Tone::Faint, &text)))
    }

    fn sites(&self) -> Vec<String> {
        if self.tally.sites.is_empty() {
            return Vec::new();
        }
        let heading = "   calls   failed  call site, flags, and what NetBSD 10 does";
        let mut lines = vec![String::new(), self.heading(heading)];
        let mut sites: Vec<(&Site, &Words)> = self.tally.sites.iter().collect();
        let need = self.tally.need_work();
        // What needs work comes first, then what is called most.
        sites.sort_by_key(|(site, words)| {
            (!need.contains(&site.caller), std::cmp::Reverse(words.calls()))
        });
        let listed = sites.iter().take(self.listed(LISTED));
        lines.extend(listed.flat_map(|(site, words)| self.site(site, words)));
        lines.extend(self.more(INDENT, sites.len(), LISTED));
        lines
    }

    fn site(&self, site: &Site, words: &Words) -> Vec<String> {
        let errors = words.errors();
        let failed: u64 = errors.values().sum();
        let counts = format!("{:>8} {failed:>8}  {}", words.calls(), self.place(&site.caller));
        let mut lines = vec![self.style.wrap(&counts, self.style.indent(INDENT) + 2)];
        let mut add = |text: &str| lines.push(self.line(INDENT, text));
        let by_calls = words.by_calls();
        for (word, seen) in by_calls.iter().take(self.listed(LISTED_BELOW)) {
            let times = match by_calls.len() {
                1 => String::new(),
                _ => format!(" ({})", counted(seen.calls as usize, "call")),
            };
            add(&format!("{}: {}{times}", entry_name(site.entry), flags(site.entry, *word)));
        }
        if let Some(more) = self.more(INDENT, by_calls.len(), LISTED_BELOW) {
            lines.push(more);
        }
        let mut add = |text: &str| lines.push(self.line(INDENT, text));
        if !errors.is_empty() {
            let errors: Vec<String> =
                errors.iter().map(|(name, count)| format!("{name} {count}")).collect();
            add(&format!("failed: {}", errors.join(", ")));
        }
        // In the order in which flag words have them, each once.
        let mut said = BTreeSet::new();
        for word in words.0.keys() {
            let fate = Fate::of(site.entry, *word);
            let tone = if fate.needs_work() { Tone::Bad } else { Tone::Good };
            for text in fate.words() {
                if said.insert(text.clone()) {
                    add(&format!("NetBSD 10: {}", self.style.paint(tone, &text)));
                }
            }
        }
        for advice in site_advice(site, words) {
            add(&advised(advice));
        }
        lines
    }

    fn met(&self, answers: &[Answered]) -> Vec<String> {
        let mut lines = Vec::new();
        for answered in answers {
            let difference = answered.difference;
            let number = difference.number;
            let entries = match &answered.answer {
                Answer::Met(meetings) => self.meetings(meetings),
                // Of the flags each call site tells already.
                Answer::ByCall(places) if number > 3 => {
                    let mut entries: Vec<String> = places
                        .iter()
                        .take(self.listed(LISTED_BELOW))
                        .map(|place| self.line(6, &format!("at {}", self.place(place))))
                        .collect();
                    entries.extend(self.more(6, places.len(), LISTED_BELOW));
                    entries
                }
                _ => continue,
            };
            if lines.is_empty() {
                lines = vec![String::new(), self.heading("Differences that were met in this run:")];
            }
            lines.push(self.line(2, &format!("[{number}] {}", difference.topic)));
            let both = format!("NetBSD: {}; Linux: {}", difference.netbsd, difference.linux);
            lines.push(self.line(6, &both));
            lines.extend(entries);
            if let Some(advice) = advice::of_difference(number) {
                lines.push(self.line(6, &advised(advice)));
            }
        }
        lines
    }

    fn meetings(&self, meetings: &[&Meeting]) -> Vec<String> {
        let listed = meetings.iter().take(self.listed(LISTED_BELOW));
        let mut lines: Vec<String> = listed
            .map(|one| {
                let place = one.place.as_ref().map(|place| format!("at {}: ", self.place(place)));
                let times =
                    if one.count > 1 { format!(", {} times", one.count) } else { String::new() };
                let by = format!("process {}, {}{times}", one.process, one.program);
                self.line(6, &format!("{}{} ({by})", place.unwrap_or_default(), one.what))
            })
            .collect();
        lines.extend(self.more(6, meetings.len(), LISTED_BELOW));
        lines
    }

    fn not_met(&self, answers: &[Answered]) -> Vec<String> {
        if self.tally.calls() == 0 {
            return vec![String::new()];
        }
        let numbers = |wanted: fn(&Answer) -> bool| {
            let these = answers.iter().filter(|answered| wanted(&answered.answer));
            these.map(|answered| answered.difference.number).collect::<Vec<u32>>()
        };
        let not_met = numbers(|answer| matches!(answer, Answer::NotMet));
        let impossible = numbers(|answer| matches!(answer, Answer::Impossible));
        let mut lines = vec![String::new()];
        if self.full {
            lines.push(self.heading("Differences that were not met in this run:"));
            for answered in answers {
                let why = match answered.answer {
                    Answer::NotMet => "",
                    Answer::Impossible => " (no call of this run can)",
                    _ => continue,
                };
                let difference = answered.difference;
                let both = format!("NetBSD: {}; Linux: {}", difference.netbsd, difference.linux);
                let topic = format!("[{}] {}{why}", difference.number, difference.topic);
                lines.push(self.line(2, &topic));
                lines.push(self.line(6, &self.style.paint(Tone::Faint, &both)));
            }
        } else if !not_met.is_empty() || !impossible.is_empty() {
            lines.push(self.line(
                0,
                &format!(
                    "Differences not met: {} that such calls can meet, {} that they can't \
                     (--full lists them).",
                    not_met.len(),
                    impossible.len()
                ),
            ));
        }
        let mut unseen: BTreeMap<&str, Vec<u32>> = BTreeMap::new();
        for answered in answers {
            if let Answer::Unseen(why) = &answered.answer {
                unseen.entry(why).or_default().push(answered.difference.number);
            }
        }
        if !unseen.is_empty() {
            let unseen: Vec<String> =
                unseen.iter().map(|(why, numbers)| format!("{} ({why})", list(numbers))).collect();
            lines.push(self.line(0, &format!("Can't be seen: {}.", unseen.join("; "))));
        }
        lines
    }

    fn bypass(&self) -> Vec<String> {
        let bypass: &Bypass = match &self.run.bypass {
            Err(why) => {
                let text = format!("Calls that bypass the library aren't seen: {why}.");
                return vec![self.line(0, &text)];
            }
            Ok(bypass) => bypass,
        };
        let by: BTreeSet<&i32> = bypass.calls.values().flat_map(BTreeMap::keys).collect();
        let calls: u64 = bypass.calls.values().flat_map(BTreeMap::values).sum();
        let mut lines = vec![self.line(
            0,
            &format!(
                "Calls that bypass the library: {calls} by {} ({} passed by it)",
                processes(by.len()),
                bypass.library
            ),
        )];
        lines.extend(bypass.refused.iter().map(|program| self.line(INDENT, &refused(program))));
        let mut raw = false;
        for (key, counts) in bypass.calls.iter().take(self.listed(LISTED)) {
            let calls: u64 = counts.values().sum();
            let what = match key.purpose {
                Purpose::Raw => {
                    raw = true;
                    format!("a raw {} at {}", key.call.name(), self.place(&key.place))
                }
                Purpose::Missed => {
                    format!("{}, at {}", key.purpose.words(), self.place(&key.place))
                }
                purpose => purpose.words().to_owned(),
            };
            let flags = flags(Entry::Clone, key.word as u32);
            // Under the call sites, where there is room.
            let indent = self.style.indent(INDENT);
            let gap = " ".repeat(indent.saturating_sub(COUNT).max(2));
            let line = format!("{calls:>COUNT$}{gap}{what}: {flags}");
            lines.push(self.style.wrap(&line, indent + 2));
            let by: Vec<String> = counts
                .iter()
                .take(self.listed(LISTED_BELOW))
                .map(|(pid, count)| format!("{pid}: {count}"))
                .collect();
            lines.push(self.line(INDENT, &format!("by process {}", by.join(", "))));
            lines.extend(self.more(INDENT, counts.len(), LISTED_BELOW));
        }
        lines.extend(self.more(INDENT, bypass.calls.len(), LISTED));
        if raw {
            lines.push(self.line(INDENT, &advised(advice::RAW)));
        }
        lines.push(String::new());
        lines
    }
}

fn advised(advice: Advice) -> String {
    format!("to do: {} ({}, \"{}\")", advice.line, advice::FILE, advice.section)
}
