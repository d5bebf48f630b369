// SPDX-License-Identifier: MIT OR Apache-2.0
// Copyright (c) 2026 The nbclone developers
//! Where libnbclone.so is, and LD_PRELOAD with it.

use std::ffi::{OsStr, OsString};
use std::io::Read;
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::{Path, PathBuf};
use std::{env, fs};

use object::{Object, ObjectSymbol};

use crate::multiarch::Target;
use crate::output::reason;
use crate::{regular, system};

const NAMES: [&str; 2] = ["libnbclone.so", "libnbclone.so.1"];

/// The library: where `--lib` or `NBCLONE_LIB` says, else beside the command,
/// else in ../lib from there, or Debian's directory for the architecture in it.
pub fn find(option: Option<&Path>) -> Result<PathBuf, String> {
    let named = option.map(Path::to_owned).or_else(|| {
        env::var_os("NBCLONE_LIB").filter(|value| !value.is_empty()).map(PathBuf::from)
    });
    let places = match named {
        Some(path) => vec![path],
        None => beside_command()?,
    };
    let found = places.iter().find_map(|place| file_in(place));
    let found = found.ok_or_else(|| {
        let places: Vec<String> = places.iter().map(|path| path.display().to_string()).collect();
        format!("no libnbclone.so in {}; --lib PATH says where it is", places.join(" or "))
    })?;
    // A command may change its directory, and its children must find it still.
    let absolute = fs::canonicalize(&found)
        .map_err(|error| format!("{}: {}", found.display(), reason(&error)))?;
    let separates = |byte: &u8| byte.is_ascii_whitespace() || *byte == b':';
    if absolute.as_os_str().as_bytes().iter().any(separates) {
        return Err(format!(
            "{}: LD_PRELOAD can't name a path with a space or a colon",
            absolute.display()
        ));
    }
    check(&absolute).map_err(|why| format!("{}: {why}", absolute.display()))?;
    Ok(absolute)
}

/// What the library exports, all of it.
const EXPORTS: [&str; 3] = ["clone", "__clone", "linux1_clone"];

/// Refuses what isn't the library: preloaded, it would do nothing, or anything.
fn check(path: &Path) -> Result<(), String> {
    let mut data = Vec::new();
    regular::open(path)
        .and_then(|mut file| file.read_to_end(&mut data))
        .map_err(|error| reason(&error))?;
    let file = object::File::parse(&*data).map_err(|_| "no shared library")?;
    let exported: Vec<&str> = file
        .dynamic_symbols()
        .filter(|symbol| symbol.is_definition())
        .filter_map(|symbol| symbol.name().ok())
        .collect();
    match EXPORTS.iter().find(|name| !exported.contains(name)) {
        None => Ok(()),
        Some(name) => Err(format!("not libnbclone.so: it doesn't export {name}")),
    }
}

fn beside_command() -> Result<Vec<PathBuf>, String> {
    let command = env::current_exe().ok().or_else(system::own_path);
    let command =
        command.ok_or("where nbclone is, isn't known: --lib PATH says where its library is")?;
    let directory = command.parent().unwrap_or(Path::new("/")).to_owned();
    let library = directory.join("../lib");
    let multiarch = library.join(Target::OWN.multiarch());
    Ok(vec![directory, library, multiarch])
}

/// The file itself, or the library in a directory.
fn file_in(place: &Path) -> Option<PathBuf> {
    if place.is_file() {
        return Some(place.to_owned());
    }
    NAMES.iter().map(|name| place.join(name)).find(|path| path.is_file())
}

/// LD_PRELOAD with the library before what it holds already.
pub fn preload(library: &Path, already: Option<&OsStr>) -> OsString {
    let mut value = library.as_os_str().as_bytes().to_vec();
    if let Some(rest) = already.filter(|rest| !rest.is_empty()) {
        value.push(b':');
        value.extend_from_slice(rest.as_bytes());
    }
    OsString::from_vec(value)
}
