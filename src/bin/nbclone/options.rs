// SPDX-License-Identifier: MIT OR Apache-2.0
// Copyright (c) 2026 The nbclone developers
//! The command line.

use std::ffi::{OsStr, OsString};
use std::path::PathBuf;

use crate::output::is_same_file;
use crate::policy::Policy;
use crate::seccomp::Way;

/// What `--help` prints.
pub const USAGE: &str = "\
usage: nbclone [--policy strict|netbsd|host] [--trace[=FILE]] [--report[=FILE]]
               [--full] [--json] [--all-calls[=WAY]] [--no-evidence]
               [--no-isolation] [--lib PATH] [--] COMMAND [ARG...]

Runs COMMAND with NetBSD's clone(2) in place of Linux's.

  --policy POLICY   what to do about flags that NetBSD doesn't have:
                    strict refuses them (the default), netbsd ignores them as
                    NetBSD does, host hands them to Linux
  --trace[=FILE]    one line for each call as it happens (stderr)
  --report[=FILE]   at the end, how each call fares on NetBSD (stderr)
  --full            the report lists everything, however long
  --json            the report as JSON
  --all-calls[=WAY] count the calls too that don't pass by the library;
                    WAY is listener, or ptrace for a program that wants a
                    seccomp listener of its own
  --no-evidence     with --all-calls: don't watch which differences are met
  --no-isolation    under policy netbsd, with privileges: no namespaces of its
                    own for COMMAND, which may then harm this machine
  --lib PATH        libnbclone.so, or the directory that it is in
  --help, --version

It ends as COMMAND does, by the same signal too; with 126 if it can't be run,
127 if it isn't found, 125 if nbclone itself fails.  nbclone(1) has more.
";

/// Where output goes.
#[derive(Debug, PartialEq)]
pub enum Sink {
    /// Standard error.
    Stderr,
    /// A file, written anew.
    File(PathBuf),
}

impl Sink {
    fn of(value: Option<OsString>) -> Sink {
        value.map_or(Sink::Stderr, |path| Sink::File(path.into()))
    }
}

/// A command line that asks for a run.
#[derive(Debug, Default)]
pub struct Options {
    /// `--policy`
    pub policy: Option<Policy>,
    /// `--trace`
    pub trace: Option<Sink>,
    /// `--report`
    pub report: Option<Sink>,
    /// `--full`
    pub full: bool,
    /// `--json`
    pub json: bool,
    /// `--all-calls`
    pub all_calls: bool,
    /// Its WAY, if there is one.
    pub way: Option<Way>,
    /// Not `--no-evidence`.
    pub evidence: bool,
    /// Not `--no-isolation`.
    pub isolation: bool,
    /// An option that takes its FILE behind `=` alone, and stood just before
    /// COMMAND without one.
    pub without_file: Option<&'static str>,
    /// `--lib`
    pub library: Option<PathBuf>,
    /// COMMAND
    pub command: OsString,
    /// ARG...
    pub arguments: Vec<OsString>,
}

/// What a command line asks for.
pub enum Request {
    /// To run a command.
    Run(Box<Options>),
    /// `--help`
    Help,
    /// `--version`
    Version,
}

/// A policy by its name.
pub fn policy(name: &OsStr) -> Option<Policy> {
    Policy::named(name.as_encoded_bytes())
}

/// A policy's name.
pub fn policy_name(policy: Policy) -> &'static str {
    policy.name()
}

fn way(name: OsString) -> Result<Way, String> {
    match name.as_encoded_bytes() {
        b"listener" => Ok(Way::Listener),
        b"ptrace" => Ok(Way::Tracer),
        _ => Err(format!("no way {name:?} for --all-calls: there are listener and ptrace")),
    }
}

/// Reads the command line.
pub fn parse(mut parser: lexopt::Parser) -> Result<Request, lexopt::Error> {
    use lexopt::prelude::*;
    let mut options = Options { evidence: true, isolation: true, ..Options::default() };
    while let Some(argument) = parser.next()? {
        let without_file = options.without_file.take();
        match argument {
            Long("policy") => {
                let name = parser.value()?;
                let unknown = || format!("no policy {name:?}: there are strict, netbsd and host");
                options.policy = Some(policy(&name).ok_or_else(unknown)?);
            }
            Long("trace") => {
                let sink = Sink::of(parser.optional_value());
                options.without_file = (sink == Sink::Stderr).then_some("--trace");
                options.trace = Some(sink);
            }
            Long("report") => {
                let sink = Sink::of(parser.optional_value());
                options.without_file = (sink == Sink::Stderr).then_some("--report");
                options.report = Some(sink);
            }
            Long("full") => options.full = true,
            Long("json") => options.json = true,
            Long("all-calls") => {
                options.all_calls = true;
                options.way = parser.optional_value().map(way).transpose()?;
            }
            Long("no-evidence") => options.evidence = false,
            Long("no-isolation") => options.isolation = false,
            Long("lib") => options.library = Some(parser.value()?.into()),
            Long("help") | Short('h') => return Ok(Request::Help),
            Long("version") | Short('V') => return Ok(Request::Version),
            Value(command) => {
                if is_same_file(options.trace.as_ref(), options.report.as_ref()) {
                    return Err("--trace and --report name the same file".into());
                }
                options.without_file = without_file;
                options.command = command;
                options.arguments = parser.raw_args()?.collect();
                return Ok(Request::Run(Box::new(options)));
            }
            _ => return Err(argument.unexpected()),
        }
    }
    Err("no COMMAND".into())
}
