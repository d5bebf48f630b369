// SPDX-License-Identifier: MIT OR Apache-2.0
// Copyright (c) 2026 The nbclone developers
//! The three uses end to end, on glibc and musl: linked shared, linked static,
//! preloaded; and what libc itself does with our `__clone`.

mod common;

use common::{
    assert_has, have, installed_archive, is_root, release, scratch, shared_library, static_library,
    succeed, text, top,
};
use std::path::Path;
use std::process::Command;

const EXAMPLES: [&str; 5] = ["answer", "spawn", "threads", "helper", "descriptors"];
const WARNINGS: [&str; 5] = ["-std=gnu11", "-O2", "-Wall", "-Wextra", "-Wpedantic"];
const POLICIES: [&str; 3] = ["strict", "netbsd", "host"];

/// A compiler, the package that has it, and how it links dynamically.
const LIBCS: [(&str, &str); 2] = [("gcc", "gcc"), ("musl-gcc", "musl-tools")];

fn compile(compiler: &str, source: &Path, program: &Path, options: &[&str]) {
    let mut command = Command::new(compiler);
    command.args(WARNINGS).arg("-Werror").arg(source).arg("-o").arg(program).args(options);
    succeed(&mut command);
}

/// For each example and each libc: a program, made and run by `run`.
fn every_example(test: &str, run: impl Fn(&str, &Path, &Path)) {
    let place = scratch(test);
    for (compiler, package) in LIBCS {
        if !have(compiler, package) {
            continue;
        }
        for example in EXAMPLES {
            let source = top().join(format!("examples/{example}.c"));
            run(compiler, &source, &place.join(format!("{example}.{compiler}")));
        }
    }
}

fn include() -> String {
    format!("-I{}", top().join("include").display())
}

#[test]
fn linked_with_the_shared_library() {
    let library = format!("-L{}", release().display());
    every_example("uses_shared", |compiler, source, program| {
        compile(compiler, source, program, &[&include(), &library, "-lnbclone"]);
        let dynamic = succeed(Command::new("readelf").arg("-d").arg(program));
        assert_has(&dynamic, "[libnbclone.so.1]");
        for policy in POLICIES {
            let mut command = Command::new(program);
            command.env("LD_LIBRARY_PATH", release()).env("NBCLONE_POLICY", policy);
            succeed(&mut command);
        }
    });
}

#[test]
fn linked_with_the_archive() {
    let archive = static_library();
    let archive = archive.to_str().unwrap();
    every_example("uses_static", |compiler, source, program| {
        compile(compiler, source, program, &["-static", &include(), archive]);
        for policy in POLICIES {
            succeed(Command::new(program).env("NBCLONE_POLICY", policy));
        }
    });
}

#[test]
fn preloaded() {
    every_example("uses_preloaded", |compiler, source, program| {
        compile(compiler, source, program, &["-D_GNU_SOURCE"]);
        let mut command = Command::new(program);
        succeed(command.env("LD_PRELOAD", shared_library()));
    });
}

/// Asks for a flag that NetBSD has not: 22 (EINVAL) if it is refused, else 0.
const REFUSED: &str = r#"
#define _GNU_SOURCE
#include <errno.h>
#include <sched.h>
#include <signal.h>
#include <sys/wait.h>
static int func(void *arg) { (void)arg; return 0; }
int main(void) {
    static char stack[65536];
    pid_t pid = clone(func, stack + sizeof stack, CLONE_UNTRACED | SIGCHLD, 0);
    if (pid == -1) return errno == EINVAL ? 22 : 1;
    return waitpid(pid, 0, 0) == pid ? 0 : 2;
}"#;

/// A preload is seen to act: strict refuses what the host's own clone does.
#[test]
fn preload_decides() {
    let place = scratch("uses_decides");
    let source = place.join("refused.c");
    std::fs::write(&source, REFUSED).unwrap();
    for (compiler, package) in LIBCS {
        if !have(compiler, package) {
            continue;
        }
        let built = place.join(compiler);
        compile(compiler, &source, &built, &[]);
        let status = |environment: &[(&str, &str)]| {
            let mut command = Command::new(&built);
            command.env("LD_PRELOAD", shared_library()).envs(environment.iter().copied());
            let output = command.output().unwrap();
            (output.status.code(), text(&output))
        };
        let silent = |code| (Some(code), String::new());
        assert_eq!(Command::new(&built).status().unwrap().code(), Some(0), "the host's own");
        assert_eq!(status(&[]), silent(22), "{compiler}");
        assert_eq!(status(&[("NBCLONE_POLICY", "")]), silent(22), "{compiler}");
        assert_eq!(status(&[("NBCLONE_POLICY", "strict")]), silent(22), "{compiler}");
        assert_eq!(status(&[("NBCLONE_POLICY", "netbsd")]), silent(0), "{compiler}");
        assert_eq!(status(&[("NBCLONE_POLICY", "host")]), silent(0), "{compiler}");
        let (code, said) = status(&[("NBCLONE_POLICY", "Host")]);
        assert_eq!(code, Some(22), "an unknown policy is strict");
        assert_eq!(said.matches("NBCLONE_POLICY").count(), 1, "said once: {said}");
    }
}

/// pthread_create, posix_spawn and system in static programs, under each
/// policy, whichever way the archive's members come in; with clone3 refused,
/// and with clone refused too.
#[test]
fn libc_calls_its_own_clone() {
    let place = scratch("uses_libc_calls");
    let source = top().join("tests/c/libc_calls.c");
    let archive = static_library();
    let archive = archive.to_str().unwrap();
    let installed = installed_archive(&place);
    let installed = installed.to_str().unwrap();
    let links: [(&str, &[&str]); 4] = [
        ("archive", &[archive]),
        ("undefined", &["-Wl,-u,__clone", archive]),
        ("whole", &["-Wl,--whole-archive", installed, "-Wl,--no-whole-archive"]),
        ("group", &["-Wl,--start-group", archive, "-lc", "-Wl,--end-group"]),
    ];
    for (compiler, package) in LIBCS {
        if !have(compiler, package) {
            continue;
        }
        for (name, link) in links {
            let program = place.join(format!("{name}.{compiler}"));
            let headers = kernel_headers(&place);
            let mut options = vec!["-static", "-pthread"];
            if compiler == "musl-gcc" {
                options.extend(["-isystem", &headers]);
            }
            options.extend(link);
            compile(compiler, &source, &program, &options);
            for policy in POLICIES {
                for argument in [None, Some("clone"), Some("plain"), Some("limit")] {
                    let mut command = Command::new(&program);
                    succeed(command.env("NBCLONE_POLICY", policy).args(argument));
                }
            }
        }
    }
}

/// The kernel's headers, which musl-gcc doesn't look for.
fn kernel_headers(place: &Path) -> String {
    let headers = place.join("headers");
    std::fs::create_dir_all(&headers).unwrap();
    let machine = succeed(Command::new("gcc").arg("-print-multiarch"));
    let system = Path::new("/usr/include");
    let asm = system.join(machine.trim()).join("asm");
    for (name, target) in
        [("linux", system.join("linux")), ("asm-generic", system.join("asm-generic")), ("asm", asm)]
    {
        let link = headers.join(name);
        if !link.exists() {
            std::os::unix::fs::symlink(target, link).unwrap();
        }
    }
    headers.to_str().unwrap().to_owned()
}

/// A set-user-ID program run by somebody else is strict, whatever its
/// environment says. The archive, because the loader itself drops a preload.
#[test]
fn secure_execution_ignores_the_environment() {
    use std::os::unix::fs::PermissionsExt;
    use std::os::unix::process::CommandExt;
    const NOBODY: u32 = 65534;

    if !is_root("secure_execution_ignores_the_environment") {
        return;
    }
    // Not below a directory that others may not enter.
    let place = std::env::temp_dir().join(format!("nbclone-secure-{}", std::process::id()));
    std::fs::create_dir_all(&place).unwrap();
    std::fs::set_permissions(&place, std::fs::Permissions::from_mode(0o755)).unwrap();
    let source = place.join("refused.c");
    std::fs::write(&source, REFUSED).unwrap();
    let program = place.join("refused");
    let archive = static_library();
    compile("gcc", &source, &program, &["-static", archive.to_str().unwrap()]);

    let status = |mode: u32, policy: &str| {
        std::fs::set_permissions(&program, std::fs::Permissions::from_mode(mode)).unwrap();
        let mut command = Command::new(&program);
        let output = command.env("NBCLONE_POLICY", policy).uid(NOBODY).output().unwrap();
        (output.status.code(), text(&output))
    };
    let results = [status(0o755, "host"), status(0o4755, "host"), status(0o4755, "nonsense")];
    std::fs::remove_dir_all(&place).unwrap();
    assert_eq!(results[0], (Some(0), String::new()), "without the bit, host is in force");
    assert_eq!(results[1], (Some(22), String::new()), "with it, strict is");
    assert_eq!(results[2], (Some(22), String::new()), "and nothing is said");
}
