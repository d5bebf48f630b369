// SPDX-License-Identifier: MIT OR Apache-2.0
// Copyright (c) 2026 The nbclone developers
//! One line of text, in a buffer of its own: what doesn't fit is left out.
//!
//! The functions aren't inlined: they are called from dozens of places, and would
//! take 16 KiB.

use crate::host::buffer::Buffer;
use crate::host::numeral::{self, Digits};
use core::ffi::CStr;

/// Less than PIPE_BUF, so that one write(2) of it isn't torn. It lies on the
/// stack of a program's thread, which may be small.
const CAPACITY: usize = 2048;

/// The line so far.
pub struct Line(Buffer<CAPACITY>);

impl Line {
    /// An empty line.
    pub fn new() -> Line {
        Line(Buffer::new())
    }

    /// The line with a newline at its end, whatever was left out.
    pub fn finish(&mut self) -> &[u8] {
        self.0.truncate(CAPACITY - 1);
        self.byte(b'\n');
        self.0.bytes()
    }

    /// Adds one byte.
    #[inline(never)]
    pub fn byte(&mut self, byte: u8) {
        self.0.push(byte);
    }

    /// Adds one byte of a name that others chose. Nothing in it can end the name,
    /// nor reach a terminal: a control character, `<` and `>` are `\xNN`.
    pub fn byte_of_name(&mut self, byte: u8) {
        if matches!(byte, 0..b' ' | b'<' | b'>' | 0x7f) {
            self.literal(if byte < 16 { c"\\x0" } else { c"\\x" });
            self.digits(byte.into(), 16);
        } else {
            self.byte(byte);
        }
    }

    /// Adds a text of ours.
    #[inline(always)]
    pub fn literal(&mut self, text: &'static CStr) {
        self.0.extend_c(text);
    }

    /// Adds text.
    #[inline(never)]
    pub fn text(&mut self, text: &[u8]) {
        self.0.extend(text);
    }

    /// Adds a number that isn't negative.
    #[inline(always)]
    pub fn decimal(&mut self, number: i32) {
        self.digits(number as u32 as usize, 10);
    }

    /// Adds a number as C writes an address.
    #[inline(never)]
    pub fn address(&mut self, number: usize) {
        self.literal(c"0x");
        self.digits(number, 16);
    }

    #[inline(never)]
    fn digits(&mut self, number: usize, base: usize) {
        let mut buffer = Digits::default();
        self.text(numeral::digits(number, base, &mut buffer).unwrap_or_default());
    }
}
