// SPDX-License-Identifier: MIT OR Apache-2.0
// Copyright (c) 2026 The nbclone developers
//! What bash, zsh and fish complete: the options of --help, their values, and
//! COMMAND.

#[path = "common/command.rs"]
mod common;

use common::*;
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::Command;

fn file(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("completions").join(name)
}

/// The options of --help.
fn options() -> BTreeSet<String> {
    let help = out(&nbclone().arg("--help").output().expect("it runs"));
    let words = help.split(|character: char| !character.is_ascii_lowercase() && character != '-');
    let options: BTreeSet<String> =
        words.filter(|word| word.starts_with("--") && word.len() > 2).map(str::to_owned).collect();
    assert!(options.contains("--all-calls") && options.len() >= 10, "{options:?}");
    options
}

/// What a shell offers for a line, a word each.
struct Shell {
    name: &'static str,
    offers: fn(&str) -> Vec<String>,
}

const SHELLS: [Shell; 2] =
    [Shell { name: "bash", offers: bash }, Shell { name: "fish", offers: fish }];

fn lines(command: &mut Command) -> Vec<String> {
    let output = command.output().expect("it runs");
    assert!(output.status.success() && err(&output).is_empty(), "{command:?}: {}", err(&output));
    out(&output).lines().map(str::to_owned).collect()
}

/// As readline calls it: an equals sign is a word of its own.
fn bash(line: &str) -> Vec<String> {
    let spaced = line.replace('=', " = ");
    let mut words: Vec<&str> = spaced.split_whitespace().collect();
    if line.ends_with(' ') {
        words.push("");
    }
    let script = "source \"$1\"; shift; compopt() { :; }; COMP_WORDS=(\"$@\"); \
                  COMP_CWORD=$(($# - 1)); _nbclone; printf '%s\\n' \"${COMPREPLY[@]}\"";
    let mut run = Command::new("bash");
    lines(run.args(["--norc", "-c", script, "bash"]).arg(file("nbclone.bash")).args(words))
}

fn fish(line: &str) -> Vec<String> {
    let script = format!("source {}; complete -C'{line}'", file("nbclone.fish").display());
    let home = directory("fish_home");
    let mut run = Command::new("fish");
    let offers = lines(run.args(["--no-config", "-c", &script]).env("HOME", home));
    offers.iter().filter_map(|line| Some(line.split('\t').next()?.to_owned())).collect()
}

fn offers(shell: &Shell, line: &str) -> BTreeSet<String> {
    (shell.offers)(line).iter().map(|word| word.trim_end_matches('=').to_owned()).collect()
}

#[test]
fn each_shell_offers_the_options_of_help() {
    for shell in SHELLS.iter().filter(|shell| have(shell.name, shell.name)) {
        let offered = offers(shell, "nbclone --");
        let offered: BTreeSet<String> = offered.into_iter().filter(|word| word != "--").collect();
        assert_eq!(offered, options(), "{}", shell.name);
    }
}

/// zsh completes at a terminal alone: its file is read here, not run.
#[test]
fn zsh_has_the_options_of_help() {
    let text = std::fs::read_to_string(file("_nbclone")).expect("readable");
    let named = |line: &str| {
        let start = line.find("--")?;
        let rest = line.get(start..)?;
        let end = rest.find(|character: char| !character.is_ascii_lowercase() && character != '-');
        rest.get(..end?).map(str::to_owned)
    };
    let specifications = text.lines().filter(|line| line.contains("[") && line.starts_with('\t'));
    assert_eq!(specifications.filter_map(named).collect::<BTreeSet<String>>(), options());
    if have("zsh", "zsh") {
        let status = Command::new("zsh").arg("-n").arg(file("_nbclone")).status();
        assert!(status.expect("zsh runs").success());
    }
}

#[test]
fn each_shell_offers_values_and_commands() {
    for shell in SHELLS.iter().filter(|shell| have(shell.name, shell.name)) {
        for (line, wanted) in [
            ("nbclone --policy ", &["host", "netbsd", "strict"][..]),
            ("nbclone --all-calls=", &["listener", "ptrace"]),
            ("nbclone --policy n", &["netbsd"]),
        ] {
            let offered: BTreeSet<String> = offers(shell, line)
                .iter()
                .map(|word| word.trim_start_matches("--all-calls=").to_owned())
                .collect();
            let wanted: BTreeSet<String> = wanted.iter().map(|&word| word.to_owned()).collect();
            assert_eq!(offered, wanted, "{} {line}", shell.name);
        }
        let commands = offers(shell, "nbclone --trace tru");
        assert!(commands.contains("true"), "{}: {commands:?}", shell.name);
    }
}
