// SPDX-License-Identifier: MIT OR Apache-2.0
// Copyright (c) 2026 The nbclone developers
//! One run of COMMAND, and the report on it.

use std::ffi::OsString;
use std::io::{self, Write};
use std::process::{Command, ExitStatus};

use crate::channel::Channel;
use crate::evidence::Watch;
use crate::options::{Options, Sink, policy, policy_name};
use crate::output::{Output, reason, say};
use crate::policy::Policy;
use crate::report::Report;
use crate::seccomp::{Wanted, Way};
use crate::session::Session;
use crate::style::Style;
use crate::symbols::Symbols;
use crate::tally::{Run, Tally};
use crate::{isolation, json, library, printable, program, signals, system};

/// As env(1): nbclone itself failed, COMMAND can't be run, isn't found.
pub const FAILED: i32 = 125;
const CANNOT_RUN: i32 = 126;
const NOT_FOUND: i32 = 127;

/// How nbclone ends.
pub enum End {
    /// With a status of its own.
    Status(i32),
    /// As COMMAND ended.
    AsCommand(ExitStatus),
}

/// Runs it.
pub fn run(options: &Options) -> Result<End, String> {
    let library = library::find(options.library.as_deref())?;
    let warnings = program::warnings(&options.command, &library, options.all_calls);
    for warning in &warnings {
        say(&format!("warning: {warning}"));
    }
    let wants_report = options.report.is_some() || options.json || options.all_calls;
    let trace = options.trace.as_ref().map(Output::open).transpose()?;
    let report = options.report.as_ref().unwrap_or(&Sink::Stderr);
    let report = wants_report.then(|| Output::open(report)).transpose()?;
    if options.isolation && isolation::is_wanted(policy_in_force(options)) {
        isolation::isolate()?;
        say(isolation::NOTICE);
    }

    let mut command = Command::new(&options.command);
    command.args(&options.arguments);
    let preload = library::preload(&library, std::env::var_os("LD_PRELOAD").as_deref());
    command.env("LD_PRELOAD", preload);
    if let Some(policy) = options.policy {
        command.env("NBCLONE_POLICY", policy_name(policy));
    }
    if trace.is_none() && report.is_none() {
        // There is nothing to do but to be COMMAND.
        let error = system::execute(&mut command);
        return Ok(not_started(options, &error));
    }

    let channel = Channel::new()
        .map_err(|error| format!("no memory to share with COMMAND: {}", reason(&error)))?;
    command.env("NBCLONE_TRACE", channel.address());
    // Evidence comes by a filter, and a program under one can't have a listener of
    // its own: only who asks for all calls gets it.
    let evidence = options.evidence && options.all_calls && report.is_some();
    let wanted = Wanted { all_calls: options.all_calls, evidence, way: way(options) };
    let why_not = if options.all_calls { "--no-evidence" } else { "--all-calls watches them" };
    let mut session = Session {
        library: printable::escape(library.as_os_str().as_encoded_bytes()),
        channel,
        trace,
        report: report.is_some().then(Tally::default),
        symbols: Symbols::default(),
        bypass: None,
        watch: Err(why_not.to_owned()),
    };
    if let Some((file, path)) = program::open(&options.command) {
        session.symbols.keep_program(&file, &path);
    }
    let status = match session.supervise(&mut command, wanted)? {
        Ok(status) => status,
        Err(error) => return Ok(not_started(options, &error)),
    };
    if let Some(mut sink) = report {
        let text = text_of_report(options, &mut session, warnings, status);
        if let Err(error) = sink.write_all(text.as_bytes()) {
            say(&format!("the report can't be written: {}", reason(&error)));
        }
    }
    Ok(End::AsCommand(status))
}

fn text_of_report(
    options: &Options,
    session: &mut Session,
    warnings: Vec<String>,
    status: ExitStatus,
) -> String {
    let completeness = session.completeness();
    let bypass = session.bypass.take();
    let run = Run {
        command: words(options),
        policy: policy_name(policy_in_force(options)),
        ended: signals::ended(status),
        status: signals::exit_status(status),
        warnings,
        completeness,
        bypass: bypass.unwrap_or_else(|| Err("--all-calls counts them".to_owned())),
        evidence: std::mem::replace(&mut session.watch, Err(String::new())).map(Watch::end),
    };
    let tally = session.report.take().unwrap_or_default();
    if options.json {
        json::report(&tally, &run, &session.symbols)
    } else {
        let to_file = matches!(options.report, Some(Sink::File(_)));
        let style = if to_file { Style::default() } else { Style::of_stderr() };
        let (tally, run, symbols) = (&tally, &run, &session.symbols);
        Report { tally, run, symbols, style, full: options.full, warnings: to_file }.text()
    }
}

/// COMMAND can't be run: says why, as env(1) does.
fn not_started(options: &Options, error: &io::Error) -> End {
    let mut message = format!("{}: {}", options.command.to_string_lossy(), reason(error));
    if let Some(option) = options.without_file {
        let file = options.command.to_string_lossy();
        message += &format!("\nA FILE comes behind an equals sign: {option}={file}");
    }
    say(&message);
    let is_missing = error.kind() == io::ErrorKind::NotFound;
    End::Status(if is_missing { NOT_FOUND } else { CANNOT_RUN })
}

/// How the filter asks: as it is wanted, or so that COMMAND gets the listener of
/// its own that it seems to want.
fn way(options: &Options) -> Way {
    if options.all_calls && options.way.is_none() && program::wants_listener(&options.command) {
        say("COMMAND uses libseccomp's listener: as with --all-calls=ptrace, it gets one");
        return Way::Tracer;
    }
    options.way.unwrap_or_default()
}

fn words(options: &Options) -> Vec<String> {
    let all = std::iter::once(&options.command).chain(&options.arguments);
    all.map(|word: &OsString| printable::escape(word.as_encoded_bytes())).collect()
}

fn policy_in_force(options: &Options) -> Policy {
    let inherited = || std::env::var_os("NBCLONE_POLICY").and_then(|name| policy(&name));
    options.policy.or_else(inherited).unwrap_or(Policy::Strict)
}
