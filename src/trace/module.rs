//! Which file is mapped at an address, from /proc/thread-self/maps: read by
//! system calls into a small buffer. The loader's own list is behind a lock.

use crate::host;
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
    let mut chunk = [0u8; 512];
    loop {
        let filled = host::read(maps, &mut chunk);
        let bytes = chunk.get(..filled).unwrap_or_default();
        if bytes.is_empty() || bytes.iter().any(|&byte| reader.take(byte)) {
            break;
        }
    }
    let found = reader.found;
    host::close(maps);
    found
}

/// The fields of a line of maps, in their order.
#[derive(Clone, Copy, PartialEq)]
enum Field {
    Start,
    End,
    Permissions,
    Offset,
    Device,
    Inode,
    Path,
}

struct Reader<'a> {
    address: usize,
    open: &'a [u8],
    line: &'a mut Line,
    field: Field,
    value: usize,
    start: usize,
    end: usize,
    offset: usize,
    device: usize,
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
            field: Field::Start,
            value: 0,
            start: 0,
            end: 0,
            offset: 0,
            device: 0,
            file: (0, 0),
            base: 0,
            path_length: 0,
            found: false,
        }
    }

    /// Takes one byte; true when there is no need for more.
    fn take(&mut self, byte: u8) -> bool {
        match (self.field, byte) {
            (_, b'\n') => return self.end_line(),
            (Field::Path, _) => self.take_path(byte),
            (Field::Start, b'-') | (_, b' ') => self.end_field(),
            (Field::Inode, b'0'..=b'9') => self.add_digit(10, byte - b'0'),
            (_, b'0'..=b'9') => self.add_digit(16, byte - b'0'),
            (_, b'a'..=b'f') => self.add_digit(16, byte - b'a' + 10),
            _ => {}
        }
        false
    }

    fn add_digit(&mut self, base: usize, digit: u8) {
        self.value = self.value.wrapping_mul(base).wrapping_add(usize::from(digit));
    }

    fn end_field(&mut self) {
        let value = core::mem::take(&mut self.value);
        let place = match self.field {
            Field::Start => (&mut self.start, Field::End),
            Field::End => (&mut self.end, Field::Permissions),
            Field::Permissions => return self.field = Field::Offset,
            Field::Offset => (&mut self.offset, Field::Device),
            Field::Device => (&mut self.device, Field::Inode),
            Field::Inode => return self.end_inode(value),
            Field::Path => return,
        };
        *place.0 = value;
        self.field = place.1;
    }

    fn end_inode(&mut self, inode: usize) {
        self.field = Field::Path;
        let file = (self.device, inode);
        // Memory without a file (a module's .bss) belongs to no new one.
        if inode == 0 {
            return;
        }
        if file != self.file || self.offset == 0 {
            self.file = file;
            self.base = self.start.wrapping_sub(self.offset);
        }
    }

    fn covers(&self) -> bool {
        self.start <= self.address && self.address < self.end
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
            self.line.byte(byte);
        }
    }

    /// True if that was the address's own line.
    fn end_line(&mut self) -> bool {
        // Nothing comes after the inode where there is no path.
        if self.field == Field::Inode {
            self.end_field();
        }
        self.field = Field::Start;
        self.value = 0;
        if !self.covers() {
            return false;
        }
        if self.path_length > 0 {
            if self.path_length > LONGEST_PATH {
                self.line.text(b"...");
            }
            // What isn't a file ([vdso]) starts where its mapping does.
            let base =
                if self.base > self.start || self.file.1 == 0 { self.start } else { self.base };
            self.line.text(b"+");
            self.line.address(self.address.wrapping_sub(base));
            self.line.byte(b'>');
            self.found = true;
        }
        true
    }
}
