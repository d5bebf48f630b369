# SPDX-License-Identifier: MIT OR Apache-2.0
# Copyright (c) 2026 The nbclone developers
"""Builds, for a target, the library and the programs that the machine runs."""

import functools
import os
import shutil
from pathlib import Path

import rustspec
from aptree import Unavailable, cache_dir, locked, run
from crossgcc import check_libc, tool
from targets import RUST_PACKAGES

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent.parent
CFLAGS = "-O2 -g -Wall".split()


class BuildFailed(Exception):
    """Our own source didn't build: a failure, where a missing tool is a skip."""


# The joint between the lab and what it runs: the suites, and the dynamic program.

SUITES = ("conformance", "linux1")
# What Linux 1.x's suite takes from the other one.
SHARED = ("harness.c", "guardian.c", "system.c", "boot.c", "tools.c", "machine.c")


def suite_sources(package, suite):
    conformance = package / "tests/conformance"
    if suite == "conformance":
        return sorted(conformance.glob("*.c"))
    return [conformance / name for name in SHARED] + sorted((package / "tests" / suite).glob("*.c"))


def suite_command(package, target, suite, library, output):
    """The command that links a suite statically with the library."""
    includes = ["-D_FILE_OFFSET_BITS=64", f"-I{package / 'tests/conformance'}",
                f"-I{package / 'include/linux1'}"]
    return [tool(target, "gcc"), *target.cflags.split(), "-std=gnu99", *CFLAGS, "-static",
            "-pthread", "-DNBCLONE_TEST_LIBC", *(includes if suite == "linux1" else ()), "-o", output,
            *suite_sources(package, suite), library]


def preload_command(target, output):
    """A dynamic program that knows nothing of the library, to be preloaded."""
    return [tool(target, "gcc"), *target.cflags.split(), "-std=gnu11", *CFLAGS, "-o", output,
            HERE / "preload.c"]


class Builder:
    def __init__(self, package=ROOT):
        self.package = Path(package).resolve()

    def directory(self, target):
        path = self.package / "target/lab" / target.name
        path.mkdir(parents=True, exist_ok=True)
        return path

    def init(self, target):
        output = self.directory(target) / "init"
        check_libc(target)
        self._compile([tool(target, "gcc"), *target.cflags.split(), "-std=gnu11", "-O2", "-Wall",
                       "-static", "-o", output, HERE / "init.c"], target)
        return output

    def suites(self, target):
        """The programs by their names."""
        check_libc(target)
        library = self.library(target, "staticlib")
        programs = {}
        for suite in SUITES:
            if len(suite_sources(self.package, suite)) <= len(SHARED):
                raise BuildFailed(f"no suite in {self.package}/tests/{suite}")
            programs[suite] = self.directory(target) / suite
            self._compile(suite_command(self.package, target, suite, library, programs[suite]), target)
        return programs

    def preload(self, target):
        """Files of a machine that runs a dynamic program, by their path inside it."""
        program = self.directory(target) / "preload"
        self._compile(preload_command(target, program), target)
        files = {"tests/preload": program,
                 "lib/libnbclone.so.1": self.library(target, "cdylib")}
        compiler = [tool(target, "gcc"), *target.cflags.split()]
        loader = self._interpreter(target, program)
        for inside in (loader, "/lib/libc.so.6"):
            name = Path(inside).name
            found = Path(run([*compiler, f"-print-file-name={name}"]).strip())
            if not found.is_absolute() or not found.exists():
                raise Unavailable(f"{name} for {target.name} (package libc6-{target.debian}-cross)")
            files[inside.lstrip("/")] = found
        return files

    def _interpreter(self, target, program):
        shown = run([tool(target, "readelf"), "-W", "--program-headers", program])
        return next(line.rpartition(": ")[2].rstrip("]") for line in shown.splitlines()
                    if "program interpreter" in line)

    def _compile(self, command, target):
        try:
            run(command)
        except Unavailable as error:
            raise BuildFailed(self._keep_log(target, command, error)) from error

    def _keep_log(self, target, command, error):
        path = self.directory(target) / "build.log"
        path.write_text(" ".join(map(str, command)) + f"\n{error}\n")
        return f"{Path(str(command[0])).name} failed: see {path}"

    def library(self, target, kind):
        """Build libnbclone.a (staticlib) or libnbclone.so (cdylib) and keep a copy of it."""
        rustc, build_std = rust_toolchain(target.rust)
        spec = rustspec.resolve(target.rust, rustc)
        gcc, ar = tool(target, "gcc"), tool(target, "ar")
        under = target.rust.replace("-", "_")
        # Dependencies and core itself are built once a machine, not once a checkout.
        shared = cache_dir() / "cargo"
        environment = dict(os.environ, RUSTC=rustc, RUSTC_BOOTSTRAP="1",
                           CARGO_TARGET_DIR=str(shared), **{
                               f"CC_{under}": gcc, f"AR_{under}": ar,
                               f"CFLAGS_{under}": target.cflags,
                               f"CARGO_TARGET_{under.upper()}_LINKER": gcc})
        rustflags = [target.rustflags, *(f"-Clink-arg={flag}" for flag in target.cflags.split())]
        if any(rustflags):
            environment[f"CARGO_TARGET_{under.upper()}_RUSTFLAGS"] = " ".join(rustflags).strip()
        command = ["cargo", "rustc", "--release", "--lib", "--no-default-features", "--target", spec,
                   "--crate-type", kind, "--manifest-path", self.package / "Cargo.toml"]
        if build_std:
            command += ["-Zbuild-std=core"]
        if spec != target.rust:
            command += ["-Zjson-target-spec"]
        made = "libnbclone.a" if kind == "staticlib" else "libnbclone.so"
        output = self.directory(target) / made
        log = self.directory(target) / "cargo.log"
        with locked(shared):
            self._forget(shared, target)
            with open(log, "w") as out:
                try:
                    run(command, env=environment, stdout=out, cwd=self.package)
                except Unavailable as error:
                    raise BuildFailed(f"cargo for {target.rust}: see {log}") from error
            shutil.copy(shared / target.rust / "release" / made, output)
        return output


    def _forget(self, shared, target):
        """Remove what another checkout may have built here.

        Cargo gives our package the same name in each checkout, and takes another
        checkout's library for up to date because it is newer than this one's sources.
        """
        for release in (shared / "release", shared / target.rust / "release"):
            for kind in ("build", ".fingerprint"):
                for path in release.glob(f"{kind}/nbclone-*"):
                    shutil.rmtree(path)


@functools.cache
def rust_toolchain(rust):
    """(rustc, whether core has to be built from source) for a target.

    The first that works: core already installed for the target, a compiler with
    its library sources, rustup fetching core.
    """
    compilers = [path for path in (shutil.which("rustc"), "/usr/bin/rustc")
                 if path and Path(path).exists()]
    with_source = []
    for rustc in dict.fromkeys(compilers):
        sysroot = Path(run([rustc, "--print", "sysroot"]).strip())
        if any((sysroot / "lib/rustlib" / rust / "lib").glob("libcore-*")):
            return rustc, False
        if (sysroot / "lib/rustlib/src/rust/library/core").exists():
            with_source.append(rustc)
    if with_source:
        return with_source[0], True
    try:
        run(["rustup", "target", "add", rust])
        return shutil.which("rustc"), False
    except Unavailable as error:
        raise Unavailable(f"Rust's core for {rust} (packages {' '.join(RUST_PACKAGES)})") from error
