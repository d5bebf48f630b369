//! A message to a descriptor that may be closed, full or broken.

use crate::kernel::{self, SignalSet};

/// Writes `line` with one write(2). What goes wrong changes nothing for the
/// program: no errno, and neither SIGPIPE nor SIGXFSZ reaches it.
pub fn write_line(descriptor: i32, line: &[u8]) {
    let unwanted = SignalSet::EMPTY.with(libc::SIGPIPE).with(libc::SIGXFSZ);
    let mask = kernel::block_signals(&unwanted);
    let before = kernel::pending_signals();

    let signal = match kernel::write(descriptor, line) as i32 {
        error if error == -libc::EPIPE => Some(libc::SIGPIPE),
        error if error == -libc::EFBIG => Some(libc::SIGXFSZ),
        _ => None,
    };
    // One that was pending already was the program's own, and stays.
    if let Some(signal) = signal.filter(|&signal| !before.has(signal)) {
        kernel::discard_signal(&SignalSet::EMPTY.with(signal));
    }
    kernel::set_signal_mask(&mask);
}
