// SPDX-License-Identifier: MIT OR Apache-2.0
// Copyright (c) 2026 The nbclone developers
//! Links: a program that includes our headers gets our clone or no program at all,
//! whatever the compiler, the linker, and the place of -lnbclone; and the archive
//! that Cargo leaves links with whatever else a program needs.

mod common;

use common::{
    have, installed_archive, is_root, release, scratch, static_library, succeed, text, top,
};
use std::fs::Permissions;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;

/// Compilers, each with its Debian package and the ending of its sources.
const COMPILERS: [(&str, &str, &str); 6] = [
    ("gcc", "gcc", "c"),
    ("clang", "clang", "c"),
    ("tcc", "tcc", "c"),
    ("musl-gcc", "musl-tools", "c"),
    ("g++", "g++", "cc"),
    ("clang++", "clang", "cc"),
];
const LINKERS: [(&str, &str); 4] =
    [("bfd", "binutils"), ("gold", "binutils-gold"), ("lld", "lld"), ("mold", "mold")];

/// Ends with 22 (EINVAL) where NetBSD's clone is called, whose strict policy refuses
/// the flag; with 0 or 1 where libc's is. FUNCTION is one of the header's two.
const PROGRAM: &str = r#"
#define NBCLONE_LINUX_FLAGS
#include HEADER
#include <errno.h>
#ifdef DECLARED
extern DECLARED int clone(int (*)(void *), void *, int, void *, ...) NBCLONE_NOTHROW;
#endif
#ifndef CLONE_UNTRACED
# define CLONE_UNTRACED 0x00800000
#endif
static int child(void *arg) { (void)arg; return 0; }
static char stack[65536];
static int (*volatile pointer)(int (*)(void *), void *, int, void *, ...) = FUNCTION;
int main(void)
{
    int by_name = FUNCTION(child, stack + sizeof stack, CLONE_UNTRACED, 0);
    int error = errno;
    if (pointer(child, stack + sizeof stack, CLONE_UNTRACED, 0) != by_name)
        return 2;
    return by_name == -1 ? error : 0;
}"#;

/// The tree's headers; behind it, the library's three places on a command line.
struct Links {
    place: PathBuf,
    include: String,
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Place {
    Behind,
    Before,
    Missing,
}

impl Links {
    fn new(test: &str) -> Links {
        let place = scratch(test);
        for directory in ["shared", "static"] {
            std::fs::create_dir(place.join(directory)).unwrap();
        }
        let library = release().join("libnbclone.so.1");
        std::os::unix::fs::symlink(library, place.join("shared/libnbclone.so")).unwrap();
        installed_archive(&place.join("static"));
        for ending in ["c", "cc"] {
            std::fs::write(place.join(format!("program.{ending}")), PROGRAM).unwrap();
        }
        Links { place, include: format!("-I{}", top().join("include").display()) }
    }

    /// What the compiler said, and whether there is a program.
    fn link(&self, compiler: &str, ending: &str, options: &[&str], place: Place) -> (bool, String) {
        let program = self.place.join("program");
        let _ = std::fs::remove_file(&program);
        let kind = if options.contains(&"-static") { "static" } else { "shared" };
        let library = [format!("-L{}", self.place.join(kind).display()), "-lnbclone".to_owned()];
        let mut command = Command::new(compiler);
        command.args(options).arg(&self.include).args(["-D_GNU_SOURCE", "-w"]);
        if place == Place::Before {
            command.args(&library);
        }
        command.arg(self.place.join(format!("program.{ending}"))).arg("-o").arg(&program);
        if place == Place::Behind {
            command.args(&library);
        }
        let output = command.output().expect(compiler);
        (output.status.success(), text(&output))
    }

    /// The property itself, for one command line.
    fn check(&self, compiler: &str, ending: &str, options: &[&str], place: Place) {
        let (linked, said) = self.link(compiler, ending, options, place);
        let what = format!("{compiler} {options:?}, the library {place:?}:\n{said}");
        match place {
            Place::Behind => assert!(linked, "{what}"),
            Place::Missing => assert!(!linked, "linked without the library: {what}"),
            Place::Before => (),
        }
        if !linked {
            assert!(said.contains("nbclone_clone"), "the symbol isn't named: {what}");
            return;
        }
        let mut run = Command::new(self.place.join("program"));
        run.env("LD_LIBRARY_PATH", release()).env_remove("NBCLONE_POLICY");
        let status = run.status().expect("the program runs");
        assert_eq!(status.code(), Some(22), "not our clone: {what}");
    }

    fn check_places(&self, compiler: &str, ending: &str, options: &[&str]) {
        for place in [Place::Behind, Place::Before, Place::Missing] {
            self.check(compiler, ending, options, place);
        }
    }
}

const OVERLAY: &str = "-DHEADER=<sched.h>";
const ALONE: &str = "-DHEADER=<nbclone.h>";
const CLONE: &str = "-DFUNCTION=clone";

/// Each compiler with its own linker: both headers, both functions, C and C++, shared
/// and static, and a declaration of the program's own.
#[test]
fn every_compiler_links_ours_or_nothing() {
    let links = Links::new("links_compilers");
    for (compiler, package, ending) in COMPILERS {
        if !have(compiler, package) {
            continue;
        }
        for header in [OVERLAY, ALONE] {
            for function in [CLONE, "-DFUNCTION=__clone"] {
                links.check_places(compiler, ending, &[header, function]);
                // tcc can't link glibc's libc.a, with or without us.
                if compiler != "tcc" {
                    links.check_places(compiler, ending, &[header, function, "-static"]);
                }
            }
            let c = if ending == "c" { "-DDECLARED=" } else { "-DDECLARED=\"C\"" };
            links.check_places(compiler, ending, &[header, CLONE, c]);
        }
    }
}

/// Each linker, which passes over a library that nothing wanted so far, and one that
/// doesn't; with link-time optimization, and with unused sections taken out.
#[test]
fn every_linker_links_ours_or_nothing() {
    let links = Links::new("links_linkers");
    for compiler in ["gcc", "clang"] {
        if !have(compiler, compiler) {
            continue;
        }
        for (linker, package) in LINKERS {
            if !have(&format!("ld.{linker}"), package) {
                continue;
            }
            let linker = format!("-fuse-ld={linker}");
            for option in ["-Wl,--as-needed", "-Wl,--no-as-needed", "-Wl,--gc-sections", "-static"]
            {
                links.check_places(compiler, "c", &[OVERLAY, CLONE, &linker, option]);
            }
        }
        for static_link in ["-O2", "-static"] {
            links.check_places("gcc", "c", &[OVERLAY, CLONE, "-flto", static_link]);
        }
    }
}

/// A program that wants routines of compiler_builtins too, which Cargo's archive
/// holds: its 128-bit division is found there.
const DIVIDES: &str = r#"
#include <sched.h>
#include <signal.h>
#include <sys/wait.h>
static int child(void *arg) { (void)arg; return 7; }
int main(int argc, char **argv)
{
    static char stack[65536];
    int status;
    __int128 dividend = (__int128)argc << 100, divisor = (__int128)argc << 97;
    pid_t pid = clone(child, stack + sizeof stack, CLONE_VM | SIGCHLD, argv);
    return waitpid(pid, &status, 0) == pid && (int)(dividend / divisor) == 8
        && status == 0x700 ? 0 : 1;
}"#;

fn compile(linker: &str, options: &[&str], source: &Path, program: &Path, archive: &Path) {
    let mut command = Command::new("gcc");
    command.args(["-O2", "-Wall", "-Wextra"]).arg(format!("-fuse-ld={linker}")).args(options);
    command.arg(format!("-I{}", top().join("include").display()));
    succeed(command.arg(source).arg("-o").arg(program).arg(archive));
}

#[test]
fn cargos_archive_and_the_installed_one_link() {
    let place = scratch("links_archives");
    let source = place.join("divides.c");
    std::fs::write(&source, DIVIDES).unwrap();
    let program = place.join("divides");
    for archive in [static_library(), installed_archive(&place)] {
        for (linker, package) in LINKERS {
            if !have(&format!("ld.{linker}"), package) {
                continue;
            }
            for kind in ["-no-pie", "-pie", "-static", "-static-pie"] {
                // gold doesn't know the option that gcc passes for it.
                if linker == "gold" && kind == "-static-pie" {
                    continue;
                }
                // lld takes the ordinary code of gcc's objects, if they have it.
                for option in ["-O1", "-flto=auto -ffat-lto-objects", "-Wl,--gc-sections"] {
                    let options: Vec<&str> = [kind].into_iter().chain(option.split(' ')).collect();
                    compile(linker, &options, &source, &program, &archive);
                    succeed(&mut Command::new(&program));
                }
            }
        }
    }
}

/// Nothing in Cargo's archive refers to what neither it nor libc has, but for one
/// thing: LLVM's routine for the division of complex long doubles wants libm. Debian's
/// rustc brings it, rustup's doesn't. docs/install.md says so.
#[test]
fn cargos_archive_is_complete() {
    let place = scratch("links_whole");
    let source = place.join("nothing.c");
    std::fs::write(&source, "int main(void) { return 0; }\n").unwrap();
    let link = |kind: &str, archive: &Path, last: &str| {
        let mut command = Command::new("gcc");
        command.args([kind, "-Wl,--whole-archive"]).arg(archive);
        command.arg("-Wl,--no-whole-archive").arg(&source).arg(last);
        command.arg("-o").arg(place.join("nothing")).output().expect("gcc runs")
    };
    let archives = [(static_library(), true), (installed_archive(&place), false)];
    for (archive, may_want_libm) in archives {
        for kind in ["-pie", "-static"] {
            let linked = link(kind, &archive, "-lc");
            if linked.status.success() {
                continue;
            }
            let said = text(&linked);
            let what = format!("{kind}, {}: {said}", archive.display());
            assert!(may_want_libm, "{what}");
            for line in said.lines().filter(|line| line.contains("undefined reference")) {
                let libms = line.contains("`fmaxl'") || line.contains("`logbl'");
                assert!(libms, "{what}");
            }
            for line in said.lines().filter(|line| line.contains(": in function ")) {
                assert!(line.contains("divxc3.c.o"), "{what}");
            }
            let linked = link(kind, &archive, "-lm");
            assert!(linked.status.success(), "{kind} -lm: {}", text(&linked));
        }
    }
}

/// dietlibc has no secure_getenv(3). A program that links with it finds the policy all the
/// same, and none in a set-user-ID program.
#[test]
fn dietlibc_links_and_finds_the_policy() {
    if !have("diet", "dietlibc-dev") {
        return;
    }
    let links = Links::new("links_dietlibc");
    for header in [OVERLAY, ALONE] {
        links.check_places("diet", "c", &["gcc", "-static", header, CLONE]);
    }
    let (linked, said) =
        links.link("diet", "c", &["gcc", "-static", OVERLAY, CLONE], Place::Behind);
    assert!(linked, "{said}");
    let program = links.place.join("program");
    let is_strict = || {
        let status = Command::new(&program).env("NBCLONE_POLICY", "host").status();
        status.expect("the program runs").code() == Some(22)
    };
    assert!(!is_strict(), "NBCLONE_POLICY isn't read");
    // Of another user, with the bit: the kernel says AT_SECURE.
    if !is_root("dietlibc: a set-user-ID program") {
        return;
    }
    std::os::unix::fs::chown(&program, Some(1), None).unwrap();
    std::fs::set_permissions(&program, Permissions::from_mode(0o4755)).unwrap();
    assert!(is_strict(), "NBCLONE_POLICY is read in a set-user-ID program");
}

/// klibc can't be served, and the header says why.
#[test]
fn klibc_is_refused_in_words() {
    if !have("klcc", "libklibc-dev") {
        return;
    }
    let links = Links::new("links_klibc");
    let (linked, said) = links.link("klcc", "c", &["-static", ALONE, CLONE], Place::Behind);
    assert!(!linked && said.contains("klibc's __clone takes other arguments"), "{said}");
}
