// SPDX-License-Identifier: MIT OR Apache-2.0
// Copyright (c) 2026 The nbclone developers
//! docs/porting.md: its C is that of examples/porting, whose programs run on both
//! sides of the port, and its words are the report's.

#[path = "common/command.rs"]
mod common;

use common::*;
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

const PAGE: &str = "docs/porting.md";
const EXAMPLES: &str = "examples/porting";

/// Ported programs whose section the report names still, and why.
const NAMED_STILL: [(&str, &str); 2] = [
    ("altstack.c", "the report goes by the parent's stack, not by what the child does first"),
    ("waits.c", "__WCLONE and WALTSIG are one number on Linux"),
];

fn top() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn read(path: &str) -> String {
    fs::read_to_string(top().join(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
}

/// Without the line breaks, of which page and report have their own.
fn joined(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// What stands below each heading of the third order.
fn sections(page: &str) -> BTreeMap<&str, &str> {
    let pieces = page.split("\n### ").skip(1);
    let pieces = pieces.map(|piece| piece.split("\n## ").next().unwrap_or(piece));
    pieces.filter_map(|piece| piece.split_once('\n')).collect()
}

/// The files of examples/porting that a section links to.
fn examples_of(section: &str) -> Vec<&str> {
    let links = section.split("(../examples/porting/").skip(1);
    links.filter_map(|rest| rest.split(')').next()).collect()
}

#[test]
fn the_page_shows_what_the_examples_have() {
    let page = read(PAGE);
    let mut linked = BTreeSet::new();
    for (heading, section) in sections(&page) {
        let files = examples_of(section);
        linked.extend(files.iter().map(|&file| file.to_owned()));
        let sources: Vec<String> =
            files.iter().map(|file| read(&format!("{EXAMPLES}/{file}"))).collect();
        for block in section.split("```c\n").skip(1) {
            let block = block.split("```").next().unwrap_or_default();
            let found = sources.iter().any(|source| source.contains(block));
            assert!(found, "{heading}: {files:?} should contain, line by line,\n{block}");
        }
    }
    let files: BTreeSet<String> = examples().into_iter().map(|(name, _)| name).collect();
    assert_eq!(linked, files, "the sections of {PAGE} link to each file of {EXAMPLES}");
}

/// Each program, by the file's name.
fn examples() -> Vec<(String, PathBuf)> {
    let entries = fs::read_dir(top().join(EXAMPLES)).expect(EXAMPLES);
    let paths = entries.map(|entry| entry.expect("an entry").path());
    let mut all: Vec<(String, PathBuf)> = paths
        .map(|path| (path.file_name().expect("a name").to_string_lossy().into_owned(), path))
        .collect();
    all.sort();
    all
}

/// Compiles an example without a warning: for Linux alone by the system's headers
/// and libc's clone, or ported, with ours.
fn compile(compiler: &str, source: &Path, program: &Path, is_linux_only: bool) {
    let mut command = Command::new(compiler);
    let warnings = ["-Wall", "-Wextra", "-Wpedantic", "-Werror"];
    command.args(warnings).args(["-std=gnu11", "-g", "-O1", "-pthread"]);
    if is_linux_only {
        command.args(["-D_GNU_SOURCE", "-DLINUX_ONLY"]).arg(source);
    } else {
        command.arg("-I").arg(top().join("include")).arg(source).arg(built("libnbclone.so"));
    }
    let output = command.arg("-o").arg(program).output().expect(compiler);
    assert!(output.status.success(), "{compiler}: {}", err(&output));
}

/// The report of a run, in one line; `None` if the program wants root and hasn't.
fn report(program: &Path, policy: &str) -> Option<String> {
    let mut command = nbclone();
    command.args(["--all-calls", "--report", "--full", "--policy", policy]).arg(program);
    let output = command.output().expect("nbclone runs");
    if output.status.code() == Some(77) {
        skip(&format!("{}: {}", program.display(), err(&output)));
        return None;
    }
    assert!(output.status.success(), "{program:?}: {}\n{}", output.status, err(&output));
    Some(joined(&err(&output)))
}

/// The report on the Linux program names the section that has the ported one,
/// and has nothing left to do for that.
#[test]
fn the_report_leads_from_each_linux_program_to_its_port() {
    let page = read(PAGE);
    let place = directory("porting");
    let _ = std::os::unix::fs::symlink(built("libnbclone.so"), place.join("libnbclone.so.1"));
    let has_clang = have("clang", "clang");
    for (heading, section) in sections(&page) {
        for name in examples_of(section) {
            let source = top().join(EXAMPLES).join(name);
            let linux = place.join(format!("{name}.linux"));
            let ported = place.join(format!("{name}.ported"));
            if has_clang {
                compile("clang", &source, &linux, true);
                compile("clang", &source, &ported, false);
            }
            compile("cc", &source, &linux, true);
            compile("cc", &source, &ported, false);
            // A thread pointer of its own needs what the other architectures
            // each have in another way.
            let runs = name != "storage.c" || cfg!(target_arch = "x86_64");
            if runs {
                let Some(before) = report(&linux, "host") else { continue };
                let named = format!("({PAGE}, \"{heading}\")");
                assert!(before.contains(&named), "{name}: expected {named} in {before}");
            }
            let Some(after) = report(&ported, "strict") else { continue };
            let verdict = after.split("verdict: ").nth(1).unwrap_or_default();
            let is_still = NAMED_STILL.iter().any(|(file, _)| *file == name);
            let named = after.contains(&format!("\"{heading}\""));
            assert_eq!(named, is_still, "{name}, ported: {heading} in {after}");
            let is_portable = verdict.starts_with("portable ") || name == "altstack.c";
            assert!(is_portable, "{name}, ported: {verdict}");
        }
    }
}

/// The page quotes what the report says of each difference and of each flag, so
/// that a search for the report's words finds the section.
#[test]
fn the_page_has_the_reports_words() {
    let page = read(PAGE);
    let sections = sections(&page);
    let options = ["--policy", "netbsd", "--no-isolation", "--json"];
    let output = nbclone().args(options).arg(compiled("every_flag")).output().expect("it runs");
    let report: Value = serde_json::from_str(&err(&output)).expect("JSON");
    let text = |value: &Value| value.as_str().expect("words").to_owned();
    let quotes = |section: &str, words: &str| {
        let there = sections.get(section).is_some_and(|text| {
            let lines = joined(text);
            lines.contains(&format!("`{words}`"))
        });
        assert!(there, "{PAGE}, \"{section}\" should quote `{words}`");
    };
    for difference in report["differences"].as_array().expect("an array") {
        let words = format!("[{}] {}", difference["number"], text(&difference["topic"]));
        if let Some(section) = difference["advice"]["section"].as_str() {
            quotes(section, &words);
        }
    }
    let mut count = 0;
    for site in report["sites"].as_array().expect("an array") {
        let words = site["words"].as_array().expect("an array");
        for word in words.iter().filter(|word| word["netbsd"] != "alike") {
            for reason in word["reasons"].as_array().expect("an array") {
                let reason = text(reason);
                // How it is known: "(measured)".
                let words = reason.split(" (").next().unwrap_or_default();
                let heading = sections.iter().find(|(_, text)| joined(text).contains(words));
                let (heading, _) =
                    heading.unwrap_or_else(|| panic!("{PAGE} should quote `{words}`"));
                quotes(heading, words);
                count += usize::from(reason.starts_with("ignores CLONE_"));
            }
        }
    }
    assert_eq!(count, 17, "flags that are ignored: {report:#}");
}

/// The index has each flag that the overlay header hides, and each number of the
/// measured differences.
#[test]
fn the_index_is_complete() {
    let page = read(PAGE);
    let index = page.split("\n## ").find(|part| part.starts_with("Index\n")).expect("an index");
    let cells: BTreeSet<&str> = index
        .lines()
        .filter_map(|line| line.strip_prefix("| "))
        .filter_map(|line| line.split(" |").next())
        .flat_map(|cell| cell.split(", "))
        .collect();
    let header = read("include/sched.h");
    let flags: BTreeSet<&str> = header
        .lines()
        .filter_map(|line| line.strip_prefix("# undef CLONE_"))
        .filter_map(|name| name.split_whitespace().next())
        .collect();
    assert!(flags.len() > 19, "include/sched.h hides {flags:?}");
    for flag in flags {
        assert!(cells.contains(format!("CLONE_{flag}").as_str()), "the index lacks CLONE_{flag}");
    }
    let differences = read("tests/fidelity/differences");
    let numbers = differences
        .lines()
        .filter_map(|line| line.split_whitespace().next())
        .filter(|word| word.parse::<u32>().is_ok_and(|number| number > 0));
    for number in numbers {
        assert!(cells.contains(number), "the index lacks difference {number}");
    }
}
