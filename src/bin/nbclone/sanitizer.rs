// SPDX-License-Identifier: MIT OR Apache-2.0
// Copyright (c) 2026 The nbclone developers
//! Programs made with -fsanitize=address, whose runtime wants to be loaded before
//! all else, and makes a raw clone for its leak checker.

use std::fs::File;
use std::path::Path;

use object::{Object, ObjectSymbol, ReadCache};

use crate::regular;

/// Where a program's runtime is.
#[derive(Clone, Copy, PartialEq)]
enum Runtime {
    /// In a library, which refuses to come behind another.
    Library,
    /// In the program.
    Inside,
}

/// How to run the program, if it is one.
pub fn advice(path: &Path, all_calls: bool) -> Option<String> {
    let runtime = runtime(regular::open(path).ok()?)?;
    let set = std::env::var("ASAN_OPTIONS").unwrap_or_default();
    let mut wanted = Vec::new();
    if runtime == Runtime::Library {
        wanted.push("verify_asan_link_order=0");
    }
    if all_calls {
        wanted.push("detect_leaks=0");
    }
    wanted.retain(|option| !set.contains(option));
    let why = match wanted.as_slice() {
        [] => return None,
        ["detect_leaks=0"] => "its leak checker makes a raw clone of its own",
        _ => "its runtime wants to be loaded first",
    };
    let options = wanted.join(":");
    Some(format!("is made with -fsanitize=address, and {why}: run it with ASAN_OPTIONS={options}"))
}

fn runtime(file: File) -> Option<Runtime> {
    let cache = ReadCache::new(file);
    let file = object::File::parse(&cache).ok()?;
    let mut symbols = file.dynamic_symbols().chain(file.symbols());
    let init = symbols.find(|symbol| symbol.name_bytes() == Ok(b"__asan_init"))?;
    Some(if init.is_definition() { Runtime::Inside } else { Runtime::Library })
}
