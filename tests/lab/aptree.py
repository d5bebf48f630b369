# SPDX-License-Identifier: MIT OR Apache-2.0
# Copyright (c) 2026 The nbclone developers
"""Apt trees of the lab's own: other suites and architectures, nothing installed.

The sources, keys and transport settings are the machine's: only the suite and the
architecture are replaced. Each tree has lists and archives to itself, since two apt
runs that share them delete each other's downloads.
"""

import contextlib
import fcntl
import os
import re
import subprocess
import tarfile
from pathlib import Path

KEYRING = Path("/usr/share/keyrings/debian-archive-keyring.gpg")


class Unavailable(Exception):
    """Something that this machine doesn't have and can't get now; the text names it."""


def cache_dir():
    base = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(base) / "nbclone"


@contextlib.contextmanager
def locked(path):
    """Hold PATH.lock: machines run side by side, and so do labs of two checkouts."""
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    with open(f"{path}.lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def run(command, **more):
    """Run quietly; a command that fails raises Unavailable with its last words."""
    more.setdefault("stdout", subprocess.PIPE)
    try:
        done = subprocess.run([str(word) for word in command], stderr=subprocess.STDOUT,
                              stdin=subprocess.DEVNULL, text=True, errors="replace", **more)
    except FileNotFoundError as error:
        raise Unavailable(f"{command[0]}: not installed") from error
    if done.returncode:
        lines = (done.stdout or "").strip().splitlines()
        words = [line for line in lines if line.startswith("E:")] or lines[-1:]
        raise Unavailable(f"{Path(str(command[0])).name} failed: {' '.join(words)}")
    return done.stdout or ""


def repositories(label="Debian"):
    """The base addresses of the machine's own sources that carry this label."""
    listed = run(["apt-get", "indextargets", "--format", "$(REPO_URI)",
                  "Created-By: Packages", f"Label: {label}"])
    found = list(dict.fromkeys(listed.split()))
    if not found:
        raise Unavailable(f"apt has no source with the label {label}; run apt-get update")
    return found


def source_line(suite, label="Debian", architecture=None):
    options = [f"signed-by={KEYRING}"] if KEYRING.exists() else []
    options += [f"arch={architecture}"] if architecture else []
    return f"deb [{' '.join(options)}] {repositories(label)[0]} {suite} main\n"


class Tree:
    """One tree. With sources given it works on the machine's own package status."""

    def __init__(self, name, sources, architecture=None):
        self.root = cache_dir() / "apt" / name
        self.sources = sources
        self.architecture = architecture

    def _configure(self):
        """Write apt.conf: the machine's parts, without hooks, then our directories."""
        for part in ("lists/partial", "archives/partial", "apt.conf.d", "none"):
            (self.root / part).mkdir(parents=True, exist_ok=True)
        (self.root / "sources.list").write_text(self.sources)
        for old in (self.root / "apt.conf.d").iterdir():
            old.unlink()
        own = Path(run(["sh", "-c", "eval $(apt-config shell d Dir::Etc::parts/d); echo $d"]).strip())
        for part in own.iterdir() if own.is_dir() else ():
            (self.root / "apt.conf.d" / part.name).symlink_to(part)
        settings = {
            "Dir::State::lists": self.root / "lists",
            "Dir::Cache": self.root,
            "Dir::Cache::archives": self.root / "archives",
            "Dir::Cache::pkgcache": self.root / "pkgcache.bin",
            "Dir::Cache::srcpkgcache": self.root / "srcpkgcache.bin",
            "Dir::Etc::sourcelist": self.root / "sources.list",
            "Dir::Etc::sourceparts": self.root / "none",
            "APT::Sandbox::User": "root",
            "Acquire::Languages": "none",
            "Acquire::IndexTargets::deb::DEP-11::DefaultEnabled": "false",
            "Acquire::Retries": "2",
            "DPkg::Lock::Timeout": "900",
        }
        if self.architecture:
            (self.root / "status").touch()
            settings["Dir::State"] = self.root
            settings["Dir::State::status"] = self.root / "status"
            settings["Dir::Etc::preferencesparts"] = self.root / "none"
            settings["APT::Architecture"] = self.architecture
            settings["APT::Architectures"] = self.architecture
        # "zz": read after the machine's own parts. The hooks that go would delete the
        # downloads of another apt run, and are no business of a private tree.
        lines = [f"#clear {hook};" for hook in ("APT::Update::Post-Invoke", "DPkg::Post-Invoke",
                                                "APT::Update::Post-Invoke-Success")]
        lines += [f'{key} "{value}";' for key, value in settings.items()]
        (self.root / "apt.conf.d" / "zz-lab").write_text("\n".join(lines) + "\n")
        (self.root / "apt.conf").write_text(f'Dir::Etc::parts "{self.root}/apt.conf.d";\n')

    def apt(self, tool, *words, **more):
        environment = dict(os.environ, APT_CONFIG=str(self.root / "apt.conf"),
                           DEBIAN_FRONTEND="noninteractive", LC_ALL="C.UTF-8")
        return run([tool, "-q", *words], env=environment, **more)

    def update(self):
        self._configure()
        said = self.apt("apt-get", "update")
        if not any((self.root / "lists").glob("*Packages*")):
            raise Unavailable(f"no package index for {self.root.name}: "
                              f"{' '.join(said.split())[-160:]}")

    def field(self, package, name):
        shown = self.apt("apt-cache", "--no-all-versions", "show", package)
        match = re.search(rf"^{name}: (.*)$", shown, re.M)
        return match.group(1) if match else ""

    def depends(self, package):
        """What a package depends on, first alternatives, as (name, exact version or '')."""
        for part in filter(None, self.field(package, "Depends").split(", ")):
            match = re.match(r"([^\s:]+)(?::\w+)?(?: \(= ([^)]+)\))?", part.split(" | ")[0])
            yield match.group(1), match.group(2) or ""

    def download(self, package):
        """Fetch one package; its path."""
        archive = self.root / "archives" / package
        archive.mkdir(parents=True, exist_ok=True)
        for old in archive.glob("*.deb"):
            old.unlink()
        self.apt("apt-get", "download", package, cwd=archive)
        found = list(archive.glob("*.deb"))
        if len(found) != 1:
            raise Unavailable(f"{package}: no download")
        return found[0]


def foreign(suite, architecture):
    """A tree of another suite or architecture, with no package installed."""
    return Tree(f"{suite}-{architecture}", source_line(suite, architecture=architecture),
                architecture)


def extract(package, wanted, destination):
    """Unpack the members of a .deb whose path wanted() accepts, without installing."""
    unpacker = subprocess.Popen(["dpkg-deb", "--fsys-tarfile", str(package)],
                                stdout=subprocess.PIPE)
    with tarfile.open(fileobj=unpacker.stdout, mode="r|") as archive:
        for member in archive:
            if wanted(member.name.removeprefix("./")):
                archive.extract(member, destination, filter="fully_trusted")
    unpacker.stdout.close()
    if unpacker.wait():
        raise Unavailable(f"{package}: cannot be unpacked")
