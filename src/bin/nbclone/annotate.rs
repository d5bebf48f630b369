// SPDX-License-Identifier: MIT OR Apache-2.0
// Copyright (c) 2026 The nbclone developers
//! Lines of the trace, with what the process itself couldn't tell.

use crate::origin;
use crate::parse::{self, Place};
use crate::symbols::Symbols;

/// Names the file of a call site of which the process itself knew the address
/// alone: it may not see /proc, after chroot(2) say.
pub fn find_caller(line: &mut String, record: &mut parse::Record, segment: Option<i32>) {
    let Place::Address(address) = record.caller else { return };
    let Some(process) = origin::process_with(record.pid, segment) else { return };
    if let Place::Module(path, offset) = origin::place_of(process, address) {
        let bare = format!(" <caller {address:#x}>");
        *line = line.replacen(&bare, &format!(" <caller {path}+{offset:#x}>"), 1);
        record.caller = Place::Module(path, offset);
    }
}

/// A line with functions and lines of source behind its offsets.
pub fn annotated(line: String, record: Option<&parse::Record>, symbols: &Symbols) -> String {
    let mut text = line;
    let Some(record) = record else { return text };
    let mut add = |place: &Place, words: Option<String>| {
        if let (Place::Module(path, offset), Some(words)) = (place, words) {
            let known = format!("{path}+{offset:#x}>");
            let more = format!("{path}+{offset:#x} {words}>");
            text = text.replacen(&known, &more, 1);
        }
    };
    if let Some(func) = &record.func {
        add(func, symbols.function(func).words());
    }
    add(&record.caller, symbols.call(&record.caller).words());
    text
}
