// SPDX-License-Identifier: MIT OR Apache-2.0
// Copyright (c) 2026 The nbclone developers
//! The files that a process has mapped, opened while it lives: what has the path
//! later may be gone, another file, or in another root directory.

use std::fs::{self, File};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use crate::origin::{Mapping, mappings};
use crate::{printable, regular};

/// The file that `process` has mapped by this path, as /proc/PID/maps has it, made
/// printable; or what has the path here, where the process can't be looked at.
pub fn mapped(process: Option<i32>, path: &str) -> Option<File> {
    let here = || regular::open(&printable::path(path)).ok();
    let Some(process) = process else { return here() };
    let maps = fs::read(format!("/proc/{process}/maps")).unwrap_or_default();
    let mapping = mappings(&maps).find(|mapping| printable::escape(mapping.path) == path);
    let Some(mapping) = mapping else { return here() };
    let Mapping { start, end, .. } = mapping;
    let places = [
        // Wants privilege (CAP_CHECKPOINT_RESTORE).
        PathBuf::from(format!("/proc/{process}/map_files/{start:x}-{end:x}")),
        PathBuf::from(format!("/proc/{process}/exe")),
        under_root(process, &printable::path(path)),
    ];
    let is_it = |file: &File| file.metadata().is_ok_and(|file| file.ino() == mapping.inode);
    places.iter().filter_map(|place| regular::open(place).ok()).find(is_it).or_else(here)
}

/// A path as the process sees it.
fn under_root(process: i32, path: &Path) -> PathBuf {
    let relative = path.strip_prefix("/").unwrap_or(path);
    Path::new(&format!("/proc/{process}/root")).join(relative)
}

/// The path of a thread's program, as it is here and as the process sees it.
pub fn program_of(thread: i32) -> Option<(PathBuf, PathBuf)> {
    let path = fs::read_link(format!("/proc/{thread}/exe")).ok()?;
    let root = fs::read_link(format!("/proc/{thread}/root")).ok()?;
    let own = path.strip_prefix(root).map(|rest| Path::new("/").join(rest));
    let own = own.unwrap_or_else(|_| path.clone());
    Some((path, own))
}
