// SPDX-License-Identifier: MIT OR Apache-2.0
// Copyright (c) 2026 The nbclone developers
//! COMMAND from its start to its end, and what comes from it meanwhile: lines,
//! the filter's questions, signals.

use std::io;
use std::os::fd::AsFd;
use std::os::unix::process::ExitStatusExt;
use std::process::{Command, ExitStatus};

use nix::poll::{PollFd, PollFlags, PollTimeout, poll};

use crate::annotate;
use crate::bypass::Bypass;
use crate::channel::Channel;
use crate::completeness::Completeness;
use crate::evidence::{Event, Watch};
use crate::listener::{self, Listener};
use crate::origin;
use crate::output::{Output, reason};
use crate::parse;
use crate::patience::Patience;
use crate::seccomp::{Question, Wanted, Way};
use crate::signals::{self, Signals};
use crate::symbols::Symbols;
use crate::syscalls;
use crate::system::{self, Start};
use crate::tally::Tally;
use crate::tracer::{self, Step, Tracer};
use crate::verdict::counted;

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

/// Who hears the filter's questions.
enum Asked {
    Listener(Listener),
    Tracer(Tracer),
    /// There is no filter, or nobody is left that has it.
    Nobody,
}

/// COMMAND, as far as it is known.
struct Course {
    child: i32,
    is_stopped: bool,
    end: Option<ExitStatus>,
}

impl Course {
    fn change(&mut self, change: ExitStatus) {
        if change.continued() {
            self.is_stopped = false;
        } else if let Some(signal) = change.stopped_signal() {
            self.stop(signal);
        } else {
            self.end = Some(change);
        }
    }

    fn stop(&mut self, signal: i32) {
        self.is_stopped = true;
        signals::stop_by(signal);
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
        let (child, asked) = match self.start(command, &signals, wanted) {
            Ok(started) => started,
            Err(Failure::Command(error)) => return Ok(Err(error)),
            Err(Failure::Filter(error)) => {
                let what = match wanted.way {
                    Way::Listener => "--all-calls: no seccomp filter",
                    Way::Tracer => "--all-calls=ptrace: no filter, or no ptrace(2)",
                };
                return Err(failed(what, error));
            }
        };
        self.channel.listen();
        self.watch(child, &signals, asked).map(Ok).map_err(|error| failed("waiting", error))
    }

    fn start(
        &mut self,
        command: &mut Command,
        signals: &Signals,
        wanted: Wanted,
    ) -> Result<(i32, Asked), Failure> {
        let descriptor = self.channel.descriptor();
        // A tracer's end is its tracees' end already.
        let ends_with_us = wanted.way == Way::Listener;
        let start = Start { mask: signals.mask, descriptor, ends_with_us };
        if !wanted.all_calls && !wanted.evidence {
            return Ok((system::spawn(command, start, || Ok(()))?, Asked::Nobody));
        }
        if !syscalls::AVAILABLE {
            let why = "nbclone doesn't watch system calls on this architecture";
            self.unwatched(wanted, why);
            let start = Start { ends_with_us: true, ..start };
            return Ok((system::spawn(command, start, || Ok(()))?, Asked::Nobody));
        }
        // Where the filter failed, nobody can be asked, and what spawn says isn't
        // about COMMAND.
        let (spawned, asked, first) = match wanted.way {
            Way::Listener => {
                let handover = listener::Handover::new()?;
                let side = handover.child_side(wanted)?;
                let spawn = || system::spawn(command, start, side);
                let (spawned, answers) = handover.accompany(spawn)?;
                match answers {
                    Ok((listener, first)) => (spawned, Ok(Asked::Listener(listener)), first),
                    Err(error) => (spawned, Err(error), None),
                }
            }
            Way::Tracer => {
                let handover = tracer::Handover::new()?;
                let side = handover.child_side(wanted)?;
                let spawn = || system::spawn(command, start, side);
                let (spawned, tracer) = handover.accompany(spawn)?;
                (spawned, tracer.map(Asked::Tracer), None)
            }
        };
        let asked = match asked {
            Ok(asked) => asked,
            Err(_) if !wanted.all_calls => {
                self.unwatched(wanted, "the kernel takes no seccomp filter");
                return Ok((spawned?, Asked::Nobody));
            }
            Err(error) => return Err(Failure::Filter(spawned.err().unwrap_or(error))),
        };
        let child = spawned?;
        if wanted.all_calls {
            self.bypass = Some(Ok(Bypass { way: wanted.way, ..Bypass::default() }));
        }
        if wanted.evidence {
            self.watch = Watch::new(&self.library);
        }
        if let (Asked::Listener(listener), Some(question)) = (&asked, first) {
            self.judge(&question);
            listener.go_on(&question);
        }
        Ok((child, asked))
    }

    fn unwatched(&mut self, wanted: Wanted, why: &str) {
        if wanted.all_calls {
            self.bypass = Some(Err(why.to_owned()));
        }
        if wanted.evidence {
            self.watch = Err(why.to_owned());
        }
    }

    fn watch(&mut self, child: i32, signals: &Signals, mut asked: Asked) -> io::Result<ExitStatus> {
        let mut course = Course { child, is_stopped: false, end: None };
        let mut patience = Patience::default();
        loop {
            // Processes that COMMAND leaves behind: without an answer every fork
            // of theirs fails, and a report without their calls isn't complete.
            let remain = |patience: &mut Patience| {
                !matches!(asked, Asked::Nobody)
                    || (self.report.is_some()
                        && !patience.is_over
                        && (self.channel.writers() > 0 || self.may_come_back(patience)))
            };
            if course.end.is_some() && !remain(&mut patience) {
                break;
            }
            let timeout = patience.timeout(course.end.is_some());
            let come = self.wait(signals, &asked, timeout)?;
            if let Asked::Listener(listener) = &asked {
                if come.contains(PollFlags::POLLIN) {
                    if let Some(question) = listener.receive() {
                        self.judge(&question);
                        listener.go_on(&question);
                    }
                } else if come.contains(PollFlags::POLLHUP) {
                    asked = Asked::Nobody;
                }
            }
            // Read before COMMAND is looked at: a change behind that look sends
            // another SIGCHLD.
            let mut came = Vec::new();
            while let Some(signal) = signals.next()? {
                came.push(signal);
            }
            self.look(&mut course, &mut asked)?;
            for signal in came {
                if course.end.is_none() {
                    signals::pass_on(&signal, child, course.is_stopped);
                } else if signals::is_request(&signal) {
                    // COMMAND's id may be another's by now; whoever sends a
                    // signal doesn't want to wait for what it left behind.
                    if let Asked::Listener(listener) = std::mem::replace(&mut asked, Asked::Nobody)
                    {
                        listener.leave_behind();
                    }
                    patience.is_over = true;
                }
            }
            self.read_channel();
        }
        self.read_channel();
        Ok(course.end.unwrap_or_default())
    }

    /// Looks what has become of COMMAND, and of all tracees if there are some.
    fn look(&mut self, course: &mut Course, asked: &mut Asked) -> io::Result<()> {
        if let Asked::Tracer(tracer) = asked {
            loop {
                match tracer.next()? {
                    Step::Question(question) => {
                        self.judge(&question);
                        tracer.go_on(&question);
                    }
                    Step::Stopped(signal) => course.stop(signal),
                    Step::Continued => course.is_stopped = false,
                    Step::Ended(status) => course.end = Some(status),
                    Step::Other => {}
                    Step::Nothing => return Ok(()),
                    Step::Over => break,
                }
            }
            *asked = Asked::Nobody;
        }
        while course.end.is_none() {
            let Some(change) = system::change_of(course.child)? else { break };
            course.change(change);
        }
        Ok(())
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
        asked: &Asked,
        timeout: PollTimeout,
    ) -> io::Result<PollFlags> {
        let readable = |descriptor| PollFd::new(descriptor, PollFlags::POLLIN);
        let mut events = vec![readable(signals.as_fd()), readable(self.channel.event())];
        let place = events.len();
        if let Asked::Listener(listener) = asked {
            events.push(readable(listener.as_fd()));
        }
        match poll(&mut events, timeout) {
            Err(nix::Error::EINTR) => return Ok(PollFlags::empty()),
            result => result?,
        };
        let answer = events.get(place).and_then(PollFd::revents);
        Ok(answer.unwrap_or(PollFlags::empty()))
    }

    fn judge(&mut self, question: &Question) {
        if let Some(Ok(bypass)) = &mut self.bypass {
            bypass.count(question, &self.library, &self.symbols);
        }
        if let (Ok(watch), Some(deed)) = (&mut self.watch, question.deed) {
            let &Question { thread, arguments, instruction, .. } = question;
            watch.see(&Event { thread, deed, arguments, instruction });
        }
    }

    fn read_channel(&mut self) {
        let (trace, report, symbols) = (&mut self.trace, &mut self.report, &self.symbols);
        let watch = &mut self.watch;
        let segment = self.channel.segment();
        self.channel.read(|line| {
            let mut line = line.to_owned();
            let mut record = parse::line(&line);
            if let Some(record) = &mut record {
                annotate::find_caller(&mut line, record, segment);
            }
            if let Some(trace) = trace {
                trace.line(&annotate::annotated(line, record.as_ref(), symbols));
            }
            if let (Some(tally), Some(record)) = (report.as_mut(), &record) {
                symbols.keep(&record.caller, || origin::process_with(record.pid, segment));
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
                "{} had no way to tell theirs: another user's, or in another IPC namespace, all \
                 descriptors closed",
                counted(count as usize, "program")
            )),
        };
        (seen < made || more.is_some()).then_some(Completeness { seen, made, more })
    }
}
