// SPDX-License-Identifier: MIT OR Apache-2.0
// Copyright (c) 2026 The nbclone developers
//! Functions and lines for module offsets, from symbol tables and debug
//! information, after the process has ended.

use std::cell::RefCell;
use std::collections::HashMap;
use std::io::Read;
use std::os::fd::AsRawFd;
use std::path::{Path, PathBuf};
use std::rc::Rc;

use addr2line::Loader;
use object::{Object, ObjectSegment, ObjectSymbol};

use crate::parse::Place;
use crate::{printable, regular};

/// What an address is in.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Symbol {
    /// The function's name.
    pub function: Option<String>,
    /// Source file and line.
    pub line: Option<(String, u32)>,
}

impl Symbol {
    /// `function at file:line`, or what is known of it.
    pub fn words(&self) -> Option<String> {
        let line = self.line.as_ref().map(|(file, line)| {
            let name = Path::new(file).file_name().unwrap_or_default();
            format!("{}:{line}", name.to_string_lossy())
        });
        match (&self.function, line) {
            (Some(function), Some(line)) => Some(format!("{function} at {line}")),
            (Some(function), None) => Some(function.clone()),
            (None, line) => line,
        }
    }

    /// Names come from files that others made.
    fn printable(mut self) -> Symbol {
        let escape = |name: String| printable::escape(name.as_bytes());
        self.function = self.function.map(escape);
        self.line = self.line.map(|(file, line)| (escape(file), line));
        self
    }
}

struct Module {
    /// From an offset in the mapping to an address in the file's own terms.
    bias: u64,
    loader: Option<Loader>,
    /// Address, size and name of each function that has a symbol.
    named: Vec<(u64, u64, String)>,
}

/// The modules that were looked at.
#[derive(Default)]
pub struct Symbols {
    modules: RefCell<HashMap<String, Option<Rc<Module>>>>,
}

impl Symbols {
    /// What is at `place`.
    pub fn function(&self, place: &Place) -> Symbol {
        self.look_up(place, 0)
    }

    /// The call that returns to `place`.
    pub fn call(&self, place: &Place) -> Symbol {
        self.look_up(place, 1)
    }

    fn look_up(&self, place: &Place, back: u64) -> Symbol {
        let Place::Module(path, offset) = place else { return Symbol::default() };
        let mut modules = self.modules.borrow_mut();
        let module = modules
            .entry(path.clone())
            .or_insert_with(|| Module::open(&printable::path(path)).map(Rc::new))
            .clone();
        drop(modules);
        module.map_or_else(Symbol::default, |module| {
            module.symbol(offset.wrapping_sub(back).wrapping_add(module.bias)).printable()
        })
    }
}

impl Module {
    fn open(path: &Path) -> Option<Module> {
        let mut data = Vec::new();
        let mut opened = regular::open(path).ok()?;
        opened.read_to_end(&mut data).ok()?;
        // What has this path may be another file by now.
        let path = &PathBuf::from(format!("/proc/self/fd/{}", opened.as_raw_fd()));
        let file = object::File::parse(&*data).ok()?;
        let first = file.segments().next()?;
        let bias = first.address().wrapping_sub(first.file_range().0);
        let debug = file.build_id().ok().flatten().and_then(debug_file);
        let loader =
            debug.and_then(|path| Loader::new(path).ok()).or_else(|| Loader::new(path).ok());
        // The nearest symbol isn't enough: in a stripped file it is any.
        let named = file
            .symbols()
            .chain(file.dynamic_symbols())
            .filter(|symbol| symbol.kind() == object::SymbolKind::Text && symbol.is_definition())
            .filter_map(|symbol| {
                Some((symbol.address(), symbol.size(), symbol.name().ok()?.to_owned()))
            })
            .collect();
        Some(Module { bias, loader, named })
    }

    fn symbol(&self, address: u64) -> Symbol {
        let mut symbol = Symbol::default();
        if let Some(loader) = &self.loader {
            let frame =
                loader.find_frames(address).ok().and_then(|mut frames| frames.next().ok()?);
            if let Some(frame) = frame {
                symbol.function =
                    frame.function.and_then(|name| Some(name.demangle().ok()?.into_owned()));
                symbol.line = frame
                    .location
                    .and_then(|location| Some((location.file?.to_owned(), location.line?)));
            }
        }
        symbol.function = symbol.function.or_else(|| {
            let covers =
                |&&(start, size, _): &&(u64, u64, String)| (start..start + size).contains(&address);
            self.named.iter().find(covers).map(|(_, _, name)| demangle(name))
        });
        symbol
    }
}

/// A mangled name as its language writes it. Any other is left alone: C's `f` and `i`
/// would be read as C++'s codes for types.
fn demangle(name: &str) -> String {
    if !name.starts_with("_Z") && !name.starts_with("_R") {
        return name.to_owned();
    }
    addr2line::demangle_auto(name.into(), None).into_owned()
}

/// Debian's and Fedora's place for separate debug information.
fn debug_file(build_id: &[u8]) -> Option<PathBuf> {
    let (first, rest) = build_id.split_first()?;
    let rest: String = rest.iter().map(|byte| format!("{byte:02x}")).collect();
    let path = PathBuf::from(format!("/usr/lib/debug/.build-id/{first:02x}/{rest}.debug"));
    path.is_file().then_some(path)
}
