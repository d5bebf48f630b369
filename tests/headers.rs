// SPDX-License-Identifier: MIT OR Apache-2.0
// Copyright (c) 2026 The nbclone developers
//! The headers with every compiler, every standard, on either side of the
//! system's own <sched.h>; and that the overlay hides what isn't NetBSD's.

mod common;

use common::{have, scratch, succeed, text, top};
use std::path::Path;
use std::process::Command;

const COMPILERS: [(&str, &str); 4] =
    [("gcc", "gcc"), ("clang", "clang"), ("tcc", "tcc"), ("musl-gcc", "musl-tools")];
const CXX: [(&str, &str); 2] = [("g++", "g++"), ("clang++", "clang")];

const C_STANDARDS: [&str; 7] = ["c89", "gnu89", "c99", "gnu99", "c11", "gnu11", "gnu17"];
const CXX_STANDARDS: [&str; 6] = ["c++98", "gnu++98", "c++11", "c++14", "c++17", "c++20"];

/// The includes in each order that matters, and a program behind them.
const INCLUDES: [&str; 5] = [
    "#include <nbclone.h>\n",
    "#include <sched.h>\n#include <nbclone.h>\n",
    "#include <nbclone.h>\n#include <sched.h>\n",
    "#include <pthread.h>\n#include <sched.h>\n#include <sched.h>\n",
    "#include <sys/wait.h>\n#include <nbclone.h>\n#include <stdlib.h>\n",
];

const PROGRAM: &str = r#"
#include <signal.h>
#include <sys/wait.h>
static int func(void *arg) { return *(int *)arg; }
int main(void)
{
    static char stack[8192];
    int value = 0, status;
    pid_t pid = clone(func, stack + sizeof stack, CLONE_VM | CLONE_FS | CLONE_FILES
        | CLONE_SIGHAND | CLONE_VFORK | (SIGCHLD & CLONE_CSIGNAL & CSIGNAL), &value);
    if (pid == -1)
        pid = __clone(func, stack + sizeof stack, SIGCHLD, &value);
    return waitpid(pid, &status, WALLSIG | WALTSIG) == -1;
}
"#;

/// Compiles with all warnings as errors; gives what the compiler said.
fn compile(compiler: &str, options: &[&str], source: &Path) -> Result<(), String> {
    let output = Command::new(compiler)
        .args(["-Wall", "-Wextra", "-Wpedantic", "-Werror", "-c"])
        .args(options)
        .arg(source)
        .arg("-o")
        .arg(source.with_extension("o"))
        .output()
        .expect(compiler);
    let said = text(&output);
    if output.status.success() && said.is_empty() { Ok(()) } else { Err(said) }
}

/// The ending of a source file for a compiler.
fn ending(compiler: &str) -> &'static str {
    if compiler.ends_with("++") { "cc" } else { "c" }
}

fn overlay() -> String {
    format!("-I{}", top().join("include").display())
}

/// Only nbclone.h, and the system's own sched.h beside it.
fn without_overlay(place: &Path) -> String {
    let alone = place.join("alone");
    std::fs::create_dir_all(&alone).unwrap();
    std::fs::copy(top().join("include/nbclone.h"), alone.join("nbclone.h")).unwrap();
    format!("-I{}", alone.display())
}

fn every_order(test: &str, compilers: &[(&str, &str)], standards: &[&str], ending: &str) {
    let place = scratch(test);
    let include = [overlay(), without_overlay(&place)];
    let mut compiled = 0;
    for (number, includes) in INCLUDES.iter().enumerate() {
        let source = place.join(format!("{number}.{ending}"));
        std::fs::write(&source, format!("{includes}{PROGRAM}")).unwrap();
        for (compiler, package) in compilers {
            if !have(compiler, package) {
                continue;
            }
            for standard in standards {
                for feature in ["-DNONE", "-D_GNU_SOURCE"] {
                    for include in &include {
                        // Without the overlay, and without the feature macro,
                        // <pthread.h> alone declares no clone.
                        if !includes.contains("nbclone.h") && include != &self::overlay() {
                            continue;
                        }
                        let standard = format!("-std={standard}");
                        let options = [&*standard, feature, include];
                        compile(compiler, &options, &source).unwrap_or_else(|said| {
                            panic!("{compiler} {options:?}:\n{includes}{said}")
                        });
                        compiled += 1;
                    }
                }
            }
        }
    }
    let any = compilers.iter().any(|(compiler, package)| have(compiler, package));
    assert!(compiled > 0 || !any);
}

#[test]
fn c_from_c89() {
    every_order("headers_c", &COMPILERS, &C_STANDARDS, "c");
}

#[test]
fn cxx_from_cxx98() {
    every_order("headers_cxx", &CXX, &CXX_STANDARDS, "cc");
}

/// All names that any system's <sched.h> has for Linux alone.
const LINUX_ONLY: [&str; 19] = [
    "NEWTIME",
    "PIDFD",
    "PARENT",
    "THREAD",
    "NEWNS",
    "SYSVSEM",
    "SETTLS",
    "PARENT_SETTID",
    "CHILD_CLEARTID",
    "DETACHED",
    "UNTRACED",
    "CHILD_SETTID",
    "NEWCGROUP",
    "NEWUTS",
    "NEWIPC",
    "NEWUSER",
    "NEWPID",
    "NEWNET",
    "IO",
];
const NETBSD: [&str; 8] = ["CSIGNAL", "VM", "FS", "FILES", "SIGHAND", "PID", "PTRACE", "VFORK"];

fn macros(compiler: &str, options: &[&str]) -> Vec<String> {
    let place = scratch("headers_macros");
    let source = place.join("macros.c");
    std::fs::write(&source, "#include <sched.h>\n").unwrap();
    let said = succeed(Command::new(compiler).args(["-E", "-dM"]).args(options).arg(&source));
    let mut names: Vec<String> = said
        .lines()
        .filter_map(|line| line.strip_prefix("#define CLONE_"))
        .filter_map(|line| line.split_whitespace().next().map(str::to_owned))
        .collect();
    names.sort();
    names
}

#[test]
fn overlay_shows_netbsds_names_or_all() {
    let overlay = overlay();
    let mut netbsd: Vec<&str> = NETBSD.to_vec();
    netbsd.sort_unstable();
    for compiler in ["gcc", "musl-gcc"] {
        if !have(compiler, "musl-tools") {
            continue;
        }
        for feature in ["-DNONE", "-D_GNU_SOURCE"] {
            assert_eq!(macros(compiler, &[&overlay, feature]), netbsd, "{compiler} {feature}");
            let all = macros(compiler, &[&overlay, feature, "-DNBCLONE_LINUX_FLAGS"]);
            for name in LINUX_ONLY.iter().chain(&NETBSD) {
                assert!(all.iter().any(|seen| seen == name), "{compiler} {feature}: {name}");
            }
        }
    }
}

/// The reason why NetBSD lacks a flag, as the trace gives it.
fn reason(name: &str) -> String {
    // Two are above the 32 bits of clone's word, one is within the exit signal.
    match name {
        "NEWTIME" => "NetBSD has no time namespaces".to_owned(),
        "CLEAR_SIGHAND" => "NetBSD's clone resets no signal handlers".to_owned(),
        "INTO_CGROUP" => "NetBSD has no control groups".to_owned(),
        _ => {
            let words = std::fs::read_to_string(top().join("src/trace/words.rs")).unwrap();
            let start = format!("{name}|");
            let lacking = words.lines().find_map(|line| line.strip_prefix(&start)).expect(name);
            format!("NetBSD has no {lacking}")
        }
    }
}

/// Where a compiler lacks the attribute, the name's type tells.
const OTHERWISE: &str = "struct NetBSD_lacks_this_flag";

/// Each use of a Linux-only name, one a line, and what would hide it.
fn uses(name: &str) -> String {
    format!(
        "#include <sched.h>
#include <pthread.h>
#ifdef CLONE_{name}
# error it is a macro
#endif
#include <sched.h>
int use(int (*func)(void *), char *stack, int flags);
int use(int (*func)(void *), char *stack, int flags) {{
    if (flags == 1) return clone(func, stack, 17 | CLONE_{name}, 0);
    if (flags == 2) return clone(func, stack, CLONE_{name}, 0);
    if (flags == 3) return CLONE_{name};
    flags |= CLONE_{name};
    return flags;
}}
"
    )
}

/// A use of what NetBSD lacks is an error that says so; #ifdef is false.
#[test]
fn linux_only_names_say_what_netbsd_lacks() {
    let place = scratch("headers_reasons");
    let mut compiled = 0;
    for (compiler, package) in COMPILERS.iter().chain(&CXX) {
        if !have(compiler, package) {
            continue;
        }
        let source = place.join(format!("use.{}", ending(compiler)));
        for name in LINUX_ONLY.iter().chain(&["CLEAR_SIGHAND", "INTO_CGROUP"]) {
            std::fs::write(&source, uses(name)).unwrap();
            let said = compile(compiler, &[&overlay()], &source).expect_err(compiler);
            // tcc lacks the attribute, and stops after a few errors.
            if *compiler == "tcc" {
                assert!(said.contains(OTHERWISE), "{name}:\n{said}");
            } else {
                let reason = format!("is unavailable: {}", reason(name));
                let errors = said.lines().filter(|line| line.contains("error:")).count();
                assert_eq!(said.matches(&reason).count(), 4, "{compiler} {name}:\n{said}");
                assert_eq!(errors, 4, "{compiler} {name}: nothing else is wrong:\n{said}");
            }
            compiled += 1;
        }
    }
    assert!(compiled > 0);
}

#[test]
fn linux_only_names_without_the_attribute() {
    let place = scratch("headers_reasons_old");
    let source = place.join("use.c");
    std::fs::write(&source, uses("NEWPID")).unwrap();
    let options = [&*overlay(), "-D__has_attribute(name)=0"];
    let said = compile("gcc", &options, &source).unwrap_err();
    assert_eq!(said.matches(OTHERWISE).count(), 4, "{said}");
}

/// What a program defines itself, as fallbacks do, is its own.
#[test]
fn fallbacks_define_the_names() {
    let place = scratch("headers_fallbacks");
    let mut program = String::from("#include <sched.h>\n");
    for name in LINUX_ONLY {
        program += &format!("#ifndef CLONE_{name}\n# define CLONE_{name} 0x100\n#endif\n");
        program += &format!("int use_{name}[CLONE_{name}];\n");
    }
    for (compiler, package) in COMPILERS.iter().chain(&CXX) {
        let source = place.join(format!("fallback.{}", ending(compiler)));
        std::fs::write(&source, &program).unwrap();
        if have(compiler, package) {
            compile(compiler, &[&overlay()], &source).unwrap_or_else(|said| panic!("{said}"));
        }
    }
}

/// Our numbers are the host's.
#[test]
fn numbers_are_the_systems() {
    let place = scratch("headers_numbers");
    let source = place.join("numbers.c");
    let mut program = String::from("#include <linux/sched.h>\n#include <linux/wait.h>\n");
    let names: Vec<String> = LINUX_ONLY
        .iter()
        .chain(["VM", "FS", "FILES", "SIGHAND", "PTRACE", "VFORK"].iter())
        .map(|name| format!("CLONE_{name}"))
        .chain(["CSIGNAL", "__WALL", "__WCLONE"].map(str::to_owned))
        .collect();
    for name in &names {
        program += &format!("enum {{ linux_{name} = (int)({name}) }};\n#undef {name}\n");
    }
    program += "#include <sched.h>\n";
    for name in &names {
        program += &format!("_Static_assert(linux_{name} == (int)({name}), \"{name}\");\n");
    }
    std::fs::write(&source, program).unwrap();
    let options = ["-std=gnu11", "-DNBCLONE_LINUX_FLAGS", "-w", &overlay()];
    compile("gcc", &options, &source).unwrap_or_else(|said| panic!("{said}"));
}

/// What NetBSD's headers have of it, by its manual pages: clone and the flags
/// for `_NETBSD_SOURCE`, which is the default; and options of their own numbers.
const NETBSD_HEADERS: [(&str, &str); 6] = [
    (
        "sys/types.h",
        "#ifndef T\n#define T\n#if !defined _POSIX_C_SOURCE && !defined _NETBSD_SOURCE\n\
         #define _NETBSD_SOURCE 1\n#endif\ntypedef int pid_t;\n#endif\n",
    ),
    (
        "sched.h",
        "#ifndef S\n#define S\n#include <sys/types.h>\n#ifdef _NETBSD_SOURCE\n\
         #ifdef __cplusplus\nextern \"C\" {\n#endif\n\
         pid_t clone(int (*)(void *), void *, int, void *);\n\
         pid_t __clone(int (*)(void *), void *, int, void *);\n\
         #ifdef __cplusplus\n}\n#endif\n\
         #define CLONE_CSIGNAL 0x000000ff\n#define CLONE_VM 0x00000100\n\
         #define CLONE_FS 0x00000200\n#define CLONE_FILES 0x00000400\n\
         #define CLONE_SIGHAND 0x00000800\n#define CLONE_VFORK 0x00004000\n#endif\n#endif\n",
    ),
    (
        "sys/wait.h",
        "#ifndef W\n#define W\n#include <sys/types.h>\n\
         #ifdef __cplusplus\nextern \"C\"\n#endif\npid_t waitpid(pid_t, int *, int);\n\
         #ifdef _NETBSD_SOURCE\n#define WALTSIG 0x00000004\n#define WALLSIG 0x00000008\n\
         #endif\n#endif\n",
    ),
    ("signal.h", "#define SIGCHLD 20\n"),
    ("pthread.h", "#include <sched.h>\n"),
    ("stdlib.h", "#include <sys/types.h>\n"),
];

/// A directory that has those, and the options that make a compiler take this
/// machine for NetBSD.
fn netbsd(place: &Path) -> [String; 4] {
    for (name, content) in NETBSD_HEADERS {
        let header = place.join("netbsd").join(name);
        std::fs::create_dir_all(header.parent().unwrap()).unwrap();
        std::fs::write(header, content).unwrap();
    }
    ["-U__linux__", "-D__NetBSD__", "-nostdinc"]
        .map(str::to_owned)
        .into_iter()
        .chain([format!("-isystem{}", place.join("netbsd").display())])
        .collect::<Vec<_>>()
        .try_into()
        .unwrap()
}

/// gcc and clang alone: their options are what `netbsd` needs.
const NETBSD_COMPILERS: [(&str, &str, &str, &[&str]); 4] = [
    ("gcc", "gcc", "c", &["c89", "gnu90", "c99", "gnu11"]),
    ("clang", "clang", "c", &["c89", "gnu90", "c99", "gnu11"]),
    ("g++", "g++", "cc", &["c++98", "c++11", "gnu++17"]),
    ("clang++", "clang", "cc", &["c++98", "c++11", "gnu++17"]),
];

/// The header's own text behind the preprocessor, without blank lines.
fn declarations(options: &[String], include: &str, source: &Path) -> Vec<String> {
    std::fs::write(source, include).unwrap();
    let said = succeed(Command::new("gcc").args(["-E", "-P"]).args(options).arg(source));
    said.lines().filter(|line| !line.trim().is_empty()).map(str::to_owned).collect()
}

#[test]
fn on_netbsd_it_is_the_systems_own() {
    let place = scratch("headers_netbsd");
    let system = netbsd(&place);
    let include = without_overlay(&place);
    // -Iinclude brings the overlay too.
    let both = [overlay(), include.clone()];
    for (compiler, package, ending, standards) in NETBSD_COMPILERS {
        if !have(compiler, package) {
            continue;
        }
        for (number, includes) in INCLUDES.iter().enumerate() {
            let source = place.join(format!("{number}.{ending}"));
            // There the numbers of WALTSIG and WALLSIG are others.
            let options = "typedef char as_there[WALTSIG == 4 && WALLSIG == 8 ? 1 : -1];\n";
            let linux = "typedef char linux_names[__WCLONE == 4 && __WALL == 8 ? 1 : -1];\n";
            let linux = if includes.contains("nbclone.h") { linux } else { "" };
            std::fs::write(&source, format!("{includes}{PROGRAM}{options}{linux}")).unwrap();
            for (standard, include) in
                standards.iter().flat_map(|standard| both.iter().map(move |path| (standard, path)))
            {
                let standard = format!("-std={standard}");
                let mut arguments: Vec<&str> = system.iter().map(String::as_str).collect();
                arguments.extend([&*standard, include]);
                if !includes.contains("nbclone.h") {
                    arguments.push("-DCSIGNAL=0xff"); // Linux's alone
                }
                compile(compiler, &arguments, &source)
                    .unwrap_or_else(|said| panic!("{compiler} {standard}:\n{includes}{said}"));
            }
        }
    }
    let mut options = system.to_vec();
    options.push(include);
    let source = place.join("declarations.c");
    let ours = declarations(&options, "#include <nbclone.h>\n", &source);
    let theirs = declarations(&options, "#include <sched.h>\n#include <sys/wait.h>\n", &source);
    assert!(theirs.iter().any(|line| line.contains("clone(")), "{theirs:?}");
    assert_eq!(ours, theirs);
}

/// One complaint, and no other behind it.
#[test]
fn elsewhere_it_says_why_not() {
    let place = scratch("headers_elsewhere");
    let system = netbsd(&place);
    let include = without_overlay(&place);
    let posix: Vec<&str> =
        system.iter().map(String::as_str).chain(["-D_POSIX_C_SOURCE=200809L"]).collect();
    for (options, words) in [
        (&["-U__linux__"][..], "NetBSD has clone(2), and libnbclone brings it to Linux"),
        (&posix, "define _NETBSD_SOURCE"),
    ] {
        for (compiler, package, ending, _) in NETBSD_COMPILERS {
            if !have(compiler, package) {
                continue;
            }
            let source = place.join(format!("elsewhere.{ending}"));
            std::fs::write(&source, "#include <nbclone.h>\nint main(void) { return 0; }\n")
                .unwrap();
            let mut options = options.to_vec();
            options.push(&include);
            let said = compile(compiler, &options, &source).expect_err(compiler);
            assert_eq!(said.matches(": error: ").count(), 1, "{compiler}: {said}");
            assert!(said.contains(words), "{compiler}: {said}");
        }
    }
}

/// Linux 1.x's headers, alone and before or behind the system's, in each C.
#[test]
fn linux1_headers_in_old_c_and_new() {
    const ORDERS: [&str; 7] = [
        "#include <linux/sched.h>\n#include <linux/unistd.h>\n",
        "#include <linux/unistd.h>\n",
        "#include <asm/unistd.h>\n",
        "#include <sys/syscall.h>\n#include <asm/unistd.h>\n",
        "#include <linux/unistd.h>\n#include <sys/syscall.h>\n#include <syscall.h>\n",
        "#include <sched.h>\n#include <pthread.h>\n#include <unistd.h>\n#include <linux/unistd.h>\n",
        "#include <linux/unistd.h>\n#include <sched.h>\n#include <pthread.h>\n#include <stdio.h>\n",
    ];
    const PERIOD: &str = "
#include <stdlib.h>
#include <unistd.h>
#include <sys/wait.h>
static __inline__ _syscall2(int, clone, DECLARED)
int number = __linux1_NR_clone;
int main(void)
{
    int pid = CALLED;
    if (pid == 0)
        _exit(7);
    return waitpid(pid, NULL, 0) != pid;
}
";
    let place = scratch("headers_linux1");
    let source = place.join("period.c");
    let linux1 = format!("-I{}", top().join("include/linux1").display());
    let mut compiled = 0;
    for includes in ORDERS {
        for (declared, called) in [
            ("void *, sp, unsigned long, flags", "clone(0, SIGCLD | COPYVM | COPYFD)"),
            ("int, flags, int, sp", "clone(SIGCLD | CLONE_FS | CLONE_FILES, 0)"),
        ] {
            let program = PERIOD.replace("DECLARED", declared).replace("CALLED", called);
            std::fs::write(&source, format!("{includes}{program}")).unwrap();
            for (compiler, package) in COMPILERS {
                if !have(compiler, package) {
                    continue;
                }
                for standard in ["c89", "gnu89", "gnu17"] {
                    let standard = format!("-std={standard}");
                    for more in ["-DNONE", "-D_GNU_SOURCE", &overlay()] {
                        let options = [&*standard, more, &linux1, "-O1"];
                        compile(compiler, &options, &source).unwrap_or_else(|said| {
                            panic!("{compiler} {options:?}:\n{includes}{program}\n{said}")
                        });
                        compiled += 1;
                    }
                }
            }
        }
    }
    assert!(compiled > 0);
}
