// SPDX-License-Identifier: MIT OR Apache-2.0
// Copyright (c) 2026 The nbclone developers
//! nbclone(1)'s interface: finding the library, running a program, its status,
//! its signals, and the warnings.

#[path = "common/command.rs"]
mod common;

use common::*;
use std::fs;
use std::io::{BufRead, BufReader};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::{Command, Stdio};

fn status(arguments: &[&str]) -> (Option<i32>, String) {
    let output = nbclone().args(arguments).output().expect("it runs");
    (output.status.code(), err(&output))
}

#[test]
fn ends_with_the_status_of_the_command() {
    for code in [0, 1, 7, 255] {
        assert_eq!(status(&["sh", "-c", &format!("exit {code}")]).0, Some(code));
    }
}

#[test]
fn tells_like_env_what_cannot_be_run() {
    let (code, message) = status(&["/nonexistent/program"]);
    assert_eq!(code, Some(127), "{message}");
    assert_has(&message, "/nonexistent/program");
    assert_eq!(status(&["no-such-program-anywhere"]).0, Some(127));
    assert_eq!(status(&["/etc/passwd"]).0, Some(126));
    assert_eq!(status(&["/"]).0, Some(126));
    assert_eq!(status(&["--all-calls", "/nonexistent/program"]).0, Some(127));
}

#[test]
fn fails_with_125_itself() {
    for wrong in [
        &["--no-such-option", "true"][..],
        &["--policy", "lax", "true"],
        &["--policy"],
        &["--trace"],
        &["--lib", "/nonexistent", "true"],
        &["--report=/nonexistent/file", "true"],
        &[],
    ] {
        let (code, message) = status(wrong);
        assert_eq!(code, Some(125), "{wrong:?}: {message}");
        assert!(message.starts_with("nbclone: "), "expected nbclone's name first: {message}");
    }
}

#[test]
fn a_full_standard_error_changes_nothing() {
    let fixed = compiled_by("cc", "many", "static", &["-static".as_ref()]);
    for options in ["", "--trace"] {
        let script = format!("exec $NB {options} \"$1\" 1 1 1 2>/dev/full");
        let mut run = shell(&script, &[&fixed]);
        assert_eq!(run.env("NB", built("nbclone")).status().expect("it runs").code(), Some(0));
    }
}

#[test]
fn tells_help_and_version() {
    let help = nbclone().arg("--help").output().expect("it runs");
    assert!(help.status.success() && out(&help).starts_with("usage: nbclone "));
    let version = nbclone().arg("--version").output().expect("it runs");
    assert_eq!(out(&version), concat!("nbclone ", env!("CARGO_PKG_VERSION"), "\n"));
}

#[test]
fn options_end_at_the_command() {
    let output = nbclone().args(["echo", "--trace", "--", "--help"]).output().expect("it runs");
    assert_eq!(out(&output), "--trace -- --help\n");
}

#[test]
fn preloads_before_what_is_there() {
    let library = fs::canonicalize(built("libnbclone.so")).expect("it exists");
    let show = ["sh", "-c", "echo $LD_PRELOAD"];
    let alone = nbclone().args(show).output().expect("it runs");
    assert_eq!(out(&alone), format!("{}\n", library.display()));
    let other = module("module");
    let both = nbclone().args(show).env("LD_PRELOAD", &other).output().expect("it runs");
    assert_eq!(out(&both), format!("{}:{}\n", library.display(), other.display()));
}

#[test]
fn hands_the_policy_on() {
    let show = ["sh", "-c", "echo ${NBCLONE_POLICY-none}"];
    assert_eq!(out(&nbclone().args(show).output().expect("it runs")), "none\n");
    for policy in ["strict", "netbsd", "host"] {
        let output = nbclone().args(["--policy", policy]).args(show).output().expect("it runs");
        assert_eq!(out(&output), format!("{policy}\n"));
    }
}

#[test]
fn finds_the_library() {
    let place = directory("finds_the_library");
    let (bin, lib) = (place.join("bin"), place.join("lib"));
    fs::create_dir_all(&bin).and(fs::create_dir_all(&lib)).expect("writable");
    let command = bin.join("nbclone");
    copy_program(&built("nbclone"), &command);
    let shown = |more: &dyn Fn(&mut std::process::Command)| {
        let mut run = clean(&command);
        more(&mut run);
        let output = run.args(["sh", "-c", "echo $LD_PRELOAD"]).output().expect("it runs");
        (output.status.code(), out(&output).trim_end().to_owned())
    };
    let path = |path: &Path| (Some(0), path.display().to_string());
    assert_eq!(shown(&|_| {}).0, Some(125));

    let installed = lib.join("libnbclone.so.1");
    fs::copy(built("libnbclone.so"), &installed).expect("copied");
    assert_eq!(shown(&|_| {}), path(&installed));
    let beside = bin.join("libnbclone.so");
    fs::copy(built("libnbclone.so"), &beside).expect("copied");
    assert_eq!(shown(&|_| {}), path(&beside));
    assert_eq!(shown(&|run| _ = run.env("NBCLONE_LIB", &lib)), path(&installed));
    let both = |run: &mut std::process::Command| {
        run.env("NBCLONE_LIB", "/nonexistent").arg("--lib").arg(&installed);
    };
    assert_eq!(shown(&both), path(&installed));

    let spaced = place.join("with space");
    fs::create_dir(&spaced).expect("writable");
    fs::copy(&beside, spaced.join("libnbclone.so")).expect("copied");
    assert_eq!(shown(&|run| _ = run.arg("--lib").arg(&spaced)).0, Some(125));
}

#[test]
fn passes_signals_on() {
    for (signal, number) in [("TERM", 15), ("INT", 2), ("HUP", 1), ("USR1", 10)] {
        // It ends some day, so that a signal that doesn't come is a failure.
        let script =
            format!("trap 'exit 40' {signal}; echo ready; for i in $(seq 600); do sleep 0.1; done");
        // A shell can't trap what was ignored when it started, as in a job in
        // the background.
        let mut child = Command::new("env")
            .arg(format!("--default-signal={signal}"))
            .arg(built("nbclone"))
            .args(["sh", "-c", &script])
            .stdout(Stdio::piped())
            .spawn()
            .expect("it runs");
        let mut ready = String::new();
        let mut lines = BufReader::new(child.stdout.take().expect("piped"));
        lines.read_line(&mut ready).expect("readable");
        let pid = nix::unistd::Pid::from_raw(child.id() as i32);
        let signal = nix::sys::signal::Signal::try_from(number).expect("a signal");
        nix::sys::signal::kill(pid, signal).expect("sent");
        assert_eq!(child.wait().expect("it ends").code(), Some(40), "{signal}");
    }
}

/// Rust ignores SIGPIPE, opens what is closed, and the command blocks signals:
/// nothing of it reaches the program.
#[test]
fn the_program_starts_as_without_it() {
    let state = compiled("state");
    for setup in ["", "trap '' PIPE;", "trap '' XFSZ;", "trap '' HUP;"] {
        let signals = "exec $NB grep -E '^Sig(Blk|Ign|Cgt)|^ShdPnd' /proc/self/status";
        let script = format!("{setup} {signals}");
        let run = |nb: &str| {
            let mut command = shell(&script, &[]);
            out(&command.env("NB", nb).output().expect("it runs"))
        };
        let plain = run("");
        assert_has(&plain, "SigBlk");
        assert_eq!(plain, run(&built("nbclone").display().to_string()));
    }
    for closed in ["<&-", "2>&-", "<&- 2>&-"] {
        let script = format!("exec $NB \"$1\" {closed}");
        let run =
            |nb: &str| out(&shell(&script, &[&state]).env("NB", nb).output().expect("it runs"));
        let direct = run("");
        assert_has(&direct, "descriptors:");
        assert_eq!(
            direct,
            run(&format!("{} --policy strict", built("nbclone").display())),
            "{closed}"
        );
    }
}

#[test]
fn leaves_nothing_behind() {
    let place = directory("leaves_nothing_behind");
    let calls = compiled("calls");
    let mut run = nbclone();
    run.arg("--trace").arg("--report").arg(&calls).arg("copy").env("TMPDIR", &place);
    let output = run.output().expect("it runs");
    assert!(err(&output).contains("clone("), "{}", err(&output));
    assert_eq!(fs::read_dir(&place).expect("readable").count(), 0);
}

fn warning(program: &Path) -> String {
    let output = nbclone().arg(program).output().expect("it runs");
    err(&output).lines().filter(|line| line.starts_with("nbclone: warning: ")).collect()
}

#[test]
fn warns_where_a_preload_cannot_work() {
    let place = directory("warns");
    assert_eq!(warning(Path::new("true")), "");

    let fixed = compiled_by("cc", "many", "static", &["-static".as_ref()]);
    assert!(warning(&fixed).contains("is static"), "{}", warning(&fixed));

    let archive = built("libnbclone.a");
    let linked = compiled_by("cc", "many", "linked", &["-static".as_ref(), archive.as_ref()]);
    assert_eq!(warning(&linked), "", "the library is in it");

    let script = place.join("script");
    fs::write(&script, format!("#!{}\n", fixed.display())).expect("written");
    fs::set_permissions(&script, fs::Permissions::from_mode(0o755)).expect("set");
    let said = warning(&script);
    assert_has(&said, "its interpreter");
    assert_has(&said, "is static");

    // The ELF header of another architecture.
    let calls = fs::read(compiled("calls")).expect("readable");
    let changed = |name: &str, change: &dyn Fn(&mut Vec<u8>)| {
        let mut bytes = calls.clone();
        change(&mut bytes);
        let path = place.join(name);
        fs::write(&path, bytes).expect("written");
        fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).expect("set");
        warning(&path)
    };
    let said = changed("machine", &|bytes| bytes[18] ^= 0xff);
    assert_has(&said, "another architecture");
    assert_eq!(changed("same", &|_| {}), "");
}

/// i386 is another word size and another architecture; x32 is x86-64's with
/// 32 bits.
#[cfg(target_arch = "x86_64")]
#[test]
fn warns_of_another_word_size() {
    let place = directory("warns_of_another_word_size");
    let source = place.join("empty.c");
    fs::write(&source, "int main(void) { return 0; }").expect("written");
    let gcc = out(&Command::new("gcc").arg("-dumpversion").output().expect("gcc runs"));
    let gcc = gcc.trim();
    let narrow = "is a 32-bit program (the library has 64 bits)";
    let foreign = " and is for another architecture (ELF machine 3, the library's is 62)";
    for (option, packages, words) in [
        (
            "-m32",
            format!("lib32gcc-{gcc}-dev libc6-dev-i386"),
            format!("{narrow}{foreign}: the preload"),
        ),
        ("-mx32", format!("libx32gcc-{gcc}-dev libc6-dev-x32"), format!("{narrow}: the preload")),
    ] {
        let program = place.join(option);
        let mut compiler = Command::new("gcc");
        let made = compiler.arg(option).arg("-o").arg(&program).arg(&source).output();
        if !made.is_ok_and(|made| made.status.success()) {
            lacks(&format!("programs by gcc {option}"), &packages);
            continue;
        }
        let said = warning(&program);
        assert_has(&said, &words);
        // The same of a script that it interprets.
        let script = place.join(format!("script{option}"));
        fs::write(&script, format!("#!{}\n", program.display())).expect("written");
        fs::set_permissions(&script, fs::Permissions::from_mode(0o755)).expect("set");
        let said = warning(&script);
        assert_has(&said, "its interpreter");
        assert_has(&said, &words);
    }
}

/// It isn't only recognised: run as the warning says, it works.
#[test]
fn warns_of_sanitizers() {
    let place = directory("warns_of_sanitizers");
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/c/calls.c");
    for (compiler, package, runtime) in
        [("gcc", "gcc", "library"), ("clang", "clang libclang-rt-dev", "inside")]
    {
        let program = place.join(compiler);
        let mut made = Command::new(compiler);
        made.args(["-g", "-O1", "-pthread", "-fsanitize=address", "-o"]).arg(&program).arg(&source);
        if !made.output().is_ok_and(|made| made.status.success()) {
            lacks(&format!("-fsanitize=address by {compiler}"), package);
            continue;
        }
        let run = |options: &[&str], set: &str| {
            let mut run = nbclone();
            run.args(options).arg("--report").arg(&program).arg("copy").env("ASAN_OPTIONS", set);
            let output = run.output().expect("it runs");
            (output.status.success(), err(&output))
        };
        let order = "ASAN_OPTIONS=verify_asan_link_order=0";
        let (works, said) = run(&[], "");
        assert_eq!(works, runtime == "inside", "{said}");
        assert_eq!(said.contains(order), runtime == "library", "{said}");
        let (works, said) = run(&[], "verify_asan_link_order=0");
        assert!(works && !said.contains("warning"), "{said}");
        assert!(said.contains("; 1 call by 1 process"), "{said}");
        let (_, said) = run(&["--all-calls"], "verify_asan_link_order=0");
        assert!(said.contains("run it with ASAN_OPTIONS=detect_leaks=0"), "{said}");
        let (works, said) = run(&["--all-calls"], "verify_asan_link_order=0:detect_leaks=0");
        assert!(works && !said.contains("warning"), "{said}");
        assert!(said.contains("verdict: portable as far as this run shows"), "{said}");
    }
}

#[test]
fn warns_of_secure_execution() {
    if !is_root("warns_of_secure_execution") {
        return;
    }
    let place = directory("warns_of_secure_execution");
    let program = place.join("program");
    copy_program(Path::new("/bin/true"), &program);
    std::os::unix::fs::chown(&program, Some(65534), Some(65534)).expect("root may");
    fs::set_permissions(&program, fs::Permissions::from_mode(0o4755)).expect("set");
    assert!(warning(&program).contains("is set-user-ID"), "{}", warning(&program));
    fs::set_permissions(&program, fs::Permissions::from_mode(0o2755)).expect("set");
    assert!(warning(&program).contains("is set-group-ID"), "{}", warning(&program));
}
