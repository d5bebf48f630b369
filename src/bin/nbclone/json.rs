// SPDX-License-Identifier: MIT OR Apache-2.0
// Copyright (c) 2026 The nbclone developers
//! The report as JSON. nbclone(1) documents it.

use serde_json::{Map, Value, json};

use crate::advice::{self, Advice};
use crate::bypass::Bypass;
use crate::evidence::Meeting;
use crate::evidence::answers::{Answer, Answered, Weight, answers};
use crate::netbsd::Fate;
use crate::parse::{Entry, Place, flag_names, signal_name};
use crate::report::{entry_name, site_advice};
use crate::symbols::Symbols;
use crate::tally::{Run, Seen, Site, Tally, Words};
use crate::verdict::{Outcome, verdict};

/// Of the form: another one when a name is taken away or means something else.
const VERSION: u32 = 1;

/// The report.
pub fn report(tally: &Tally, run: &Run, symbols: &Symbols) -> String {
    let answers = answers(tally, &run.evidence);
    let verdict = verdict(tally, run, &answers);
    let sites: Vec<Value> =
        tally.sites.iter().map(|(key, words)| site(key, words, symbols)).collect();
    let differences: Vec<Value> =
        answers.iter().map(|answered| difference(answered, symbols)).collect();
    let evidence = match &run.evidence {
        Ok(findings) => json!({ "collected": true, "unread": findings.unread }),
        Err(why) => json!({ "collected": false, "why": why }),
    };
    let work: Vec<Value> =
        verdict.work.iter().map(|known| Value::Object(place(known, symbols))).collect();
    let words = verdict.words(|place| {
        let symbol = symbols.call(place).words();
        symbol.unwrap_or_else(|| place.words())
    });
    let value = json!({
        "version": VERSION,
        "nbclone": env!("CARGO_PKG_VERSION"),
        "command": run.command,
        "policy": run.policy,
        "status": run.status,
        "warnings": run.warnings,
        "calls": tally.calls(),
        "processes": tally.processes.len(),
        "missing": run.completeness.as_ref().map_or(0, |part| part.made - part.seen),
        "sites": sites,
        "differences": differences,
        "evidence": evidence,
        "bypass": bypass(&run.bypass, symbols),
        "verdict": {
            "outcome": verdict.outcome.keyword(),
            "portable": verdict.outcome == Outcome::Portable,
            "sites": verdict.sites,
            "raw_sites": verdict.raw,
            "need_work": work.len(),
            "places": work,
            "check": verdict.check,
            "words": words,
        },
    });
    format!("{value:#}\n")
}

fn site(site: &Site, words: &Words, symbols: &Symbols) -> Value {
    let mut value = place(&site.caller, symbols);
    let mut add = |name: &str, what: Value| value.insert(name.to_owned(), what);
    add("call", json!(entry_name(site.entry)));
    add("calls", json!(words.calls()));
    add("errors", json!(words.errors()));
    let need = words.0.keys().any(|&word| Fate::of(site.entry, word).needs_work());
    add("needs_work", json!(need));
    let advice: Vec<Value> = site_advice(site, words).into_iter().map(advised).collect();
    add("advice", json!(advice));
    let words: Vec<Value> =
        words.0.iter().map(|(&key, seen)| word(site.entry, key, seen)).collect();
    add("words", json!(words));
    Value::Object(value)
}

fn word(entry: Entry, word: u32, seen: &Seen) -> Value {
    let fate = Fate::of(entry, word);
    let mut value = Map::new();
    add_flags(&mut value, entry, u64::from(word));
    let mut add = |name: &str, what: Value| value.insert(name.to_owned(), what);
    add("calls", json!(seen.calls));
    add("errors", json!(seen.errors));
    add("netbsd", json!(fate.keyword()));
    add("reasons", json!(fate.words()));
    add("needs_work", json!(fate.needs_work()));
    add("differences", json!(seen.differences));
    Value::Object(value)
}

fn difference(answered: &Answered, symbols: &Symbols) -> Value {
    let difference = answered.difference;
    let why = match &answered.answer {
        Answer::Unseen(why) => Some(why.as_str()),
        Answer::Harmless(why) => Some(*why),
        _ => None,
    };
    let met: Vec<Value> = match &answered.answer {
        Answer::ByCall(places) => {
            places.iter().map(|known| Value::Object(place(known, symbols))).collect()
        }
        Answer::Met(meetings) => meetings.iter().map(|one| meeting(one, symbols)).collect(),
        _ => Vec::new(),
    };
    let weight = match answered.weight {
        Weight::Work => "work",
        Weight::Check => "check",
    };
    json!({
        "number": difference.number,
        "topic": difference.topic,
        "netbsd": difference.netbsd,
        "linux": difference.linux,
        "matters": difference.matters,
        "answer": answered.answer.keyword(),
        "possible": !matches!(answered.answer, Answer::Impossible | Answer::Harmless(_)),
        "why": why,
        "met": met,
        "weight": weight,
        "advice": advice::of_difference(difference.number).map(advised),
    })
}

fn meeting(meeting: &Meeting, symbols: &Symbols) -> Value {
    let mut value = place(meeting.place.as_ref().unwrap_or(&Place::Unknown), symbols);
    let mut add = |name: &str, what: Value| value.insert(name.to_owned(), what);
    add("what", json!(meeting.what));
    add("process", json!(meeting.process));
    add("program", json!(meeting.program));
    add("count", json!(meeting.count));
    Value::Object(value)
}

fn advised(advice: Advice) -> Value {
    json!({ "what": advice.line, "file": advice::FILE, "section": advice.section })
}

fn bypass(bypass: &Result<Bypass, String>, symbols: &Symbols) -> Value {
    let bypass = match bypass {
        Err(why) => return json!({ "counted": false, "why": why }),
        Ok(bypass) => bypass,
    };
    let calls = bypass.calls.iter().map(|(key, counts)| {
        let mut value = place(&key.place, symbols);
        value.insert("purpose".to_owned(), json!(key.purpose.keyword()));
        value.insert("call".to_owned(), json!(key.call.name()));
        add_flags(&mut value, Entry::Clone, key.word);
        value.insert("calls".to_owned(), json!(counts.values().sum::<u64>()));
        let counts: Map<String, Value> =
            counts.iter().map(|(pid, count)| (pid.to_string(), json!(count))).collect();
        value.insert("processes".to_owned(), Value::Object(counts));
        Value::Object(value)
    });
    json!({ "counted": true, "library": bypass.library, "refused": bypass.refused, "calls": calls.collect::<Vec<_>>() })
}

fn place(place: &Place, symbols: &Symbols) -> Map<String, Value> {
    let symbol = symbols.call(place);
    let (module, offset) = match place {
        Place::Module(path, offset) => (Some(path.as_str()), Some(*offset)),
        Place::Address(address) => (None, Some(*address)),
        Place::Unknown => (None, None),
    };
    let (file, line) = symbol.line.map_or((None, None), |(file, line)| (Some(file), Some(line)));
    let mut value = Map::new();
    value.insert("module".to_owned(), json!(module));
    value.insert("offset".to_owned(), json!(offset));
    value.insert("function".to_owned(), json!(symbol.function));
    value.insert("file".to_owned(), json!(file));
    value.insert("line".to_owned(), json!(line));
    value
}

fn add_flags(value: &mut Map<String, Value>, entry: Entry, word: u64) {
    value.insert("flag_word".to_owned(), json!(word));
    value.insert("flags".to_owned(), json!(flag_names(entry, word as u32)));
    value.insert("exit_signal".to_owned(), json!(signal_name(word as u32)));
}
