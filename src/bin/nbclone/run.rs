//! One run of COMMAND: start it, pass its lines and our signals on, and end as
//! it does.

use std::ffi::OsString;
use std::fs::File;
use std::io::{self, Write};
use std::os::fd::AsFd;
use std::os::unix::process::ExitStatusExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command};

use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::signal::{SigSet, Signal, kill};
use nix::sys::signalfd::{SfdFlags, SignalFd, siginfo};
use nix::unistd::Pid;

use crate::bypass::Bypass;
use crate::channel::Channel;
use crate::options::{Options, Sink, policy, policy_name};
use crate::parse::{self, Place};
use crate::policy::Policy;
use crate::report::{self, Run, Tally};
use crate::seccomp::{self, Handover, Listener};
use crate::symbols::Symbols;
use crate::{json, library, program, system};

/// As env(1): nbclone itself failed, COMMAND can't be run, isn't found.
pub const FAILED: i32 = 125;
const CANNOT_RUN: i32 = 126;
const NOT_FOUND: i32 = 127;

/// Signals that are COMMAND's business when somebody sends them to nbclone.
const PASSED_ON: [Signal; 6] = [
    Signal::SIGHUP,
    Signal::SIGINT,
    Signal::SIGQUIT,
    Signal::SIGTERM,
    Signal::SIGUSR1,
    Signal::SIGUSR2,
];

/// Runs it: the exit status.
pub fn run(options: &Options) -> Result<i32, String> {
    let library = library::find(options.library.as_deref())?;
    let warnings = program::warnings(&options.command, &library);
    for warning in &warnings {
        say(&format!("warning: {warning}"));
    }
    let wants_report = options.report.is_some() || options.json || options.all_calls;
    let mut session = Session {
        library: library.clone(),
        channel: None,
        trace: options.trace.as_ref().map(open_sink).transpose()?,
        report: wants_report.then(Tally::default),
        symbols: Symbols::default(),
        bypass: None,
    };
    let report_sink = match (&options.report, wants_report) {
        (Some(sink), _) => Some(open_sink(sink)?),
        (None, true) => Some(open_sink(&Sink::Stderr)?),
        (None, false) => None,
    };
    if session.trace.is_some() || wants_report {
        let channel = Channel::new().map_err(|e| format!("no file for the trace: {e}"))?;
        session.channel = Some(channel);
    }

    let mut command = Command::new(&options.command);
    command.args(&options.arguments);
    let preload = library::preload(&library, std::env::var_os("LD_PRELOAD").as_deref());
    command.env("LD_PRELOAD", preload);
    if let Some(policy) = options.policy {
        command.env("NBCLONE_POLICY", policy_name(policy));
    }
    if let Some(channel) = &session.channel {
        command.env("NBCLONE_TRACE", channel.path());
    }

    let status = match session.supervise(&mut command, options.all_calls)? {
        Ok(status) => status,
        Err(error) => {
            let code = error.raw_os_error().unwrap_or(0);
            let why = nix::errno::Errno::from_raw(code).desc();
            say(&format!("{}: {why}", Path::new(&options.command).display()));
            let missing = error.kind() == io::ErrorKind::NotFound;
            return Ok(if missing { NOT_FOUND } else { CANNOT_RUN });
        }
    };
    if let (Some(tally), Some(mut sink)) = (session.report.take(), report_sink) {
        let run = Run {
            command: words(options),
            policy: policy_in_force(options),
            ended: ended(status),
            status: exit_status(status),
            warnings,
            torn: session.channel.as_ref().map_or(0, |channel| channel.torn),
            bypass: session
                .bypass
                .take()
                .unwrap_or_else(|| Err("--all-calls counts them".to_owned())),
        };
        let text = if options.json {
            json::report(&tally, &run, &session.symbols)
        } else {
            report::text(&tally, &run, &session.symbols)
        };
        sink.write_all(text.as_bytes()).map_err(|e| format!("the report: {e}"))?;
    }
    Ok(exit_status(status))
}

/// Why nothing was started.
enum Start {
    Command(io::Error),
    Filter(String),
}

impl From<io::Error> for Start {
    fn from(error: io::Error) -> Start {
        Start::Command(error)
    }
}

struct Session {
    library: PathBuf,
    channel: Option<Channel>,
    trace: Option<Output>,
    report: Option<Tally>,
    symbols: Symbols,
    bypass: Option<Result<Bypass, String>>,
}

impl Session {
    /// Starts the command and waits for its end. The inner error: it couldn't
    /// be started.
    fn supervise(
        &mut self,
        command: &mut Command,
        all_calls: bool,
    ) -> Result<io::Result<std::process::ExitStatus>, String> {
        let failed = |what: &str, error: io::Error| format!("{what}: {error}");
        let mut ours: SigSet = PASSED_ON.into_iter().collect();
        ours.add(Signal::SIGCHLD);
        let mask = ours
            .thread_swap_mask(nix::sys::signal::SigmaskHow::SIG_BLOCK)
            .map_err(|e| failed("the signal mask", e.into()))?;
        let signals = SignalFd::with_flags(&ours, SfdFlags::SFD_NONBLOCK | SfdFlags::SFD_CLOEXEC)
            .map_err(|e| failed("signalfd", e.into()))?;

        let (child, listener) = match self.start(command, mask, all_calls) {
            Ok(started) => started,
            Err(Start::Command(error)) => return Ok(Err(error)),
            Err(Start::Filter(error)) => return Err(format!("--all-calls: no filter: {error}")),
        };
        self.watch(child, &signals, listener).map(Ok).map_err(|e| failed("waiting", e))
    }

    fn start(
        &mut self,
        command: &mut Command,
        mask: SigSet,
        all_calls: bool,
    ) -> Result<(Child, Option<Listener>), Start> {
        if all_calls && !seccomp::AVAILABLE {
            self.bypass = Some(Err("--all-calls doesn't know this architecture".to_owned()));
        } else if all_calls {
            let handover = Handover::new()?;
            let side = handover.child_side()?;
            let spawned = system::spawn(command, mask, side);
            // Where the filter failed, its descriptor hasn't come, and what
            // spawn says isn't about COMMAND.
            let listener = match (handover.take(), &spawned) {
                (Ok(listener), _) => listener,
                (Err(_), Err(error)) => return Err(Start::Filter(error.to_string())),
                (Err(error), Ok(_)) => return Err(Start::Filter(error.to_string())),
            };
            let child = spawned?;
            self.bypass = Some(Ok(Bypass::default()));
            return Ok((child, Some(listener)));
        }
        Ok((system::spawn(command, mask, || Ok(()))?, None))
    }

    fn watch(
        &mut self,
        mut child: Child,
        signals: &SignalFd,
        mut listener: Option<Listener>,
    ) -> io::Result<std::process::ExitStatus> {
        let pid = Pid::from_raw(child.id() as i32);
        let mut status = None;
        // Without an answer every fork fails: the filter is served as long as
        // any process has it.
        while status.is_none() || listener.is_some() {
            let mut asked = PollFlags::empty();
            {
                let mut events = vec![PollFd::new(signals.as_fd(), PollFlags::POLLIN)];
                events.extend(
                    self.channel.as_ref().map(|c| PollFd::new(c.event(), PollFlags::POLLIN)),
                );
                let place = events.len();
                events.extend(listener.as_ref().map(|l| PollFd::new(l.as_fd(), PollFlags::POLLIN)));
                match poll(&mut events, PollTimeout::NONE) {
                    Err(nix::Error::EINTR) => continue,
                    result => result?,
                };
                if let Some(event) = events.get(place) {
                    asked = event.revents().unwrap_or(PollFlags::empty());
                }
            }
            if asked.contains(PollFlags::POLLIN) {
                self.answer(listener.as_ref());
            } else if asked.contains(PollFlags::POLLHUP) {
                listener = None;
            }
            while let Some(signal) = signals.read_signal()? {
                match status {
                    None => pass_on(&signal, pid),
                    // COMMAND's id may be another's by now; whoever sends a
                    // signal doesn't want to wait for what it left behind.
                    Some(_) if signal.ssi_signo != Signal::SIGCHLD as u32 => listener = None,
                    Some(_) => {}
                }
            }
            if status.is_none() {
                status = child.try_wait()?;
            }
            self.read_channel()?;
        }
        Ok(status.unwrap_or_default())
    }

    fn answer(&mut self, listener: Option<&Listener>) {
        let Some(listener) = listener else { return };
        let Some(question) = listener.receive() else { return };
        if let Some(Ok(bypass)) = &mut self.bypass {
            bypass.count(&question, &self.library, &self.symbols);
        }
        listener.go_on(&question);
    }

    fn read_channel(&mut self) -> io::Result<()> {
        let Some(channel) = &mut self.channel else { return Ok(()) };
        let (trace, report, symbols) = (&mut self.trace, &mut self.report, &self.symbols);
        channel.read(|line| {
            let record = parse::line(line);
            if let Some(trace) = trace {
                trace.line(&annotated(line, record.as_ref(), symbols));
            }
            if let (Some(tally), Some(record)) = (report.as_mut(), &record) {
                tally.count(record);
            }
        })
    }
}

/// A line with functions and lines of source behind its offsets.
fn annotated(line: &str, record: Option<&parse::Record>, symbols: &Symbols) -> String {
    let mut text = line.to_owned();
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

/// A message to standard error, which may be full or broken.
pub fn say(text: &str) {
    let _ = writeln!(io::stderr(), "nbclone: {text}");
}

/// What the terminal sends goes to the whole foreground group, COMMAND in it;
/// what a process sent to nbclone alone is passed on.
fn pass_on(signal: &siginfo, child: Pid) {
    let sent_by_process = signal.ssi_code <= 0;
    let sent_by_child = signal.ssi_pid as i32 == child.as_raw();
    let Ok(number) = Signal::try_from(signal.ssi_signo as i32) else { return };
    if PASSED_ON.contains(&number) && sent_by_process && !sent_by_child {
        let _ = kill(child, number);
    }
}

/// Standard error, or a file.
enum Output {
    Stderr,
    File(File),
}

impl Output {
    /// Writes one line, whole. What reads it may be gone; COMMAND goes on.
    fn line(&mut self, line: &str) {
        let _ = self.write_all(format!("{line}\n").as_bytes());
    }
}

impl Write for Output {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match self {
            Output::Stderr => io::stderr().write(bytes),
            Output::File(file) => file.write(bytes),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

fn open_sink(sink: &Sink) -> Result<Output, String> {
    match sink {
        Sink::Stderr => Ok(Output::Stderr),
        Sink::File(path) => open_file(path),
    }
}

fn open_file(path: &Path) -> Result<Output, String> {
    File::create(path).map(Output::File).map_err(|e| format!("{}: {e}", path.display()))
}

fn words(options: &Options) -> Vec<String> {
    let all = std::iter::once(&options.command).chain(&options.arguments);
    all.map(|word: &OsString| word.to_string_lossy().into_owned()).collect()
}

fn policy_in_force(options: &Options) -> &'static str {
    let inherited = || std::env::var_os("NBCLONE_POLICY").and_then(|name| policy(&name));
    policy_name(options.policy.or_else(inherited).unwrap_or(Policy::Strict))
}

fn exit_status(status: std::process::ExitStatus) -> i32 {
    status.code().or_else(|| status.signal().map(|signal| 128 + signal)).unwrap_or(FAILED)
}

fn ended(status: std::process::ExitStatus) -> String {
    match (status.code(), status.signal().map(Signal::try_from)) {
        (Some(code), _) => format!("exit status {code}"),
        (None, Some(Ok(signal))) => format!("ended by {signal}"),
        _ => format!("ended by signal {}", status.signal().unwrap_or(0)),
    }
}
