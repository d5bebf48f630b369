#!/usr/bin/env python3
"""Breaks one line of the library at a time and shows that the suite sees it.

    tests/linux1/mutants.py [name...]

Each mutant is built in a copy of the tree; the cases whose names have the
pattern run against it, and at least one must fail. They all pass before.
"""

import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
HARNESS = Path(os.environ.get("NBCLONE_CONFORMANCE", ROOT / "tests/conformance"))
COPIED = "src/descriptors.rs"
LINUX1 = "src/linux1.rs"
TRANSLATE = "src/translate.rs"
ENTRY = "arch/x86_64.S"
SCHED = "include/linux1/linux/sched.h"
UNISTD = "include/linux1/linux/unistd.h"
GCC = ("gcc", "-O2")

# name, file, what stands there, what the mutant has, pattern[, compiler]
MUTANTS = [
    ("offset lost", COPIED,
     "kernel::seek(new, offset, libc::SEEK_SET) == Ok(offset)", "offset >= 0",
     "an offset of its own"),
    ("status flags lost", COPIED, "(flags & SETTABLE) as usize", "0", "O_NONBLOCK"),
    ("flags not verified", COPIED, "(SETTABLE | libc::O_ACCMODE | libc::O_SYNC) as isize", "0",
     "leases"),
    ("opened without O_SYNC", COPIED, "libc::O_ACCMODE | libc::O_SYNC | libc::O_APPEND",
     "libc::O_ACCMODE | libc::O_APPEND", "SYNC"),
    ("close-on-exec lost", COPIED, "if close_on_exec != 0 { libc::O_CLOEXEC } else { 0 }",
     "if close_on_exec != 0 { 0 } else { 0 }", "close-on-exec"),
    ("close-on-exec gained", COPIED, "if close_on_exec != 0 { libc::O_CLOEXEC } else { 0 }",
     "if close_on_exec != 0 { 0 } else { libc::O_CLOEXEC }", "a file, read-only"),
    ("O_TRUNC applied", COPIED, "const ALWAYS: i32 = libc::O_NONBLOCK;",
     "const ALWAYS: i32 = libc::O_NONBLOCK | libc::O_TRUNC;", "O_TRUNC again"),
    ("waits for a FIFO's other end", COPIED, "const ALWAYS: i32 = libc::O_NONBLOCK;",
     "const ALWAYS: i32 = 0;", "FIFO without a reader"),
    ("the table is left open", COPIED, "    kernel::close(table);\n", "", "a file, read-only"),
    ("the copy is left open", COPIED, "    kernel::close(new);\n", "", "a file, read-only"),
    ("the table is read from its start", COPIED, "kernel::seek(table, *position, libc::SEEK_SET)",
     "kernel::seek(table, 0, libc::SEEK_SET)", "thousands"),
    ("the soft limit stays", COPIED, "let mut limit = Limit::raise();",
     "let mut limit = Limit::raise(); limit.restore(); limit = Limit::raise_none();", "soft limit"),
    ("the limit isn't put back", COPIED, "    limit.restore();\n", "", "soft limit"),
    ("O_PATH is opened", COPIED, "flags < 0 || flags & libc::O_PATH != 0 ||", "flags < 0 ||",
     "leases"),
    ("O_TMPFILE is no file", COPIED, "if file.kind == S_IFDIR { flags &", "if true { flags &",
     "O_TMPFILE"),
    ("leases are broken", COPIED, "!= libc::F_WRLCK as isize", "!= -1", "leases"),
    ("any device is opened", COPIED, "device => kernel::terminal(descriptor) == Some(device)",
     "_ => true", "/dev/"),
    ("a terminal sends more signals", COPIED, "_ if flags & libc::O_ASYNC != 0 => false,\n", "",
     "O_ASYNC"),
    ("another file is taken", COPIED, "kernel::file(new).as_ref() == Some(file)", "true",
     "another /proc"),
    ("another terminal is taken", COPIED,
     "file.kind != S_IFCHR || kernel::terminal(new) == kernel::terminal(old)", "true", "/dev/tty"),
    ("COPYVM isn't forced", TRANSLATE, "word & COPYVM == 0 && !own_stack", "word & COPYVM == 0",
     "forces COPYVM"),
    ("the caller's own sp isn't seen", LINUX1, "sp == 0 || sp.wrapping_sub(caller_sp) <= CALL_SPAN",
     "sp == 0", "own sp forces"),
    ("COPYVM means share", TRANSLATE, "let shared = word & COPYVM == 0",
     "let shared = word & COPYVM != 0", "returns twice"),
    ("high bits are ignored", TRANSLATE, "if word & !known != 0 {",
     "if word as u32 & !(known as u32) != 0 {", "bits 32"),
    ("foreign bits are ignored", TRANSLATE, "if word & !known != 0 {", "if word & !known == 1 {",
     "bits 10"),
    ("any signal", TRANSLATE,
     "    check_exit_signal(word)?;\n    let shared", "    let shared", "signals beyond"),
    ("SIGCHLD always", TRANSLATE, "Ok(word & CLONE_CSIGNAL | if shared",
     "Ok(17 | if shared", "exit signals"),
    ("sp isn't aligned", LINUX1, "(sp & STACK_ALIGNMENT.wrapping_neg())", "sp", "alignment"),
    ("the thread id is stale", LINUX1, "request.flags |= identity.flags as usize;", "",
     "thread id"),
    ("robust mutexes are forgotten", LINUX1, "Identity::take_over(robust_list);",
     "let _ = robust_list;", "robust"),
    ("COPYFD is ignored", LINUX1, "if word & COPYFD != 0 {", "if word & COPYFD == 1 {",
     "a file, read-only"),
    ("COPYFD always", LINUX1, "if word & COPYFD != 0 {", "if word & COPYFD != 1 {",
     "no COPYFD"),
    ("rbx is lost", ENTRY, "1:\txorl\t%eax, %eax\n", "1:\txorl\t%eax, %eax\n\txorl\t%ebx, %ebx\n",
     "every callee-saved"),
    ("r15 is lost", ENTRY, "1:\txorl\t%eax, %eax\n", "1:\txorl\t%eax, %eax\n\tmovq %rsp, %r15\n",
     "few values", GCC),
    ("the frame pointer is lost", ENTRY, "1:\txorl\t%eax, %eax\n",
     "1:\txorl\t%eax, %eax\n\tmovq %rsp, %rbp\n", "odd frames"),
    ("the child gets its id", ENTRY, "1:\txorl\t%eax, %eax\n", "1:\tmovl\t$1, %eax\n",
     "returns twice"),
    ("the call site is on the new stack", ENTRY, "\tnotrack jmp *%r9\t", "\tret\t",
     "reads nothing"),
    ("no frame pointer", SCHED, "__builtin_alloca(__linux1_zero())", "(void *)0", "usual", GCC),
    ("workers are inlined (gcc)", SCHED, '"no-inline", ', "", "usual", GCC),
    ("spilled registers share places (clang)", SCHED, "__attribute__((__returns_twice__))", "",
     "usual", ("clang", "-Os")),
    ("_syscall2's clone is the kernel's", UNISTD, "? -1L :", "? (long)(number) :", "_syscall2"),
]
# For one of them: a limit that is left alone.
EXTRA = {"the soft limit stays": ("src/kernel.rs", "    /// Puts it back as it was.\n",
                                  "    pub fn raise_none() -> Limit { Limit { original: None, "
                                  "is_raised_further: false } }\n"
                                  "    /// Puts it back as it was.\n")}


def change(tree, file, old, new):
    path = tree / file
    text = path.read_text()
    if old not in text:
        sys.exit(f"mutants: {file} has no {old!r} any more")
    path.write_text(text.replace(old, new, 1))


def build(tree, compiler):
    """The suite against the tree's library, or the reason why there is none."""
    environment = dict(os.environ, CARGO_TARGET_DIR=str(tree / "target"), RUSTFLAGS="-Awarnings")
    result = subprocess.run(["cargo", "build", "--release", "--quiet", "--lib"], cwd=tree,
                            env=environment, capture_output=True, text=True)
    if result.returncode:
        return None, result.stderr
    sources = [HARNESS / name for name in ("harness.c", "boot.c", "tools.c", "machine.c")]
    sources += sorted((ROOT / "tests/linux1").glob("*.c"))
    program = tree / "suite"
    result = subprocess.run([*compiler, "-std=c11", f"-I{HARNESS}", f"-I{tree}/include/linux1",
                             *map(str, sources), str(tree / "target/release/libnbclone.a"),
                             "-pthread", "-o", str(program)], capture_output=True, text=True)
    return (program, "") if result.returncode == 0 else (None, result.stderr)


def failures(program, pattern):
    """Names of the cases that fail, and how many passed."""
    result = subprocess.run([str(program), "-w", "5", "-r", pattern], capture_output=True,
                            text=True, errors="replace", timeout=500)
    lines = result.stdout.splitlines()
    failed = [line.split(" - ", 1)[1] for line in lines if line.startswith("not ok")]
    passed = [line for line in lines if line.startswith("ok ") and "# SKIP" not in line]
    return failed, len(passed)


def main(names):
    survivors = 0
    chosen = [mutant for mutant in MUTANTS if not names or mutant[0] in names]
    with tempfile.TemporaryDirectory() as directory:
        tree = Path(directory)
        shutil.copytree(ROOT, tree, dirs_exist_ok=True,
                        ignore=shutil.ignore_patterns("target", ".git", "tests"))
        for compiler in sorted({mutant[5] if len(mutant) > 5 else GCC for mutant in chosen}):
            program, reason = build(tree, compiler)
            if program is None:
                sys.exit(reason)
            for pattern in sorted({mutant[4] for mutant in chosen
                                   if (mutant[5] if len(mutant) > 5 else GCC) == compiler}):
                failed, passed = failures(program, pattern)
                if failed or not passed:
                    sys.exit(f"mutants: before any change, {pattern!r}: {failed}, passed {passed}")
        for name, file, old, new, pattern, *compiler in chosen:
            files = [(file, old, new)] + ([EXTRA[name]] if name in EXTRA else [])
            for each in files:
                change(tree, *each)
            program, reason = build(tree, compiler[0] if compiler else GCC)
            if program is None:
                sys.exit(f"mutants: {name} doesn't build:\n{reason}")
            failed, _ = failures(program, pattern)
            survivors += not failed
            print(f"{'killed' if failed else 'SURVIVED'}: {name}: {len(failed)} cases fail"
                  + (f", {failed[0]}" if failed else ""), flush=True)
            for each, *_ in files:
                shutil.copy2(ROOT / each, tree / each)
                os.utime(tree / each)
    print(f"mutants: {len(chosen)}, survivors: {survivors}")
    return survivors > 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
