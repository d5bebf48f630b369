// SPDX-License-Identifier: MIT OR Apache-2.0
// Copyright (c) 2026 The nbclone developers
//! The command blocks of the pages, run as they are written. A block that a page
//! gets later is found and run without a change here.
//!
//! A block of commands is indented by four spaces. Where a line of it begins with
//! `$ `, that is a command, and the lines below it are what it prints: `…` stands
//! for anything, and alone on its line for any lines. A comment on the line before a
//! block says what isn't run here:
//!
//! | mark | |
//! |---|---|
//! | `<!-- no commands -->` | the block is something else |
//! | `<!-- run by FILE -->` | another test runs it |
//! | `<!-- not run: REASON -->` | a SKIP; `.ci/skips` has it too |
//!
//! A page's blocks run one after another in one directory, which looks like the top
//! of the tree and has `prog.c` and `old.c` in it. What a block exports holds for
//! the blocks behind it.

mod common;

use common::{have, release, scratch, skip::skip_by_page, text, top};
use std::fmt::Write;
use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::{Path, PathBuf};
use std::process::Command;

/// The tools that blocks may use beyond a compiler and make, and their packages.
const TOOLS: [(&str, &str); 2] = [("pkg-config", "pkg-config"), ("musl-gcc", "musl-tools")];

/// What the pages call `prog.c` and `old.c`.
const PROGRAMS: [(&str, &str); 2] =
    [("prog.c", "examples/answer.c"), ("old.c", "examples/linux1/threads.c")];

#[derive(Debug, PartialEq)]
enum Mark {
    Run,
    NoCommands,
    RunBy(String),
    NotRun(String),
}

#[derive(Debug)]
struct Block {
    /// The number of its first line.
    line: usize,
    mark: Mark,
    lines: Vec<String>,
}

/// A command, and what it prints if the page says so.
struct Step {
    command: String,
    printed: Option<Vec<String>>,
}

fn pages() -> Vec<PathBuf> {
    let mut pages = vec!["README.md".into(), "CONTRIBUTING.md".into(), "tests/README.md".into()];
    for entry in fs::read_dir(top().join("docs")).expect("docs") {
        let name = entry.expect("an entry").file_name().into_string().expect("UTF-8");
        if name.ends_with(".md") {
            pages.push(Path::new("docs").join(name));
        }
    }
    pages.sort();
    pages
}

fn read(page: &Path) -> String {
    fs::read_to_string(top().join(page)).unwrap_or_else(|error| panic!("{page:?}: {error}"))
}

fn mark(line: &str) -> Option<Mark> {
    let words = line.strip_prefix("<!-- ")?.strip_suffix(" -->")?;
    if words == "no commands" {
        Some(Mark::NoCommands)
    } else if let Some(file) = words.strip_prefix("run by ") {
        Some(Mark::RunBy(file.to_owned()))
    } else {
        words.strip_prefix("not run: ").map(|reason| Mark::NotRun(reason.to_owned()))
    }
}

/// The indented blocks of a page that aren't part of a list item.
fn blocks(page: &str) -> Vec<Block> {
    let mut blocks: Vec<Block> = Vec::new();
    let (mut fenced, mut in_list) = (false, false);
    // The last line that isn't empty; nothing behind a line of a block.
    let mut last = String::new();
    let mut is_behind_empty = true;
    for (index, line) in page.lines().enumerate() {
        if line.starts_with("```") {
            fenced = !fenced;
            assert!(!fenced || line.len() > 3, "line {}: a fence says what is in it", index + 1);
        }
        let in_block = last.is_empty() && !blocks.is_empty();
        let may_begin = in_block || is_behind_empty || mark(&last).is_some();
        let is_code = !fenced && !in_list && may_begin && line.starts_with("    ");
        if is_code && in_block {
            blocks.last_mut().expect("one").lines.push(line[4..].to_owned());
        } else if is_code {
            let mark = mark(&last).unwrap_or(Mark::Run);
            blocks.push(Block { line: index + 1, mark, lines: vec![line[4..].to_owned()] });
        } else if !line.is_empty() {
            let is_item = line.starts_with("- ") || line.starts_with(|c: char| c.is_ascii_digit());
            in_list = is_item || in_list && line.starts_with(' ');
            assert!(mark(&last).is_none(), "line {}: there is no block behind {last}", index + 1);
            last = line.to_owned();
        }
        if is_code {
            last.clear();
        }
        is_behind_empty = line.is_empty();
    }
    blocks
}

fn steps(lines: &[String]) -> Vec<Step> {
    if !lines.iter().any(|line| line.starts_with("$ ")) {
        return vec![Step { command: lines.join("\n"), printed: None }];
    }
    let mut steps: Vec<Step> = Vec::new();
    for line in lines {
        match (line.strip_prefix("$ "), steps.last_mut()) {
            (Some(command), _) => {
                steps.push(Step { command: command.to_owned(), printed: Some(Vec::new()) });
            }
            (None, Some(step)) => {
                step.printed.as_mut().expect("a transcript").push(line.clone());
            }
            (None, None) => panic!("{line}: printed by no command"),
        }
    }
    steps
}

/// Whether `line` is `pattern`, where `…` stands for anything.
fn matches(pattern: &str, line: &str) -> bool {
    let Some((first, rest)) = pattern.split_once('…') else { return pattern == line };
    let Some(mut line) = line.strip_prefix(first) else { return false };
    let mut pieces: Vec<&str> = rest.split('…').collect();
    let last = pieces.pop().unwrap_or_default();
    for piece in pieces {
        let Some(place) = line.find(piece) else { return false };
        line = &line[place + piece.len()..];
    }
    line.ends_with(last)
}

/// Whether each line that was promised came, and no other. In any order: several
/// processes write them.
fn printed(promised: &[String], output: &str) -> bool {
    let mut lines: Vec<&str> = output.lines().collect();
    let (any, promised): (Vec<_>, Vec<_>) = promised.iter().partition(|line| *line == "…");
    let all = promised.iter().all(|pattern| {
        let place = lines.iter().position(|line| matches(pattern, line));
        place.map(|place| lines.remove(place)).is_some()
    });
    all && (lines.is_empty() || !any.is_empty())
}

/// A directory that looks like the top of the tree, for one page.
fn tree(page: &Path) -> PathBuf {
    let place = scratch(&format!("blocks-{}", page.display().to_string().replace('/', "-")));
    for entry in fs::read_dir(top()).expect("the tree") {
        let entry = entry.expect("an entry");
        let name = entry.file_name();
        if name != "target" && name != "build" && name != ".git" {
            symlink(entry.path(), place.join(name)).expect("a link");
        }
    }
    symlink(release().parent().expect("target"), place.join("target")).expect("a link");
    for (name, source) in PROGRAMS {
        fs::copy(top().join(source), place.join(name)).expect(name);
    }
    // Cargo builds where it always does, so that it finds all built.
    let tools = place.join("tools-of-the-test");
    fs::create_dir_all(&tools).expect("a directory");
    let cargo = format!(
        "#!/bin/sh\nHOME={:?}\ncd {:?} && exec {:?} \"$@\"\n",
        std::env::var_os("HOME").unwrap_or_default(),
        top(),
        env!("CARGO")
    );
    let wrapper = tools.join("cargo");
    fs::write(&wrapper, cargo).expect("a file");
    fs::set_permissions(&wrapper, fs::Permissions::from_mode(0o755)).expect("a mode");
    fs::create_dir_all(place.join("home")).expect("a directory");
    place
}

/// The name of a tool of `TOOLS` that the commands want and that isn't there.
fn lacks_a_tool(lines: &[String]) -> bool {
    let wants = |tool: &str| lines.iter().any(|line| line.contains(tool));
    TOOLS.iter().any(|(tool, package)| wants(tool) && !have(tool, package))
}

/// Runs what a page says, and gives what went wrong.
fn run(page: &Path) -> String {
    let text_of_page = read(page);
    let place = tree(page);
    let mut wrong = String::new();
    let mut exports = String::new();
    for block in blocks(&text_of_page) {
        let at = format!("{}:{}", page.display(), block.line);
        match &block.mark {
            Mark::NoCommands => continue,
            Mark::RunBy(file) => {
                assert!(top().join(file).is_file(), "{at}: there is no {file}");
                continue;
            }
            Mark::NotRun(reason) => {
                let first = block.lines[0].split(" #").next().unwrap_or_default();
                let command = first.trim_end_matches([' ', '\\']);
                skip_by_page(&format!("{}: {command}: {reason}", page.display()));
                continue;
            }
            Mark::Run if lacks_a_tool(&block.lines) => continue,
            Mark::Run => {}
        }
        for step in steps(&block.lines) {
            let path = std::env::var("PATH").unwrap_or_default();
            let mut shell = Command::new("sh");
            shell.args(["-euc", &format!("{exports}{}\n", step.command)]).current_dir(&place);
            shell.env("HOME", place.join("home"));
            shell.env("PATH", format!("{}:{path}", place.join("tools-of-the-test").display()));
            // CARGO, which this test's own Cargo sets, make would take instead of PATH's.
            let others = ["MAKEFLAGS", "MAKELEVEL", "MFLAGS", "LD_LIBRARY_PATH", "LD_PRELOAD"];
            for name in others.into_iter().chain(["CARGO", "CARGO_MANIFEST_DIR"]) {
                shell.env_remove(name);
            }
            let output = shell.output().expect("sh");
            let said = text(&output);
            if !output.status.success() {
                let _ = writeln!(wrong, "{at}: {}: {}\n{said}", step.command, output.status);
            } else if let Some(promised) = &step.printed {
                if !printed(promised, &said) {
                    let _ = writeln!(wrong, "{at}: {} printed\n{said}", step.command);
                }
            }
        }
        for line in block.lines.iter().filter(|line| line.starts_with("export ")) {
            exports += &format!("{line}\n");
        }
    }
    wrong
}

#[test]
fn each_block_of_each_page_runs_as_written() {
    let wrong: String = pages().iter().map(|page| run(page)).collect();
    assert!(wrong.is_empty(), "{wrong}");
}

/// README's program is one that the demo and tests/uses.rs build and run.
#[test]
fn readmes_program_is_a_tested_file() {
    let page = read(Path::new("README.md"));
    let program = page.split("```c\n").nth(1).and_then(|rest| rest.split("```\n").next());
    let file = fs::read_to_string(top().join("examples/answer.c")).expect("answer.c");
    // The file begins with its licence.
    let program = program.expect("a program in C");
    let before = file.strip_suffix(program).expect("README's program is examples/answer.c");
    assert!(before.lines().all(|line| line.starts_with("/*")), "{before}");
}

#[test]
fn links_lead_to_files() {
    for page in pages() {
        let place = top().join(&page);
        for link in read(&page).split("](").skip(1).filter_map(|rest| rest.split(')').next()) {
            let file = link.split('#').next().unwrap_or_default();
            if file.is_empty() || file.contains("://") {
                continue;
            }
            let target = place.parent().expect("a directory").join(file);
            assert!(target.exists(), "{}: {link} is no file", page.display());
        }
    }
}

/// Behind the begin of each table of docs/evidence.md stands the command that made it,
/// and the date; the support table has dates of its own.
#[test]
fn each_table_of_evidence_says_what_made_it() {
    let page = read(Path::new("docs/evidence.md"));
    for table in page.split(": begin -->\n").skip(1) {
        let head = table.lines().next().unwrap_or_default();
        if head.starts_with("| architecture") {
            continue;
        }
        let command = head.split('`').nth(1).unwrap_or_default();
        let script = command.split(' ').next().unwrap_or_default();
        let is_script = !script.is_empty() && top().join(script).is_file();
        assert!(is_script && head.contains("`, 20"), "expected a command and a date: {head:?}");
    }
    let tables = page.lines().filter(|line| line.starts_with("|---")).count();
    assert_eq!(page.matches(": begin -->").count(), tables, "marks around each table");
}

#[test]
fn readme_is_short() {
    let lines = read(Path::new("README.md")).lines().count();
    assert!(lines <= 150, "README.md has {lines} lines, 150 at the most");
}

#[test]
fn finds_blocks_marks_and_transcripts() {
    let page = "a\n\n    one\n    two\n\n- item\n\n      part of it\n\nb\n\n<!-- not run: why -->\n\n    \
                three\n\n```c\n    code\n```\n\n<!-- run by x -->\n\n    $ four\n    five\n";
    let found = blocks(page);
    let lines: Vec<usize> = found.iter().map(|block| block.line).collect();
    assert_eq!(lines, [3, 14, 22]);
    assert_eq!(found[0].mark, Mark::Run);
    assert_eq!(found[0].lines, ["one", "two"]);
    assert_eq!(found[1].mark, Mark::NotRun("why".into()));
    assert_eq!(found[2].mark, Mark::RunBy("x".into()));
    let steps = steps(&found[2].lines);
    assert_eq!((steps.len(), steps[0].command.as_str()), (1, "four"));
    assert_eq!(steps[0].printed, Some(vec!["five".to_owned()]));
    assert!(matches("a…c…e", "abcde") && matches("a…", "a") && !matches("a…c", "abd"));
    let two = ["x…".to_owned(), "y".to_owned()];
    assert!(printed(&["y".to_owned(), "…".to_owned()], "x\ny\n"));
    assert!(printed(&two, "y\nx1\n") && !printed(&two, "y\n") && !printed(&two, "y\nx1\nz\n"));
}
