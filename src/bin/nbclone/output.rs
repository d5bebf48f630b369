// SPDX-License-Identifier: MIT OR Apache-2.0
// Copyright (c) 2026 The nbclone developers
//! What nbclone writes, and where: its messages, the trace, the report.

use std::fs::{self, File};
use std::io::{self, Write};
use std::os::unix::fs::MetadataExt;
use std::path::Path;

use crate::options::Sink;
use crate::printable;

/// A message to standard error, which may be full or broken.
pub fn say(text: &str) {
    let lines: Vec<String> = text.lines().map(|line| printable::escape(line.as_bytes())).collect();
    let _ = writeln!(io::stderr(), "nbclone: {}", lines.join("\n"));
}

/// Why something failed, in the system's words.
pub fn reason(error: &io::Error) -> String {
    match error.raw_os_error() {
        Some(code) => nix::errno::Errno::from_raw(code).desc().to_owned(),
        None => error.to_string(),
    }
}

/// Standard error, or a file.
pub enum Output {
    /// Standard error.
    Stderr,
    /// A file.
    File(File),
}

impl Output {
    /// Where `sink` says.
    pub fn open(sink: &Sink) -> Result<Output, String> {
        match sink {
            Sink::Stderr => Ok(Output::Stderr),
            Sink::File(path) => {
                let failed = |error| format!("{}: {}", path.display(), reason(&error));
                File::create(path).map(Output::File).map_err(failed)
            }
        }
    }

    /// Writes one line, whole. What reads it may be gone; COMMAND goes on.
    pub fn line(&mut self, line: &str) {
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

/// Whether two sinks are one regular file, where each would write over the other.
pub fn is_same_file(one: Option<&Sink>, other: Option<&Sink>) -> bool {
    let (Some(Sink::File(one)), Some(Sink::File(other))) = (one, other) else { return false };
    match (fs::metadata(one), fs::metadata(other)) {
        (Ok(one), Ok(other)) => {
            one.is_file() && (one.dev(), one.ino()) == (other.dev(), other.ino())
        }
        (Err(_), Err(_)) => resolved(one) == resolved(other),
        _ => false,
    }
}

/// A path whose file may not be there yet.
fn resolved(path: &Path) -> std::path::PathBuf {
    let directory = path.parent().filter(|parent| !parent.as_os_str().is_empty());
    let directory = fs::canonicalize(directory.unwrap_or(Path::new("."))).unwrap_or_default();
    directory.join(path.file_name().unwrap_or_default())
}
