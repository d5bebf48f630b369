// SPDX-License-Identifier: MIT OR Apache-2.0
// Copyright (c) 2026 The nbclone developers
//! nbclone(1): runs a program with NetBSD's clone(2), and tells what it makes
//! of it.

mod advice;
mod annotate;
mod bpf;
mod bypass;
mod channel;
mod completeness;
mod debug;
mod differences;
mod door;
mod evidence;
mod files;
mod isolation;
mod json;
mod library;
mod listener;
mod memory;
mod multiarch;
mod netbsd;
mod options;
mod origin;
mod output;
mod parse;
mod patience;
mod printable;
mod program;
mod regular;
mod report;
mod run;
mod sanitizer;
mod seccomp;
mod session;
mod signals;
mod style;
mod symbols;
mod syscalls;
mod system;
mod tally;
mod tracer;
mod verdict;

// The pure modules that the shim and the command have in common.
#[path = "../../constants.rs"]
#[allow(dead_code, unused_imports)]
mod constants;
#[path = "../../flags.rs"]
#[allow(dead_code)]
mod flags;
#[path = "../../policy.rs"]
#[allow(dead_code)]
mod policy;
#[path = "../../ring.rs"]
#[allow(dead_code)]
mod ring;
#[path = "../../trace/words.rs"]
#[allow(dead_code)]
mod words;

use options::{Request, USAGE};
use run::End;
use std::process::exit;

fn main() {
    match options::parse(lexopt::Parser::from_env()) {
        Ok(Request::Help) => print(USAGE),
        Ok(Request::Version) => print(concat!("nbclone ", env!("CARGO_PKG_VERSION"), "\n")),
        Ok(Request::Run(options)) => match run::run(&options) {
            Ok(End::Status(status)) => exit(status),
            Ok(End::AsCommand(status)) => signals::end_as(status),
            Err(error) => fail(&error),
        },
        Err(error) => fail(&format!("{error}\nnbclone --help lists the options.")),
    }
}

/// A full or broken standard output is an error here.
fn print(text: &str) {
    if let Err(error) = std::io::Write::write_all(&mut std::io::stdout(), text.as_bytes()) {
        fail(&format!("standard output: {error}"));
    }
}

fn fail(error: &str) -> ! {
    output::say(error);
    exit(run::FAILED)
}
