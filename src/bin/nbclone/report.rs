//! The report: call sites, what NetBSD 10 does with them, and the verdict.

use std::collections::{BTreeMap, BTreeSet};

use crate::bypass::{Bypass, Purpose};
use crate::completeness::Completeness;
use crate::differences;
use crate::netbsd::Fate;
use crate::parse::{Entry, Place, Record, flag_names, signal_name};
use crate::symbols::Symbols;

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
}

/// Calls that are alike.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct Site {
    /// The call site.
    pub caller: Place,
    /// Which function.
    pub entry: Entry,
    /// The flag word.
    pub word: u32,
}

/// What was seen of them.
#[derive(Default)]
pub struct Seen {
    /// How often.
    pub calls: u64,
    /// How often each errno came.
    pub errors: BTreeMap<String, u64>,
    /// The numbers of the differences that can matter.
    pub differences: BTreeSet<u32>,
}

/// What was counted during a run.
#[derive(Default)]
pub struct Tally {
    /// By call site and flag word.
    pub sites: BTreeMap<Site, Seen>,
    /// The processes that called.
    pub processes: BTreeSet<i32>,
    /// Lines that processes couldn't write, at most.
    pub lost: u64,
}

impl Tally {
    /// Counts a call.
    pub fn count(&mut self, record: &Record) {
        let site = Site { caller: record.caller.clone(), entry: record.entry, word: record.word };
        let seen = self.sites.entry(site).or_default();
        seen.calls += 1;
        if let Err(error) = &record.result {
            *seen.errors.entry(error.clone()).or_default() += 1;
        }
        if record.entry == Entry::Clone {
            let matter = differences::of(record.word, record.stack);
            seen.differences.extend(matter.map(|difference| difference.number));
        }
        self.processes.insert(record.pid);
        self.lost += u64::from(record.lost);
    }

    /// All calls.
    pub fn calls(&self) -> u64 {
        self.sites.values().map(|seen| seen.calls).sum()
    }

    /// The differences that can matter for any site.
    pub fn differences(&self) -> impl Iterator<Item = &'static differences::Difference> {
        let all: BTreeSet<u32> =
            self.sites.values().flat_map(|seen| &seen.differences).copied().collect();
        differences::DIFFERENCES.iter().filter(move |difference| all.contains(&difference.number))
    }
}

/// The end of it all.
pub struct Verdict {
    /// Call sites, whatever their flag words.
    pub sites: usize,
    /// Those that need work.
    pub work: usize,
    /// Raw system calls, by call site.
    pub raw: usize,
    /// The last line.
    pub words: String,
}

/// The verdict on a run.
pub fn verdict(tally: &Tally, run: &Run) -> Verdict {
    let places = |wanted: fn(&Site) -> bool| {
        let sites = tally.sites.keys().filter(|site| wanted(site));
        sites.map(|site| &site.caller).collect::<BTreeSet<_>>().len()
    };
    let sites = places(|_| true);
    let work = places(|site| Fate::of(site.entry, site.word).needs_work());
    let raw = run.bypass.as_ref().map_or(0, |bypass| {
        let raw =
            bypass.calls.keys().filter(|key| matches!(key.purpose, Purpose::Raw | Purpose::Missed));
        raw.map(|key| &key.place).collect::<BTreeSet<_>>().len()
    });
    let total = sites + raw;
    let untraced =
        run.completeness.is_some() || run.bypass.as_ref().is_ok_and(|bypass| bypass.library > 0);
    let words = match (total, work + raw) {
        _ if run.completeness.is_some() => {
            let missing = run.completeness.as_ref().map(Completeness::words).unwrap_or_default();
            format!("{missing}; no verdict")
        }
        (0, _) if untraced => {
            "clone was called, but no line of it came: there is nothing to judge".to_owned()
        }
        (0, _) => "no call of clone was seen: there is nothing to judge".to_owned(),
        (_, 0) => format!("portable as it is ({})", counted(total, "call site")),
        (_, work) => {
            let need = if work == 1 { "needs" } else { "need" };
            format!("{work} of {} {need} work", counted(total, "call site"))
        }
    };
    Verdict { sites, work, raw, words }
}

fn counted(count: usize, what: &str) -> String {
    format!("{count} {what}{}", if count == 1 { "" } else { "s" })
}

fn processes(count: usize) -> String {
    format!("{count} process{}", if count == 1 { "" } else { "es" })
}

/// Flags and exit signal as the trace writes them.
pub fn flags(entry: Entry, word: u32) -> String {
    let mut names = flag_names(entry, word);
    names.push(signal_name(word).unwrap_or_else(|| "0".to_owned()));
    names.join("|")
}

/// A call site in words.
pub fn place_words(place: &Place, symbols: &Symbols) -> String {
    let bare = match place {
        Place::Module(path, offset) => format!("{path}+{offset:#x}"),
        Place::Address(address) => format!("{address:#x}"),
        Place::Unknown => "an unknown place".to_owned(),
    };
    match symbols.call(place).words() {
        Some(words) => format!("{words} ({bare})"),
        None => bare,
    }
}

/// The report as text.
pub fn text(tally: &Tally, run: &Run, symbols: &Symbols) -> String {
    let mut lines = vec![format!(
        "nbclone: {}: {}; policy {}; {} by {}",
        run.command.first().map_or("", String::as_str),
        run.ended,
        run.policy,
        counted(tally.calls() as usize, "call"),
        processes(tally.processes.len())
    )];
    lines.extend(run.warnings.iter().map(|warning| format!("warning: {warning}")));
    if !tally.sites.is_empty() {
        lines.push(String::new());
        lines.push("   calls   failed  call site, flags, and what NetBSD 10 does".to_owned());
        lines.extend(tally.sites.iter().flat_map(|(site, seen)| site_lines(site, seen, symbols)));
    }
    let mut differences = tally.differences().peekable();
    if differences.peek().is_some() {
        lines.push(String::new());
        lines.push(
            "What differs on NetBSD 10 for such calls, where it matters (measured):".to_owned(),
        );
    }
    for difference in differences {
        let matters = match difference.matters {
            "" => String::new(),
            matters => format!(" ({matters})"),
        };
        lines.push(format!("  [{}] {}{matters}", difference.number, difference.topic));
        lines.push(format!("       NetBSD: {}; Linux: {}", difference.netbsd, difference.linux));
    }
    lines.push(String::new());
    lines.extend(bypass_lines(&run.bypass, symbols));
    lines.push(format!("verdict: {}", verdict(tally, run).words));
    lines.join("\n") + "\n"
}

fn site_lines(site: &Site, seen: &Seen, symbols: &Symbols) -> Vec<String> {
    const INDENT: &str = "                   ";
    let failed: u64 = seen.errors.values().sum();
    let name = match site.entry {
        Entry::Clone => "clone",
        Entry::Linux1 => "linux1_clone",
    };
    let place = place_words(&site.caller, symbols);
    let mut lines = vec![
        format!("{:>8} {failed:>8}  {place}", seen.calls),
        format!("{INDENT}{name}: {}", flags(site.entry, site.word)),
    ];
    if !seen.errors.is_empty() {
        let errors: Vec<String> =
            seen.errors.iter().map(|(name, count)| format!("{name} {count}")).collect();
        lines.push(format!("{INDENT}failed: {}", errors.join(", ")));
    }
    for words in Fate::of(site.entry, site.word).words() {
        lines.push(format!("{INDENT}NetBSD 10: {words}"));
    }
    if !seen.differences.is_empty() {
        let numbers: Vec<String> =
            seen.differences.iter().map(|number| format!("[{number}]")).collect();
        lines.push(format!("{INDENT}differs: {}", numbers.join(" ")));
    }
    lines
}

fn bypass_lines(bypass: &Result<Bypass, String>, symbols: &Symbols) -> Vec<String> {
    let bypass = match bypass {
        Err(why) => return vec![format!("Calls that bypass the library aren't seen: {why}.")],
        Ok(bypass) => bypass,
    };
    let by: BTreeSet<&i32> = bypass.calls.values().flat_map(BTreeMap::keys).collect();
    let calls: u64 = bypass.calls.values().flat_map(BTreeMap::values).sum();
    let mut lines = vec![format!(
        "Calls that bypass the library: {calls} by {} ({} passed by it)",
        processes(by.len()),
        bypass.library
    )];
    for (key, counts) in &bypass.calls {
        let calls: u64 = counts.values().sum();
        let what = match key.purpose {
            Purpose::Raw => {
                format!("a raw {} at {}", key.call.name(), place_words(&key.place, symbols))
            }
            Purpose::Missed => {
                let place = place_words(&key.place, symbols);
                format!("{} ({}), at {place}", key.purpose.words(), key.call.name())
            }
            purpose => purpose.words().to_owned(),
        };
        let flags = flags(Entry::Clone, key.word as u32);
        lines.push(format!("{calls:>8}           {what}: {flags}"));
        let by: Vec<String> = counts.iter().map(|(pid, count)| format!("{pid}: {count}")).collect();
        lines.push(format!("                   by process {}", by.join(", ")));
    }
    lines.push(String::new());
    lines
}
