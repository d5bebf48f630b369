#!/usr/bin/env python3
# SPDX-License-Identifier: MIT OR Apache-2.0
# Copyright (c) 2026 The nbclone developers
"""Which NetBSD has which difference? Says so by what was asked, and holds all
that is written about it to that.

    versions.py HOST.tsv LIBRARY.tsv

HOST.tsv and LIBRARY.tsv are this host's answers, by its own clone and by the
library's under policy netbsd.  Compared with the answers are the column "in" of
data/README.md, the command's list (src, differences.rs) and the manual's (man).
The last line is "N passed, N failed".
"""

import re
import sys
from collections import Counter

from compare import DECIDABLE, HERE, Judgement

VERSIONS = ("10", "7.99.10")
# Named in the lists though both answer alike: what libcs do wrong elsewhere.
ALIKE = {4}
RACES = {24}  # not in every run
ROOT = HERE.parent.parent


def counts(version, host, library):
    """number: how many cases show it, by the host's clone or by the library."""
    found = Counter()
    for numbers, cases in Judgement(version, host, "host").rest.items():
        found.update({number: len(cases) for number in numbers})
    for numbers, cases in Judgement(version, library, "shim").rest.items():
        for number in numbers:
            found[number] = max(found[number], len(cases))
    del found[0]
    return found


def documented():
    """number: the versions that data/README.md gives it."""
    rows = re.findall(r"^\| (\d+) \| (both|10|7\.99\.10|alike) \|",
                      (HERE / "data/README.md").read_text(), re.M)
    kinds = {"both": set(VERSIONS), "alike": set()}
    return {int(number): kinds.get(where, {where}) for number, where in rows}


def listed_by_command():
    [path] = (ROOT / "src").rglob("differences.rs")
    return {int(number) for number in re.findall(r'^    (\d+), "', path.read_text(), re.M)}


def listed_by_manual():
    page = (ROOT / "man/clone.3nb").read_text()
    page = page[page.index(".Ss What the host kernel decides"):]
    page = page[: page.index(".Ss", 3)]
    return {int(number) for number in re.findall(r"^\.It (\d+)$", page, re.M)}


def main(host, library):
    found = {version: counts(version, host, library) for version in VERSIONS}
    passed, wrong = 0, []

    def expect(what, right):
        nonlocal passed
        passed += right
        if not right:
            wrong.append(what)

    print("difference: cases that show it on 10, on 7.99.10")
    written = documented()
    for number in sorted(set(written) | set(found["10"]) | set(found["7.99.10"])):
        where = {version for version in VERSIONS if found[version][number]}
        print(f"  {number:2}: {found['10'][number]:3} {found['7.99.10'][number]:3}")
        expect(f"data/README.md says otherwise of {number}: it is in {sorted(where) or 'none'}",
               written.get(number) == where or (number in RACES and not where))
    has = {number for number, where in written.items() if "10" in where}
    expect(f"the command's list isn't that of 10: {sorted(listed_by_command() ^ (has | ALIKE))}",
           listed_by_command() == has | ALIKE)
    kernels = has - DECIDABLE | {27}
    expect(f"the manual's list isn't that of 10: {sorted(listed_by_manual() ^ kernels)}",
           listed_by_manual() == kernels)
    for line in wrong:
        print("FAIL", line)
    print(f"{passed} passed, {len(wrong)} failed")
    return 1 if wrong else 0


if __name__ == "__main__":
    if len(sys.argv) != 3:
        print(__doc__, file=sys.stderr)
        sys.exit(2)
    sys.exit(main(*sys.argv[1:]))
