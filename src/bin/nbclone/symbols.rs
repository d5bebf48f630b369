// SPDX-License-Identifier: MIT OR Apache-2.0
// Copyright (c) 2026 The nbclone developers
//! Functions and lines for module offsets, from symbol tables and debug
//! information, which may be in a file of its own.

use std::cell::RefCell;
use std::collections::HashMap;
use std::fs::File;
use std::io::Read;
use std::os::fd::AsRawFd;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;
use std::rc::Rc;

use addr2line::Loader;
use object::{Object, ObjectSegment, ObjectSymbol};

use crate::parse::Place;
use crate::{debug, files, printable, regular};

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

enum Known {
    /// Opened while the process had it.
    File(File),
    /// Read.
    Module(Option<Rc<Module>>),
}

/// The modules that were met, by their paths made printable.
#[derive(Default)]
pub struct Symbols {
    modules: RefCell<HashMap<String, Known>>,
}

/// So many files are kept open at most.
const KEPT: usize = 128;

impl Symbols {
    /// Keeps the file of a place that a process has just called from, which may
    /// be gone when it is read. `process`: its id, if it is known.
    pub fn keep(&self, place: &Place, process: impl FnOnce() -> Option<i32>) {
        let Place::Module(path, _) = place else { return };
        let mut modules = self.modules.borrow_mut();
        if modules.len() < KEPT && !modules.contains_key(path) {
            if let Some(file) = files::mapped(process(), path) {
                modules.insert(path.clone(), Known::File(file));
            }
        }
    }

    /// Keeps a program that is about to run, or runs, by what it may be called.
    pub fn keep_program(&self, file: &File, path: &Path) {
        let path = printable::escape(path.as_os_str().as_bytes());
        let mut modules = self.modules.borrow_mut();
        for name in [format!("{path} (deleted)"), path] {
            if modules.len() < KEPT && !modules.contains_key(&name) {
                if let Ok(file) = file.try_clone() {
                    modules.insert(name, Known::File(file));
                }
            }
        }
    }

    /// The same of a thread that waits.
    pub fn keep_program_of(&self, thread: i32) {
        let Some((path, own)) = files::program_of(thread) else { return };
        let known = printable::escape(own.as_os_str().as_bytes());
        if self.modules.borrow().contains_key(&known) {
            return;
        }
        if let Ok(file) = regular::open(Path::new(&format!("/proc/{thread}/exe"))) {
            self.keep_program(&file, &path);
            self.keep_program(&file, &own);
        }
    }

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
        let known = modules.remove(path);
        let read = |file: File| Module::read(file, &printable::path(path)).map(Rc::new);
        let module = match known {
            Some(Known::Module(module)) => module,
            Some(Known::File(file)) => read(file),
            None => regular::open(&printable::path(path)).ok().and_then(read),
        };
        modules.insert(path.clone(), Known::Module(module.clone()));
        drop(modules);
        module.map_or_else(Symbol::default, |module| {
            module.symbol(offset.wrapping_sub(back).wrapping_add(module.bias)).printable()
        })
    }
}

impl Module {
    /// `path`: where it is, or was.
    fn read(mut opened: File, path: &Path) -> Option<Module> {
        let mut data = Vec::new();
        opened.read_to_end(&mut data).ok()?;
        // What has this path may be another file by now.
        let itself = format!("/proc/self/fd/{}", opened.as_raw_fd());
        let file = object::File::parse(&*data).ok()?;
        let first = file.segments().next()?;
        let bias = first.address().wrapping_sub(first.file_range().0);
        let mut all = named(&file);
        let debug = debug::file(&file, path);
        if let Some(data) = debug.as_ref().and_then(|path| regular::read(path).ok()) {
            // Stripped of all but its symbols, it has no lines.
            all.extend(object::File::parse(&*data).iter().flat_map(named));
        }
        let loader =
            debug.and_then(|path| Loader::new(path).ok()).or_else(|| Loader::new(itself).ok());
        Some(Module { bias, loader, named: all })
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

/// Address, size and name of each function. (The nearest symbol isn't enough: in
/// a stripped file it is any.)
fn named(file: &object::File) -> Vec<(u64, u64, String)> {
    file.symbols()
        .chain(file.dynamic_symbols())
        .filter(|symbol| symbol.kind() == object::SymbolKind::Text && symbol.is_definition())
        .filter_map(|symbol| {
            Some((symbol.address(), symbol.size(), symbol.name().ok()?.to_owned()))
        })
        .collect()
}
