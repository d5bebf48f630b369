# SPDX-License-Identifier: MIT OR Apache-2.0
# Copyright (c) 2026 The nbclone developers
"""Cross compilers: the machine's own, or one unpacked from a newer suite."""

import functools
import os
import re
import shutil
from pathlib import Path

from aptree import Unavailable, cache_dir, extract, foreign, locked, run
from targets import TOOLCHAIN_SUITE

# Of a compiler's dependencies, what isn't a library or a tool of its own.
_NOT_NEEDED = re.compile(r"(gcc-\d+(-cross)?-base.*|linux-libc-dev.*-dbg|debconf|install-info)")


@functools.cache
def tool(target, name):
    """The path of a target's gcc, ar, ...; Unavailable names the package it lacks."""
    own = shutil.which(f"{target.gcc}-{name}")
    if own:
        return own
    suite = TOOLCHAIN_SUITE.get(target.gcc)
    if not suite:
        raise Unavailable(f"{target.gcc}-{name} (package {target.packages[0]})")
    unpacked = _unpacked(suite, target) / "usr/bin" / f"{target.gcc}-{name}"
    if not unpacked.exists():
        raise Unavailable(f"{target.gcc}-{name} (package {target.packages[0]} of {suite})")
    return str(unpacked)


def check_libc(target):
    """Unavailable if the libc to link with is missing, which the compiler says badly."""
    compiler = [tool(target, "gcc"), *target.cflags.split()]
    found = run([*compiler, "-print-file-name=libc.a"]).strip()
    if not Path(found).exists():
        raise Unavailable(f"libc.a for {target.name} (package {target.packages[1]})")


def _unpacked(suite, target):
    """A compiler of another suite, unpacked and told to use that suite's own libraries."""
    where = cache_dir() / "toolchains" / f"{target.gcc}-{suite}"
    with locked(where):
        if not (where / "complete").exists():
            shutil.rmtree(where, ignore_errors=True)
            tree = foreign(suite, "amd64")
            with locked(tree.root):
                tree.update()
                for package in _closure(tree, target.packages):
                    archive = tree.download(package)
                    extract(archive, lambda path: not path.startswith("usr/share/"), where)
                    archive.unlink()
            _bind(where)
            (where / "complete").touch()
    return where


def _closure(tree, packages):
    todo, seen = list(packages), []
    while todo:
        package = todo.pop()
        if package in seen or _NOT_NEEDED.fullmatch(package):
            continue
        if not tree.field(package, "Version"):
            continue  # a virtual package: its provider is an alternative of no use here
        seen.append(package)
        todo += [name for name, _ in tree.depends(package)]
    return seen


def _bind(where):
    """Make the unpacked programs start with the unpacked loader and libraries."""
    loader = next(path for path in where.rglob("ld-linux-x86-64.so.2"))
    libraries = f"{where}/usr/lib/x86_64-linux-gnu"
    for path in where.rglob("*"):
        if path.is_symlink() or not path.is_file() or not os.access(path, os.X_OK):
            continue
        with open(path, "rb") as file:
            head = file.read(20)
        # An executable of this machine's own kind; a shared object too if it has a loader.
        if head[:4] != b"\x7fELF" or head[18:20] != b"\x3e\x00" or ".so" in path.name:
            continue
        run(["patchelf", "--set-interpreter", loader, "--force-rpath", "--set-rpath", libraries,
             path])
