# SPDX-License-Identifier: MIT OR Apache-2.0
# Copyright (c) 2026 The nbclone developers
"""Other releases of Debian in directories of their own, for their libcs and programs.

Made by debootstrap in the cache and left as they were made: what a run adds is in mounts
that end with it.
"""

import json
import os
import shutil
import subprocess
from pathlib import Path

from aptree import Unavailable, cache_dir, locked, repositories, run

SUITES = ("bullseye", "bookworm", "trixie", "sid")
PACKAGES = ("gcc", "gdb", "libc6-dev", "lxc", "make", "musl-tools", "python3", "strace", "stress-ng")

# $1 is the directory, $2 what becomes its /tmp/nbclone, or nothing; the rest is run inside.
# The root is a mount point, since lxc-unshare changes its mount's propagation.
ENTER = """
set -e
root=$1 stage=$2
shift 2
mount --bind "$root" "$root"
mount -t proc proc "$root/proc"
mount --rbind /dev "$root/dev"
mount -t tmpfs -o mode=1777 tmpfs "$root/tmp"
[ -z "$stage" ] || cp -R "$stage" "$root/tmp/nbclone"
cd "$root"
exec chroot "$root" "$@"
"""


def inside(root, stage, command):
    """The words that run a command in a chroot, where nothing of it outlives the command."""
    return ["unshare", "--mount", "--pid", "--fork", "--kill-child", "sh", "-c", ENTER, "sh",
            str(root), str(stage or ""), *command]


def chroot(suite, refresh=False, purpose="hosts", packages=PACKAGES):
    """The directory of a release with these packages, made if the cache hasn't got it."""
    if os.geteuid():
        raise Unavailable("chroot(2) needs root")
    if not shutil.which("debootstrap"):
        raise Unavailable("no debootstrap (Debian's package debootstrap)")
    architecture = run(["dpkg", "--print-architecture"]).strip()
    where = cache_dir() / "chroot" / f"{purpose}-{suite}-{architecture}"
    note = where.with_name(f"{where.name}.json")
    made_of = {"packages": list(packages)}
    with locked(where):
        if refresh or not note.exists() or json.loads(note.read_text()) != made_of:
            note.unlink(missing_ok=True)
            try:
                _make(suite, where, packages)
            except Unavailable as error:
                raise Unavailable(f"debootstrap {suite}: {error}") from error
            note.write_text(json.dumps(made_of))
    return where


def _make(suite, where, packages):
    shutil.rmtree(where, ignore_errors=True)
    where.mkdir(parents=True)
    mirror = repositories()[0]
    include = ["--include=ca-certificates"] if mirror.startswith("https:") else []
    run(["unshare", "--mount", "debootstrap", "--variant=minbase", *include, suite, where, mirror])
    security = _security(suite)
    if security:
        with open(where / "etc/apt/sources.list", "a") as sources:
            sources.write(security)
    # Names are resolved and proxies asked as on this machine; no service starts.
    if Path("/etc/resolv.conf").exists():
        (where / "etc/resolv.conf").write_bytes(Path("/etc/resolv.conf").read_bytes())
    settings = run(["apt-config", "dump", "--no-empty", "--format", '%F "%v";%n', "Acquire"])
    (where / "etc/apt/apt.conf.d/zz-lab").write_text(settings)
    policy = where / "usr/sbin/policy-rc.d"
    policy.write_text("#!/bin/sh\nexit 101\n")
    policy.chmod(0o755)
    environment = dict(os.environ, DEBIAN_FRONTEND="noninteractive", LC_ALL="C")
    for words in (("update",), ("install", "-y", "--no-install-recommends", *packages),
                  ("clean",)):
        run(inside(where, None, ["apt-get", "-q", "-o", "APT::Sandbox::User=root", *words]),
            env=environment)


def _security(suite):
    """The line for a release's security updates, where the machine has a source for its own."""
    if suite == "sid":
        return ""
    try:
        return f"deb {repositories('Debian-Security')[0]} {suite}-security main\n"
    except Unavailable:
        return ""


def execute(command, timeout):
    """(output, exit status) of a command; the status is None if it hung."""
    try:
        done = subprocess.run(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                              stderr=subprocess.STDOUT, text=True, errors="replace",
                              timeout=timeout, check=False)
    except subprocess.TimeoutExpired as error:
        return (error.stdout or b"").decode(errors="replace"), None
    return done.stdout, done.returncode
