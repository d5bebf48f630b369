// SPDX-License-Identifier: MIT OR Apache-2.0
// Copyright (c) 2026 The nbclone developers
//! `make install` and what a C developer does behind it: pkg-config, cc, man;
//! and `make uninstall`, which leaves nothing.

mod common;

use common::{assert_has, have, release, scratch, succeed, top};
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::Command;

const VERSION: &str = env!("CARGO_PKG_VERSION");

fn make(target: &str, variables: &[String]) -> String {
    release();
    // Nothing is left to build: an install by root must not run Cargo.
    let mut make = Command::new("make");
    make.arg("-C").arg(top()).arg(target).args(variables).env("CARGO", "/bin/false");
    succeed(&mut make)
}

/// Every file and link below a directory, by its path from there.
fn files(place: &Path) -> BTreeSet<PathBuf> {
    let listed = succeed(Command::new("find").arg(place).args(["-type", "f", "-o", "-type", "l"]));
    listed.lines().map(|line| Path::new(line).strip_prefix(place).unwrap().to_owned()).collect()
}

fn installed_files(libdir: &str) -> BTreeSet<PathBuf> {
    let library = format!("{libdir}/libnbclone.so");
    let headers = [
        "nbclone.h",
        "sched.h",
        "linux1/asm/unistd.h",
        "linux1/linux/sched.h",
        "linux1/linux/unistd.h",
        "linux1/sys/syscall.h",
    ];
    let mut names = vec![
        "bin/nbclone".into(),
        format!("{library}.{VERSION}"),
        format!("{library}.1"),
        library,
        format!("{libdir}/libnbclone.a"),
        format!("{libdir}/pkgconfig/nbclone.pc"),
        format!("{libdir}/pkgconfig/nbclone-linux1.pc"),
        "share/bash-completion/completions/nbclone".into(),
        "share/fish/vendor_completions.d/nbclone.fish".into(),
        "share/zsh/site-functions/_nbclone".into(),
        "share/man/man1/nbclone.1".into(),
        "share/man/man3/clone.3nb".into(),
        "share/man/man3/linux1_clone.3nb".into(),
        "share/doc/nbclone/porting.md".into(),
    ];
    names.extend(headers.map(|header| format!("include/nbclone/{header}")));
    names.into_iter().map(PathBuf::from).collect()
}

#[test]
fn installs_its_files_and_takes_them_away() {
    let place = scratch("install_files");
    let dest = format!("DESTDIR={}", place.display());
    for (prefix, libdir) in [("/usr", "lib"), ("/opt/nb clone", "lib/x86_64-linux-gnu")] {
        let variables =
            [dest.clone(), format!("PREFIX={prefix}"), format!("LIBDIR={prefix}/{libdir}")];
        make("install", &variables);
        let root = place.join(&prefix[1..]);
        assert_eq!(files(&root), installed_files(libdir), "{prefix}");
        make("uninstall", &variables);
        assert!(files(&place).is_empty(), "{:?}", files(&place));
        assert!(!root.join("include/nbclone").exists(), "{prefix}");
        assert!(!root.join("share/doc/nbclone").exists(), "{prefix}");
    }
}

#[test]
fn unchanged_source_builds_by_pkg_config() {
    if !have("pkg-config", "pkg-config") {
        return;
    }
    let place = scratch("install_pkgconfig");
    let first = place.join("first");
    make("install", &[format!("PREFIX={}", first.display())]);
    // The tree may be moved.
    let prefix = place.join("moved");
    std::fs::rename(&first, &prefix).unwrap();

    let build = |module: &str, source: &Path, program: &str, static_link: bool| {
        let (compiler, config) = if static_link { ("cc -static", "--static") } else { ("cc", "") };
        let line = format!(
            "{compiler} -std=gnu11 -Wall -Wextra {} -o {program} \
             $(pkg-config --cflags --libs {config} {module})",
            source.display(),
        );
        let mut shell = Command::new("sh");
        shell.args(["-e", "-c", &line]).current_dir(&place);
        shell.env("PKG_CONFIG_PATH", prefix.join("lib/pkgconfig"));
        succeed(&mut shell);
        let mut run = Command::new(place.join(program));
        succeed(run.env("LD_LIBRARY_PATH", prefix.join("lib")))
    };
    let spawn = top().join("examples/spawn.c");
    let period = top().join("examples/linux1/threads.c");
    for (program, static_link) in [("shared", false), ("static", true)] {
        let said = build("nbclone", &spawn, program, static_link);
        assert_has(&said, "ended with status 0");
        build("nbclone-linux1", &period, &format!("old{program}"), static_link);
    }
    let version = succeed(
        Command::new("pkg-config")
            .args(["--modversion", "nbclone", "nbclone-linux1"])
            .env("PKG_CONFIG_PATH", prefix.join("lib/pkgconfig")),
    );
    assert_eq!(version.lines().collect::<Vec<_>>(), [VERSION, VERSION]);
}

/// Cargo.toml, the header, the soname and the changelog say one thing.
#[test]
fn one_version() {
    let read = |name: &str| std::fs::read_to_string(top().join(name)).unwrap();
    let header = read("include/nbclone.h");
    assert_has(&header, &format!("NBCLONE_VERSION\t\t\"{VERSION}\""));
    let numbers: Vec<&str> = VERSION.split('.').collect();
    for (name, number) in ["MAJOR", "MINOR", "PATCH"].iter().zip(&numbers) {
        assert!(header.contains(&format!("NBCLONE_VERSION_{name}\t{number}")), "{name}");
    }
    assert!(read("build.rs").contains(&format!("libnbclone.so.{}\"", numbers[0])));
    assert!(read("CHANGELOG.md").contains(&format!("\n## {VERSION}")));
}

#[test]
fn manual_pages_are_clean() {
    let pages: Vec<PathBuf> =
        std::fs::read_dir(top().join("man")).unwrap().map(|entry| entry.unwrap().path()).collect();
    assert!(pages.len() >= 3, "{pages:?}");
    for page in &pages {
        if have("mandoc", "mandoc") {
            succeed(Command::new("mandoc").args(["-Tlint", "-W", "warning"]).arg(page));
        }
        if have("groff", "groff") {
            let mut groff = Command::new("groff");
            let output = groff.args(["-mdoc", "-Tutf8", "-ww"]).arg(page).output().unwrap();
            assert!(output.status.success());
            assert!(output.stderr.is_empty(), "{}", String::from_utf8_lossy(&output.stderr));
        }
    }
}
