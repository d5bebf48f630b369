// SPDX-License-Identifier: MIT OR Apache-2.0
// Copyright (c) 2026 The nbclone developers
//! The report and the pages that it names.

#[path = "common/command.rs"]
mod common;

#[path = "../src/bin/nbclone/advice.rs"]
#[allow(dead_code)]
mod advice;

use common::*;
use serde_json::Value;
use std::collections::BTreeSet;

fn page(path: &str) -> String {
    let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join(path);
    std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// What the report sends its reader to is there, and nothing there is unnamed.
#[test]
fn each_advice_has_its_section() {
    let text = page(advice::FILE);
    let headings: Vec<&str> = text.lines().filter_map(|line| line.strip_prefix("### ")).collect();
    let sections: BTreeSet<&str> = advice::all().map(|advice| advice.section).collect();
    for section in &sections {
        assert_eq!(
            headings.iter().filter(|heading| heading == &section).count(),
            1,
            "{}: one \"### {section}\"",
            advice::FILE
        );
    }
    for heading in headings {
        assert!(sections.contains(heading), "no advice leads to \"### {heading}\"");
    }
}

/// Of each difference that can be met there is advice: not of 2 and 3, which
/// are the flags'.
#[test]
fn each_difference_has_advice() {
    let output = nbclone().args(["--json", "true"]).output().expect("it runs");
    let report: Value = serde_json::from_str(&err(&output)).expect("JSON");
    for difference in report["differences"].as_array().expect("an array") {
        let number = difference["number"].as_u64().expect("a number");
        let none = difference["answer"] == "harmless" || [2, 3, 6].contains(&number);
        assert_eq!(difference["advice"].is_null(), none, "{difference:#}");
    }
}

fn names(value: &Value, into: &mut BTreeSet<String>) {
    match value {
        Value::Array(all) => all.iter().for_each(|one| names(one, into)),
        Value::Object(all) => {
            for (name, one) in all {
                // Errors and processes are named by what they are.
                let chosen = name.starts_with('E') || name.parse::<u32>().is_ok();
                if !chosen {
                    into.insert(name.clone());
                }
                names(one, into);
            }
        }
        _ => {}
    }
}

/// nbclone(1) has each name of the JSON form.
#[test]
fn the_manual_has_each_name_of_the_json_form() {
    let mut command = nbclone();
    command.args(["--json", "--all-calls", "--policy", "host"]).arg(compiled("calls"));
    let calls = ["copy", "namespace", "ptrace", "raw-clone", "fork"];
    let with = command.args(calls).output().expect("it runs");
    let mut command = nbclone();
    command.args(["--json", "--no-evidence"]).arg(compiled("calls"));
    let without = command.arg("copy").output().expect("it runs");
    let mut all = BTreeSet::new();
    for output in [with, without] {
        names(&serde_json::from_str(&err(&output)).expect("JSON"), &mut all);
    }
    let manual = page("man/nbclone.1");
    let form = manual.split(".Ss JSON").nth(1).and_then(|rest| rest.split(".Sh ").next());
    let words: BTreeSet<&str> =
        form.expect("a section").split(|c: char| !c.is_alphanumeric() && c != '_').collect();
    let missing: Vec<&String> = all.iter().filter(|name| !words.contains(name.as_str())).collect();
    assert!(missing.is_empty(), "nbclone(1) doesn't have {missing:?}");
}
