// SPDX-License-Identifier: MIT OR Apache-2.0
// Copyright (c) 2026 The nbclone developers
//! Names that others chose (files, functions, arguments) as text that a
//! terminal can be given.

use std::ffi::OsStr;
use std::fmt::Write;
use std::os::unix::ffi::OsStrExt;
use std::path::PathBuf;

/// `bytes` as text: what isn't UTF-8 and what a terminal acts upon or hides is
/// written `\xNN`, byte by byte.
pub fn escape(bytes: &[u8]) -> String {
    let mut text = String::new();
    for chunk in bytes.utf8_chunks() {
        for character in chunk.valid().chars() {
            if is_unsafe(character) {
                let mut buffer = [0; 4];
                add_bytes(&mut text, character.encode_utf8(&mut buffer).as_bytes());
            } else {
                text.push(character);
            }
        }
        add_bytes(&mut text, chunk.invalid());
    }
    text
}

/// The file that an escaped path names.
pub fn path(escaped: &str) -> PathBuf {
    let mut bytes = Vec::new();
    let mut rest = escaped.as_bytes();
    while let Some((&first, behind)) = rest.split_first() {
        if let Some((byte, behind)) = escaped_byte(rest) {
            bytes.push(byte);
            rest = behind;
        } else {
            bytes.push(first);
            rest = behind;
        }
    }
    PathBuf::from(OsStr::from_bytes(&bytes))
}

/// `\xNN`, or the kernel's `\012` for a newline in /proc/PID/maps.
fn escaped_byte(text: &[u8]) -> Option<(u8, &[u8])> {
    if let Some(rest) = text.strip_prefix(b"\\012") {
        return Some((b'\n', rest));
    }
    let (digits, rest) = text.strip_prefix(b"\\x")?.split_at_checked(2)?;
    let byte = u8::from_str_radix(std::str::from_utf8(digits).ok()?, 16).ok()?;
    Some((byte, rest))
}

fn add_bytes(text: &mut String, bytes: &[u8]) {
    for byte in bytes {
        // Writing to a string can't fail.
        let _ = write!(text, "\\x{byte:02x}");
    }
}

/// Control characters, and those that change the order or the look of what
/// stands beside them.
fn is_unsafe(character: char) -> bool {
    character.is_control()
        || matches!(character, '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}'
            | '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{e0000}'..='\u{e007f}')
}
