# SPDX-License-Identifier: MIT OR Apache-2.0
# Copyright (c) 2026 The nbclone developers
"""One port: its source, its builds against the installed library, and what they show."""

import json
import os
import re
import shlex
import shutil
import subprocess
import sys
import tarfile
from dataclasses import dataclass, field, fields
from pathlib import Path

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent.parent
sys.path.insert(0, str(ROOT / "tests/lab"))

from aptree import Tree, Unavailable, cache_dir, locked, run, source_line  # noqa: E402

SUITES = ("bookworm", "trixie", "sid", "bullseye")
TIMEOUT = 2400  # seconds for a step of a recipe
# Run in namespaces of their own: the programs make and leave mounts, names and processes.
THROWAWAY = ["unshare", "--mount", "--uts", "--ipc", "--pid", "--fork", "--kill-child",
             "--mount-proc"]
LACKS = re.compile(r"error: .(CLONE_\w+). is unavailable: ")
REFERENCE = re.compile(r" UND (nbclone_)?(__)?clone(@\S+)?( \(\d+\))?$", re.M)


@dataclass
class Result:
    """What a port showed, as it is recorded: a line of results.tsv."""

    name: str
    version: str = ""
    date: str = ""
    built: str = ""  # what of it
    without: str = ""  # what became of it without NBCLONE_LINUX_FLAGS
    lacks: str = ""  # the names that the compiler refused without NBCLONE_LINUX_FLAGS
    changed: int = 0  # lines of the patch
    linked: str = ""  # programs that call the library, of how many
    tests: str = ""
    report: str = ""

    def line(self):
        return "\t".join(str(getattr(self, column.name)) for column in fields(self))

    @classmethod
    def of_line(cls, line):
        words = line.rstrip("\n").split("\t")
        return cls(**{column.name: column.type(word)
                      for column, word in zip(fields(cls), words, strict=True)})


class Failed(Exception):
    """A step that went wrong; the text says which, with its last words."""


@dataclass
class Recipe:
    """recipes/NAME: shell variables, and the functions that build and run it."""

    name: str
    variables: dict = field(default_factory=dict)

    def __post_init__(self):
        wanted = ("source", "crate", "suites", "packages", "built", "only", "programs", "differs")
        script = f'. "{self.path}"; ' + "; ".join(
            f'printf "%s\\0" "${{{name}:-}}"' for name in wanted)
        values = run(["sh", "-e", "-c", script]).split("\0")
        self.variables = dict(zip(wanted, values, strict=False))

    @property
    def path(self):
        return HERE / "recipes" / self.name

    @property
    def patch(self):
        return HERE / "patches" / f"{self.name}.patch"

    def words(self, name):
        return self.variables[name].split()

    def missing(self):
        """The Debian packages that it builds with and that aren't installed."""
        wanted = [*self.words("packages"), "build-essential", "pkg-config"]
        listed = subprocess.run(["dpkg-query", "-W", "-f", "${db:Status-Abbrev}${Package}\n",
                                 *wanted], capture_output=True, text=True, check=False).stdout
        installed = {line[3:].strip() for line in listed.splitlines() if line.startswith("ii")}
        return [package for package in wanted if package not in installed]


def fetch(recipe):
    """(directory of the files, version, whether Debian's patches are among them)."""
    if recipe.variables["crate"]:
        return crate(recipe), recipe.variables["crate"], False
    source = recipe.variables["source"] or recipe.name
    said = ""
    for suite in recipe.words("suites") or SUITES:
        where = cache_dir() / "ports" / "source" / f"{source}-{suite}"
        with locked(where):
            if not originals(where):
                where.mkdir(parents=True, exist_ok=True)
                line = source_line(suite)
                tree = Tree(f"sources-{suite}", line + line.replace("deb [", "deb-src ["))
                try:
                    tree.update()
                    tree.apt("apt-get", "source", "--download-only", "--only-source", source,
                             cwd=where)
                except Unavailable as error:
                    # A mirror may lack a file; upstream's tarball, checked by apt, is enough.
                    said = str(error)
        found = originals(where)
        if found:
            descriptions = list(where.glob("*.dsc"))
            whole = bool(descriptions) and len(list(where.glob("*.debian.tar.*"))) == 1
            version = descriptions[0].name if whole else found[0].name
            version = re.sub(r"^[^_]+_|\.dsc$|\.orig\.tar.*$", "", version)
            return where, version, whole
    raise Unavailable(f"{source}: no source to be had ({said[:120]})")


def crate(recipe):
    """A directory with the crate of the recipe's name and version, and what it depends on."""
    version = recipe.variables["crate"]
    where = cache_dir() / "ports" / "source" / f"crate-{recipe.name}-{version}"
    with locked(where):
        if not (where / "vendor" / recipe.name).exists():
            (where / "src").mkdir(parents=True, exist_ok=True)
            (where / "src/main.rs").write_text("fn main() {}\n")
            (where / "Cargo.toml").write_text(
                '[package]\nname = "port"\nversion = "0.0.0"\nedition = "2021"\n'
                f'[dependencies]\n{recipe.name} = "={version}"\n[workspace]\n')
            run(["cargo", "vendor", "--quiet"], cwd=where)
            (where / ".cargo").mkdir(exist_ok=True)
            (where / ".cargo/config.toml").write_text(
                '[source.crates-io]\nreplace-with = "vendor"\n'
                '[source.vendor]\ndirectory = "vendor"\n')
    return where


def originals(where):
    return [path for path in where.glob("*.orig.tar.*") if path.suffix != ".asc"]


def unpack(recipe, where, whole, top):
    """The source, with Debian's patches where they are there; then ours."""
    shutil.rmtree(top, ignore_errors=True)
    only = recipe.words("only")
    if recipe.variables["crate"]:
        shutil.copytree(where, top)
    elif whole and not only:
        run(["dpkg-source", "--no-check", "-x", str(next(where.glob("*.dsc"))), str(top)])
    else:
        top.mkdir(parents=True)
        with tarfile.open(originals(where)[0]) as archive:
            members = archive.getmembers()
            # As dpkg-source has it: one directory around all is no part of the names.
            tops = {member.name.removeprefix("./").partition("/")[0] for member in members}
            for member in members:
                name = member.name.removeprefix("./")
                inner = name.partition("/")[2] if len(tops) == 1 else name
                if inner and (not only or any(inner == part or inner.startswith(f"{part}/")
                                              for part in only)):
                    member.name = inner
                    archive.extract(member, top, filter="fully_trusted")
    if recipe.patch.exists():
        run(["patch", "-p1", "-i", recipe.patch], cwd=top)


def changed_lines(recipe):
    """Lines that our patch adds or takes away."""
    if not recipe.patch.exists():
        return 0
    return len(re.findall(r"^[+-](?![+-]{2} )", recipe.patch.read_text(), re.M))


@dataclass
class Porter:
    """Who builds: the installed tree, and where the work is."""

    prefix: Path
    work: Path

    def ask(self, *words):
        environment = dict(os.environ, PKG_CONFIG_PATH=str(self.prefix / "lib/pkgconfig"))
        return run(["pkg-config", *words, "nbclone"], env=environment).strip()

    @property
    def report(self):
        return self.work / "report.json"

    def environment(self, linux, policy="host"):
        """As a porter sets it: pkg-config's words, and the loader's path; `linux` is None
        for the host's own clone."""
        flags = libraries = ""
        if linux is not None:
            flags = self.ask("--cflags") + (" -DNBCLONE_LINUX_FLAGS" if linux else "")
            libraries = self.ask("--libs")
        command = [str(self.prefix / "bin/nbclone"), "--json", f"--report={self.report}",
                   "--policy", policy]
        return dict(
            os.environ, LC_ALL="C.UTF-8", HOME=str(self.work),
            CARGO_HOME=os.environ.get("CARGO_HOME", str(Path.home() / ".cargo")),
            RUSTUP_HOME=os.environ.get("RUSTUP_HOME", str(Path.home() / ".rustup")),
            PKG_CONFIG_PATH=str(self.prefix / "lib/pkgconfig"),
            LD_LIBRARY_PATH=str(self.prefix / "lib"),
            NBCLONE_POLICY=policy,
            CFLAGS=f"-g -O2 {flags}", CXXFLAGS=f"-g -O2 {flags}",
            LDFLAGS=libraries, LIBS=libraries,
            PORT_CFLAGS=flags, PORT_LIBS=libraries, PORT_PREFIX=str(self.prefix),
            REPORT=shlex.join(command), JOBS=str(os.cpu_count() or 1),
            # The build without Linux's flags goes on behind errors, to find them all.
            KEEP="-k" if linux is False else "")

    def step(self, recipe, steps, top, environment, log, throwaway=False):
        """Run functions of the recipe in its source; the status."""
        script = f'set -e; . "{HERE}/count.sh"; . "{recipe.path}"; '
        script += "; ".join(f"({name})" for name in steps)
        command = ["nice", "timeout", "--kill-after=10", str(TIMEOUT), "sh", "-c", script]
        if throwaway and os.geteuid() == 0:
            command = [*THROWAWAY, *command]
        with open(log, "a") as output:
            done = subprocess.run(command, cwd=top, env=environment, stdin=subprocess.DEVNULL,
                                  stdout=output, stderr=subprocess.STDOUT, check=False)
        return done.returncode


def referenced(top, patterns):
    """(programs that take clone from the library, all that the recipe names)."""
    files = sorted({path for pattern in patterns for path in top.glob(pattern)
                    if path.is_file() and path.read_bytes()[:4] == b"\x7fELF"})
    ours = 0
    for path in files:
        kind = run(["readelf", "-h", path])
        symbols = run(["readelf", "-W", "-s", path])
        needs = "libnbclone.so.1" in run(["readelf", "-d", path]) or "REL (" in kind
        ours += needs and bool(REFERENCE.search(symbols))
    return ours, len(files)


def failures(log):
    """The names of the tests that failed."""
    return re.findall(r"^failed: (.*)", log, re.M)


def tests_of(log):
    """The last "N passed, N failed" of a log, without what is zero."""
    found = re.findall(r"^(\d+) passed, (\d+) failed(?:, (\d+) skipped)?", log, re.M)
    if not found:
        raise Failed("its own tests gave no result")
    words = zip(found[-1], ("passed", "failed", "skipped"), strict=True)
    return ", ".join(f"{count} {word}" for count, word in words if count not in ("", "0"))


def report_of(path):
    """The report of a run, in a line."""
    report = json.loads(path.read_text())
    calls = report["calls"]
    return f"{calls} call{'s' if calls != 1 else ''}; {report['verdict']['words']}"
