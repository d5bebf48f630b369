//! Where a line of the trace goes: a file by its path, or a descriptor of the
//! program that may be closed, full or broken.

use crate::host::message::write_line;
use crate::host::{self, reopen};
use crate::settings::Target;

/// O_NONBLOCK: a FIFO that is full or that nobody reads, a terminal that is
/// stopped must not hold the program up.
const OPEN: i32 = libc::O_WRONLY | libc::O_CLOEXEC | libc::O_NOCTTY | libc::O_NONBLOCK;

/// Writes `line` with one write(2), if that doesn't block. True: it is written.
/// Signals must be blocked: a file may be open in between.
pub fn write_at_once(target: Target, line: &[u8]) -> bool {
    match target {
        Target::Path(path) => {
            let opened = host::open(path, OPEN | libc::O_APPEND | libc::O_CREAT);
            opened.is_ok_and(|file| write_and_close(file, line))
        }
        // Between a poll that says yes and the write, other processes may fill
        // a pipe. A file of our own can have O_NONBLOCK; the program's can't.
        Target::Descriptor(descriptor) => match reopen::stream(descriptor, OPEN) {
            Some(file) => write_and_close(file, line),
            None => host::is_writable(descriptor) && write_line(descriptor, line),
        },
    }
}

fn write_and_close(file: i32, line: &[u8]) -> bool {
    let written = write_line(file, line);
    host::close(file);
    written
}
