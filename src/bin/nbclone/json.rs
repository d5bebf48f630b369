//! The report as JSON. nbclone(1) documents it.

use serde_json::{Map, Value, json};

use crate::bypass::Bypass;
use crate::netbsd::Fate;
use crate::parse::{Entry, Place, flag_names, signal_name};
use crate::report::{Run, Seen, Site, Tally, verdict};
use crate::symbols::{Symbol, Symbols};

/// The report.
pub fn report(tally: &Tally, run: &Run, symbols: &Symbols) -> String {
    let verdict = verdict(tally, run);
    let sites: Vec<Value> =
        tally.sites.iter().map(|(key, seen)| site(key, seen, symbols)).collect();
    let differences: Vec<Value> = tally
        .differences()
        .map(|difference| {
            json!({
                "number": difference.number,
                "topic": difference.topic,
                "netbsd": difference.netbsd,
                "linux": difference.linux,
                "matters": difference.matters,
            })
        })
        .collect();
    let value = json!({
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
        "bypass": bypass(&run.bypass, symbols),
        "verdict": {
            "portable": run.completeness.is_none() && verdict.sites + verdict.raw > 0 && verdict.work + verdict.raw == 0,
            "sites": verdict.sites,
            "need_work": verdict.work,
            "raw_sites": verdict.raw,
            "words": verdict.words,
        },
    });
    format!("{value:#}\n")
}

fn site(site: &Site, seen: &Seen, symbols: &Symbols) -> Value {
    let fate = Fate::of(site.entry, site.word);
    let mut value = place(&site.caller, symbols.call(&site.caller));
    let call = match site.entry {
        Entry::Clone => "clone",
        Entry::Linux1 => "linux1_clone",
    };
    value.insert("call".to_owned(), json!(call));
    add_flags(&mut value, site.entry, u64::from(site.word));
    value.insert("calls".to_owned(), json!(seen.calls));
    value.insert("errors".to_owned(), json!(seen.errors));
    value.insert("netbsd".to_owned(), json!(fate.keyword()));
    value.insert("reasons".to_owned(), json!(fate.words()));
    value.insert("needs_work".to_owned(), json!(fate.needs_work()));
    value.insert("differences".to_owned(), json!(seen.differences));
    Value::Object(value)
}

fn bypass(bypass: &Result<Bypass, String>, symbols: &Symbols) -> Value {
    let bypass = match bypass {
        Err(why) => return json!({ "counted": false, "why": why }),
        Ok(bypass) => bypass,
    };
    let calls = bypass.calls.iter().map(|(key, counts)| {
        let mut value = place(&key.place, symbols.call(&key.place));
        value.insert("purpose".to_owned(), json!(key.purpose.keyword()));
        value.insert("call".to_owned(), json!(key.call.name()));
        add_flags(&mut value, Entry::Clone, key.word);
        value.insert("calls".to_owned(), json!(counts.values().sum::<u64>()));
        let counts: Map<String, Value> =
            counts.iter().map(|(pid, count)| (pid.to_string(), json!(count))).collect();
        value.insert("processes".to_owned(), Value::Object(counts));
        Value::Object(value)
    });
    json!({ "counted": true, "library": bypass.library, "calls": calls.collect::<Vec<_>>() })
}

fn place(place: &Place, symbol: Symbol) -> Map<String, Value> {
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
