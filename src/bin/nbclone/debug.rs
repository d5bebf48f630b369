// SPDX-License-Identifier: MIT OR Apache-2.0
// Copyright (c) 2026 The nbclone developers
//! Debug information in a file of its own, found as gdb(1) finds it: by the
//! build-id, then by the name in .gnu_debuglink.

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use object::Object;

use crate::regular;

const DIRECTORY: &str = "/usr/lib/debug";

/// That of `file`, which is, or was, at `path`.
pub fn file(file: &object::File, path: &Path) -> Option<PathBuf> {
    let by_id = file.build_id().ok().flatten().and_then(by_build_id);
    by_id.or_else(|| {
        let (name, checksum) = file.gnu_debuglink().ok()??;
        by_name(path, Path::new(OsStr::from_bytes(name)), checksum)
    })
}

fn by_build_id(id: &[u8]) -> Option<PathBuf> {
    let (first, rest) = id.split_first()?;
    let rest: String = rest.iter().map(|byte| format!("{byte:02x}")).collect();
    let path = PathBuf::from(format!("{DIRECTORY}/.build-id/{first:02x}/{rest}.debug"));
    path.is_file().then_some(path)
}

/// The name alone isn't enough: the file may be that of another version.
fn by_name(path: &Path, name: &Path, checksum: u32) -> Option<PathBuf> {
    let directory = path.parent()?;
    let global = Path::new(DIRECTORY).join(directory.strip_prefix("/").unwrap_or(directory));
    let places = [directory.join(name), directory.join(".debug").join(name), global.join(name)];
    let is_it = |place: &&PathBuf| {
        regular::read(place).is_ok_and(|data| crc32fast::hash(&data) == checksum)
    };
    places.iter().find(is_it).cloned()
}
