// SPDX-License-Identifier: MIT OR Apache-2.0
// Copyright (c) 2026 The nbclone developers
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

/// Adds `open`, the path of what is mapped at `address`, and the offset from the
/// start of that file's mapping. False: nothing is added, no file is
/// mapped there.
pub fn add_module(line: &mut Line, open: &'static CStr, address: usize) -> bool {
    let flags = libc::O_RDONLY | libc::O_CLOEXEC | libc::O_NOCTTY;
    let Ok(descriptor) = host::open(MAPS, flags) else { return false };
    let mut maps = Maps { descriptor, chunk: Buffer::new(), next: 0 };
    let found = maps.find(line, open, address);
    host::close(descriptor);
    found
}

/// A line of maps: `start-end permissions offset device inode path`.
// In this order, as `Buffer`.
#[repr(C)]
struct Maps {
    next: usize,
    descriptor: i32,
    chunk: Buffer<512>,
}

impl Maps {
    fn find(&mut self, line: &mut Line, open: &'static CStr, address: usize) -> bool {
        // Device and inode of the last file seen, and where its mapping starts.
        let mut file = (0, 0);
        let mut base = 0;
        loop {
            let start = self.number();
            let end = self.number();
            if end == 0 {
                return false;
            }
            // The permissions, with the space behind them.
            for _ in 0..5 {
                self.byte();
            }
            let offset = self.number();
            let device = self.number() << 20 | self.number();
            // The inode is decimal, but as hexadecimal it tells files apart as well.
            let this = (device, self.number());
            // Memory without a file (a module's .bss) belongs to no new one.
            if this.1 != 0 && (this != file || offset == 0) {
                file = this;
                base = start.wrapping_sub(offset);
            }
            if start <= address && address < end {
                // What isn't a file ([vdso]) starts where its mapping does.
                let base = if base > start || this.1 == 0 { start } else { base };
                return self.add_path(line, open, address.wrapping_sub(base));
            }
            while self.byte() != b'\n' {}
        }
    }

    /// Adds the path, if there is one, and the offset.
    fn add_path(&mut self, line: &mut Line, open: &'static CStr, offset: usize) -> bool {
        let mut length = 0;
        loop {
            let byte = self.byte();
            if byte == b'\n' {
                break;
            }
            if length == 0 {
                if byte == b' ' {
                    continue;
                }
                line.literal(open);
            }
            if length < LONGEST_PATH {
                line.byte_of_name(byte);
            }
            length += 1;
        }
        if length == 0 {
            return false;
        }
        if length > LONGEST_PATH {
            line.literal(c"...");
        }
        line.byte(b'+');
        line.address(offset);
        true
    }

    /// A hexadecimal number and the byte behind it. 0 at the end of the file, too. Nothing but
    /// the end of the line stands behind the inode where there is no path.
    fn number(&mut self) -> usize {
        let mut number = 0usize;
        loop {
            let byte = self.byte();
            let digit = match byte {
                b'0'..=b'9' => byte - b'0',
                b'a'..=b'f' => byte - b'a' + 10,
                b'\n' => {
                    self.next -= 1;
                    return number;
                }
                _ => return number,
            };
            number = number.wrapping_mul(16).wrapping_add(usize::from(digit));
        }
    }

    /// The next byte; newlines at the end of the file.
    fn byte(&mut self) -> u8 {
        if self.next >= self.chunk.bytes().len() {
            self.next = 0;
            host::read(self.descriptor, &mut self.chunk);
        }
        let byte = self.chunk.bytes().get(self.next);
        let byte = byte.copied().unwrap_or(b'\n');
        self.next += 1;
        byte
    }
}
