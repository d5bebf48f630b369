//! A message to a descriptor that may be closed, full or broken.

use crate::descriptors;
use crate::environment::Target;
use crate::kernel::{self, SignalSet};

/// O_NONBLOCK: a FIFO that is full or that nobody reads, a terminal that is
/// stopped must not hold the program up.
const OPEN: i32 = libc::O_WRONLY | libc::O_CLOEXEC | libc::O_NOCTTY | libc::O_NONBLOCK;

/// Writes `line` with one write(2), if that doesn't block. True: it is written.
/// Signals must be blocked: a file may be open in between.
pub fn write_at_once(target: Target, line: &[u8]) -> bool {
    match target {
        Target::Path(path) => {
            let opened = kernel::open(path, OPEN | libc::O_APPEND | libc::O_CREAT);
            opened.is_ok_and(|file| write_and_close(file, line))
        }
        // Between a poll that says yes and the write, other processes may fill
        // a pipe. A file of our own can have O_NONBLOCK; the program's can't.
        Target::Descriptor(descriptor) => match descriptors::reopen_stream(descriptor, OPEN) {
            Some(file) => write_and_close(file, line),
            None => kernel::is_writable(descriptor) && write_line(descriptor, line),
        },
    }
}

fn write_and_close(file: i32, line: &[u8]) -> bool {
    let written = write_line(file, line);
    kernel::close(file);
    written
}

/// Writes `line` with one write(2). What goes wrong changes nothing for the
/// program: no errno, and neither SIGPIPE nor SIGXFSZ reaches it. True: it is
/// written, all of it.
pub fn write_line(descriptor: i32, line: &[u8]) -> bool {
    let unwanted = SignalSet::EMPTY.with(libc::SIGPIPE).with(libc::SIGXFSZ);
    let mask = kernel::block_signals(&unwanted);
    let before = kernel::pending_signals();

    let written = kernel::write(descriptor, line);
    let signal = match written as i32 {
        error if error == -libc::EPIPE => Some(libc::SIGPIPE),
        error if error == -libc::EFBIG => Some(libc::SIGXFSZ),
        _ => None,
    };
    // One that was pending already was the program's own, and stays.
    if let Some(signal) = signal.filter(|&signal| !before.has(signal)) {
        kernel::discard_signal(&SignalSet::EMPTY.with(signal));
    }
    kernel::set_signal_mask(&mask);
    written == line.len() as isize
}
