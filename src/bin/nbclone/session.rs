// SPDX-License-Identifier: MIT OR Apache-2.0
// Copyright (c) 2026 The nbclone developers
//! COMMAND from its start to its end, and what comes from it meanwhile: lines,
//! the filter's questions, signals.

use std::io;
use std::os::fd::AsFd;
use std::os::unix::process::ExitStatusExt;
use std::process::{Command, ExitStatus};

use nix::poll::{PollFd, PollFlags, PollTimeout, poll};

use crate::bypass::Bypass;
use crate::channel::Channel;
use crate::completeness::Completeness;
use crate::evidence::{Event, Watch};
use crate::origin;
use crate::output::{Output, reason, say};
use crate::parse::{self, Place};
use crate::seccomp::{Handover, Listener, Question, Wanted};
use crate::signals::{self, Signals};
use crate::symbols::Symbols;
use crate::syscalls;
use crate::system::{self, Start};
use crate::tally::Tally;

/// Why nothing was started.
enum Failure {
    Command(io::Error),
    Filter(io::Error),
}

impl From<io::Error> for Failure {
    fn from(error: io::Error) -> Failure {
        Failure::Command(error)
    }
}

/// One run.
pub struct Session {
    /// The library's path, made printable.
    pub library: String,
    /// Where the lines come.
    pub channel: Channel,
    /// Where they go.
    pub trace: Option<Output>,
    /// What is counted of them.
    pub report: Option<Tally>,
    /// The modules' symbols.
    pub symbols: Symbols,
    /// The calls that don't pass by the library, or why they aren't counted.
    pub bypass: Option<Result<Bypass, String>>,
    /// What collects evidence, or why nothing does.
    pub watch: Result<Watch, String>,
}

impl Session {
    /// Starts the command and waits for its end. The inner error: it couldn't
    /// be started.
    pub fn supervise(
        &mut self,
        command: &mut Command,
        wanted: Wanted,
    ) -> Result<io::Result<ExitStatus>, String> {
        let failed = |what: &str, error: io::Error| format!("{what}: {}", reason(&error));
        let signals = Signals::new().map_err(|error| failed("signalfd", error))?;
        let (child, listener) = match self.start(command, &signals, wanted) {
            Ok(started) => started,
            Err(Failure::Command(error)) => return Ok(Err(error)),
            Err(Failure::Filter(error)) => {
                return Err(failed("--all-calls: no seccomp filter", error));
            }
        };
        self.channel.listen();
        self.watch(child, &signals, listener).map(Ok).map_err(|error| failed("waiting", error))
    }

    fn start(
        &mut self,
        command: &mut Command,
        signals: &Signals,
        wanted: Wanted,
    ) -> Result<(i32, Option<Listener>), Failure> {
        let descriptor = self.channel.descriptor();
        let start = Start { mask: signals.mask, descriptor, ends_with_us: true };
        if !wanted.all_calls && !wanted.evidence {
            return Ok((system::spawn(command, start, || Ok(()))?, None));
        }
        if !syscalls::AVAILABLE {
            let why = "nbclone doesn't watch system calls on this architecture";
            self.unwatched(wanted, why);
            return Ok((system::spawn(command, start, || Ok(()))?, None));
        }
        let handover = Handover::new()?;
        let side = handover.child_side(wanted)?;
        // Where the filter failed, its descriptor hasn't come, and what spawn
        // says isn't about COMMAND.
        let (spawned, answers) = handover.accompany(|| system::spawn(command, start, side))?;
        let (listener, first) = match answers {
            Ok(answers) => answers,
            Err(_) if !wanted.all_calls => {
                self.unwatched(wanted, "the kernel takes no seccomp filter");
                return Ok((spawned?, None));
            }
            Err(error) => return Err(Failure::Filter(spawned.err().unwrap_or(error))),
        };
        let child = spawned?;
        if wanted.all_calls {
            self.bypass = Some(Ok(Bypass::default()));
        }
        if wanted.evidence {
            self.watch = Watch::new(&self.library);
        }
        if let Some(question) = first {
            self.answer(&listener, &question);
        }
        Ok((child, Some(listener)))
    }

    fn unwatched(&mut self, wanted: Wanted, why: &str) {
        if wanted.all_calls {
            self.bypass = Some(Err(why.to_owned()));
        }
        if wanted.evidence {
            self.watch = Err(why.to_owned());
        }
    }

    fn watch(
        &mut self,
        child: i32,
        signals: &Signals,
        mut listener: Option<Listener>,
    ) -> io::Result<ExitStatus> {
        let mut end = None;
        let mut is_stopped = false;
        let mut patience = Patience::default();
        loop {
            // Processes that COMMAND leaves behind: without an answer every fork
            // of theirs fails, and a report without their calls isn't complete.
            let remain = |patience: &mut Patience| {
                listener.is_some()
                    || (self.report.is_some()
                        && !patience.is_over
                        && (self.channel.writers() > 0 || self.may_come_back(patience)))
            };
            if end.is_some() && !remain(&mut patience) {
                break;
            }
            let asked = self.wait(signals, listener.as_ref(), patience.timeout(end.is_some()))?;
            if asked.contains(PollFlags::POLLIN) {
                let question = listener.as_ref().and_then(Listener::receive);
                if let (Some(listener), Some(question)) = (&listener, question) {
                    self.answer(listener, &question);
                }
            } else if asked.contains(PollFlags::POLLHUP) {
                listener = None;
            }
            // Read before COMMAND is looked at: a change behind that look sends
            // another SIGCHLD.
            let mut came = Vec::new();
            while let Some(signal) = signals.next()? {
                came.push(signal);
            }
            while end.is_none() {
                let Some(change) = system::change_of(child)? else { break };
                if change.continued() {
                    is_stopped = false;
                } else if let Some(signal) = change.stopped_signal() {
                    is_stopped = true;
                    signals::stop_by(signal);
                } else {
                    end = Some(change);
                }
            }
            for signal in came {
                if end.is_none() {
                    signals::pass_on(&signal, child, is_stopped);
                } else if signals::is_request(&signal) {
                    // COMMAND's id may be another's by now; whoever sends a
                    // signal doesn't want to wait for what it left behind.
                    if let Some(listener) = listener.take() {
                        listener.leave_behind();
                    }
                    patience.is_over = true;
                }
            }
            self.read_channel();
        }
        self.read_channel();
        Ok(end.unwrap_or_default())
    }

    /// Whether a process that has made calls lives without the memory: between an
    /// exec and the library's load it has none. One that executed a program which
    /// takes no preload stays so: after a while it isn't waited for.
    fn may_come_back(&self, patience: &mut Patience) -> bool {
        const LOOKS: u32 = 100;
        let Some(tally) = &self.report else { return false };
        patience.without_memory += 1;
        patience.without_memory < LOOKS && tally.processes.iter().any(|&id| system::is_alive(id))
    }

    /// Waits until something comes: what the filter's descriptor says.
    fn wait(
        &self,
        signals: &Signals,
        listener: Option<&Listener>,
        timeout: PollTimeout,
    ) -> io::Result<PollFlags> {
        let readable = |descriptor| PollFd::new(descriptor, PollFlags::POLLIN);
        let mut events = vec![readable(signals.as_fd()), readable(self.channel.event())];
        let place = events.len();
        events.extend(listener.map(|listener| readable(listener.as_fd())));
        match poll(&mut events, timeout) {
            Err(nix::Error::EINTR) => return Ok(PollFlags::empty()),
            result => result?,
        };
        let answer = events.get(place).and_then(PollFd::revents);
        Ok(answer.unwrap_or(PollFlags::empty()))
    }

    fn answer(&mut self, listener: &Listener, question: &Question) {
        if let Some(Ok(bypass)) = &mut self.bypass {
            bypass.count(question, &self.library, &self.symbols);
        }
        if let (Ok(watch), Some(deed)) = (&mut self.watch, question.deed) {
            let &Question { thread, arguments, instruction, .. } = question;
            watch.see(&Event { thread, deed, arguments, instruction });
        }
        listener.go_on(question);
    }

    fn read_channel(&mut self) {
        let (trace, report, symbols) = (&mut self.trace, &mut self.report, &self.symbols);
        let watch = &mut self.watch;
        let segment = self.channel.segment();
        self.channel.read(|line| {
            let mut line = line.to_owned();
            let mut record = parse::line(&line);
            if let Some(record) = &mut record {
                find_caller(&mut line, record, segment);
            }
            if let Some(trace) = trace {
                trace.line(&annotated(line, record.as_ref(), symbols));
            }
            if let (Some(tally), Some(record)) = (report.as_mut(), &record) {
                tally.count(record);
            }
            if let (Ok(watch), Some(record)) = (watch.as_mut(), &record) {
                watch.place(record);
            }
        });
    }

    /// Whether each call that the library counted has come, from every process.
    /// (The filter asks again about a call that a signal interrupts: its numbers
    /// are no count. But it knows of processes from which nothing came.)
    pub fn completeness(&self) -> Option<Completeness> {
        let seen = self.channel.seen;
        let mut made = self.channel.made().max(seen);
        if let (Some(Ok(bypass)), Some(tally)) = (&self.bypass, &self.report) {
            let unheard = bypass.callers.iter().filter(|(id, _)| !tally.processes.contains(id));
            made += unheard.map(|(_, calls)| calls).sum::<u64>();
        }
        let more = match (self.channel.unreached(), self.channel.writers()) {
            (0, 0) => None,
            (0, 1) => Some("a process that COMMAND left behind runs on".to_owned()),
            (0, count) => Some(format!("{count} processes that COMMAND left behind run on")),
            (count, _) => Some(format!(
                "{count} programs had no way to tell theirs: another user's, or in another IPC \
                 namespace, all descriptors closed"
            )),
        };
        (seen < made || more.is_some()).then_some(Completeness { seen, made, more })
    }
}

/// The wait for processes that COMMAND left behind: nothing tells of their end,
/// so they are looked for again and again.
#[derive(Default)]
struct Patience {
    is_over: bool,
    looks: u32,
    /// How many looks in all found no process that has the memory.
    without_memory: u32,
}

impl Patience {
    fn timeout(&mut self, is_ended: bool) -> PollTimeout {
        const LOOK_AGAIN: u8 = 20;
        const SAY_SO: u32 = 100;
        if !is_ended {
            return PollTimeout::NONE;
        }
        self.looks = self.looks.saturating_add(1);
        if self.looks == SAY_SO {
            say(
                "COMMAND has ended; the report waits for processes that it left behind (Ctrl-C ends that)",
            );
        }
        PollTimeout::from(LOOK_AGAIN)
    }
}

/// Names the file of a call site of which the process itself knew the address
/// alone: it may not see /proc, after chroot(2) say.
fn find_caller(line: &mut String, record: &mut parse::Record, segment: Option<i32>) {
    let Place::Address(address) = record.caller else { return };
    if !origin::has_memory(record.pid, segment) {
        return;
    }
    if let Place::Module(path, offset) = origin::place_of(record.pid, address) {
        let bare = format!(" <caller {address:#x}>");
        *line = line.replacen(&bare, &format!(" <caller {path}+{offset:#x}>"), 1);
        record.caller = Place::Module(path, offset);
    }
}

/// A line with functions and lines of source behind its offsets.
fn annotated(line: String, record: Option<&parse::Record>, symbols: &Symbols) -> String {
    let mut text = line;
    let Some(record) = record else { return text };
    let mut add = |place: &Place, words: Option<String>| {
        if let (Place::Module(path, offset), Some(words)) = (place, words) {
            let known = format!("{path}+{offset:#x}>");
            let more = format!("{path}+{offset:#x} {words}>");
            text = text.replacen(&known, &more, 1);
        }
    };
    if let Some(func) = &record.func {
        add(func, symbols.function(func).words());
    }
    add(&record.caller, symbols.call(&record.caller).words());
    text
}
