// SPDX-License-Identifier: MIT OR Apache-2.0
// Copyright (c) 2026 The nbclone developers
//! One line to a descriptor that may be closed, full or broken.

use super::SignalSet;
use crate::constants;
use crate::host;

/// Writes `line` with one write(2). A failure leaves no trace in the program: errno is
/// kept, and neither SIGPIPE nor SIGXFSZ reaches it. True: all of `line` is written.
pub fn write_line(descriptor: i32, line: &[u8]) -> bool {
    let unwanted = SignalSet::EMPTY.with(libc::SIGPIPE).with(constants::SIGXFSZ);
    let mask = host::block_signals(&unwanted);
    let before = host::pending_signals();

    let written = host::write(descriptor, line);
    let signal = match written as i32 {
        error if error == -libc::EPIPE => Some(libc::SIGPIPE),
        error if error == -libc::EFBIG => Some(constants::SIGXFSZ),
        _ => None,
    };
    // A signal that was pending before is the program's own, and stays.
    if let Some(signal) = signal.filter(|&signal| !before.has(signal)) {
        host::discard_signal(&SignalSet::EMPTY.with(signal));
    }
    host::set_signal_mask(&mask);
    written == line.len() as isize
}
