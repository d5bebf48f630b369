//! Which file is mapped at an address, from /proc/thread-self/maps: read by
//! system calls into a small buffer. The loader's own list is behind a lock.

use crate::host;
use crate::host::buffer::Buffer;
use crate::trace::line::Line;
use core::ffi::CStr;

// Not /proc/self: once its first thread has ended, a process has no maps there.
const MAPS: &CStr = c"/proc/thread-self/maps";

/// A longer path is cut, so that a line has room for two.
const LONGEST_PATH: usize = 512;

/// Adds `open`, the path of what is mapped at `address`, the offset from the
/// start of that file's mapping, and `>`. False: nothing is added, no file is
/// mapped there.
pub fn add_module(line: &mut Line, open: &[u8], address: usize) -> bool {
    let flags = libc::O_RDONLY | libc::O_CLOEXEC | libc::O_NOCTTY;
    let Ok(maps) = host::open(MAPS, flags) else { return false };
    let mut reader = Reader::new(address, open, line);
    let mut chunk = Buffer::<512>::new();
    loop {
        host::read(maps, &mut chunk);
        let bytes = chunk.bytes();
        if bytes.is_empty() || bytes.iter().any(|&byte| reader.take(byte)) {
            break;
        }
    }
    let found = reader.found;
    host::close(maps);
    found
}

/// The fields of a line of maps, in their order: numbers, and the path.
const START: usize = 0;
const END: usize = 1;
const OFFSET: usize = 3;
const DEVICE: usize = 4;
const INODE: usize = 5;
const PATH: usize = 6;

struct Reader<'a> {
    address: usize,
    open: &'a [u8],
    line: &'a mut Line,
    /// Which field the next byte belongs to.
    field: usize,
    /// The numbers of the fields before the path; the permissions' is none.
    numbers: [usize; PATH],
    /// Device and inode of the last file seen.
    file: (usize, usize),
    /// Where the last file's mapping starts.
    base: usize,
    path_length: usize,
    found: bool,
}

impl<'a> Reader<'a> {
    fn new(address: usize, open: &'a [u8], line: &'a mut Line) -> Reader<'a> {
        Reader {
            address,
            open,
            line,
            field: START,
            numbers: [0; PATH],
            file: (0, 0),
            base: 0,
            path_length: 0,
            found: false,
        }
    }

    /// Takes one byte; true when there is no need for more.
    fn take(&mut self, byte: u8) -> bool {
        if byte == b'\n' {
            return self.end_line();
        }
        let Some(number) = self.numbers.get_mut(self.field) else {
            self.take_path(byte);
            return false;
        };
        let base = if self.field == INODE { 10 } else { 16 };
        if byte == b' ' || (self.field == START && byte == b'-') {
            self.end_field();
        } else if let Some(digit) = char::from(byte).to_digit(base) {
            *number = number.wrapping_mul(base as usize).wrapping_add(digit as usize);
        }
        false
    }

    /// The number of a field before the path.
    fn number(&self, field: usize) -> usize {
        self.numbers.get(field).copied().unwrap_or_default()
    }

    fn end_field(&mut self) {
        if self.field == INODE {
            self.end_inode();
        }
        self.field += 1;
    }

    fn end_inode(&mut self) {
        let file = (self.number(DEVICE), self.number(INODE));
        // Memory without a file (a module's .bss) belongs to no new one.
        if file.1 == 0 {
            return;
        }
        if file != self.file || self.number(OFFSET) == 0 {
            self.file = file;
            self.base = self.number(START).wrapping_sub(self.number(OFFSET));
        }
    }

    fn covers(&self) -> bool {
        self.number(START) <= self.address && self.address < self.number(END)
    }

    fn take_path(&mut self, byte: u8) {
        if !self.covers() || (self.path_length == 0 && byte == b' ') {
            return;
        }
        if self.path_length == 0 {
            self.line.text(self.open);
        }
        self.path_length += 1;
        if self.path_length <= LONGEST_PATH {
            self.line.byte_of_name(byte);
        }
    }

    /// True if that was the address's own line.
    fn end_line(&mut self) -> bool {
        // Nothing comes after the inode where there is no path.
        if self.field == INODE {
            self.end_inode();
        }
        if !self.covers() {
            self.field = START;
            self.numbers = [0; PATH];
            return false;
        }
        if self.path_length > 0 {
            if self.path_length > LONGEST_PATH {
                self.line.text(b"...");
            }
            // What isn't a file ([vdso]) starts where its mapping does.
            let start = self.number(START);
            let base = if self.base > start || self.number(INODE) == 0 { start } else { self.base };
            self.line.text(b"+");
            self.line.address(self.address.wrapping_sub(base));
            self.line.byte(b'>');
            self.found = true;
        }
        true
    }
}
