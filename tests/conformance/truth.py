#!/usr/bin/env python3
# SPDX-License-Identifier: MIT OR Apache-2.0
# Copyright (c) 2026 The nbclone developers
"""Holds the suite's expectations to what NetBSD really answered.

    tests/conformance/run LIB=... POLICY=netbsd -t | truth.py
    truth.py TAP...                      the output of suite -t, on any system
    truth.py --host netbsd-i386 TAP...   ... which has to be this one
    truth.py --self-test TAP...          would a wrong expectation be seen?
    truth.py --unclaimed TAP...          the rows that no case claims

With -t the suite writes each expectation that it checks and that NetBSD was
asked for too: section, row, field, expected value, number of the difference;
and, first, its system. On NetBSD each has to be that NetBSD's answer. On Linux
it has to be NetBSD 10's; or it may be what Linux answered instead, but only
under the number of a difference that a shim can't mend, or mends in its own way
(KERNELS, SHIMS_OWN). An expectation without a number has to be the answer of
NetBSD 10 and of Linux.
"""

import argparse
import sys
from pathlib import Path

DATA = Path(__file__).resolve().parent.parent / "fidelity/data"
FILES = {"netbsd10-amd64": "netbsd10-amd64.tsv", "netbsd10-i386": "netbsd10-i386.tsv",
         "netbsd-amd64": "netbsd-amd64.tsv", "netbsd-i386": "netbsd-i386.tsv",
         "linux": "linux-glibc-x86_64.tsv"}
REFERENCE = ("netbsd10-amd64", "netbsd10-i386")
SYSTEM = "# system: "

# By the numbers of README.md's list of differences.
KERNELS = set(range(9, 30)) - {18, 20, 21, 27}  # the host kernel's: no shim can mend them
SHIMS_OWN = {1,  # 64 is a signal on Linux: the host's range counts
             5}  # a misaligned stack is aligned


def host_of(system):
    """The answers that a system's have to be: "NetBSD 10.99.12 i386" is netbsd10-i386."""
    name, release, machine = system.split()
    if name != "NetBSD":
        return name.lower()
    version = tuple(int(part) if part.isdigit() else 0
                    for part in release.partition("_")[0].split("."))
    return f"netbsd{'10' if version >= (9, 99, 100) else ''}-{machine}"


def read_claims(streams):
    """The expectations, and the hosts that wrote them."""
    claims, hosts = [], set()
    for stream in streams:
        for line in stream:
            if line.startswith(SYSTEM):
                hosts.add(host_of(line.removeprefix(SYSTEM)))
            elif line.startswith("# truth\t"):
                section, row, field, want, numbers = line.rstrip("\n").split("\t")[1:]
                numbers = int(numbers)
                split = {n for n in (numbers // 100, numbers % 100) if n}
                claims.append(((section, row), field, want, split))
    return claims, hosts


def read_rows(path):
    """(section, row) -> {field: value}"""
    rows = {}
    for line in path.read_text(encoding="ascii").splitlines():
        if line.startswith("#") or not line:
            continue
        section, row, *fields = line.split("\t")
        values = rows.setdefault((section, row), {})
        values.update(field.partition("=")[::2] for field in fields)
    return rows


def complaint(claim, truth, host):
    """Why this expectation isn't the truth, or None."""
    key, field, want, numbers = claim
    answers = {name: truth[name].get(key, {}).get(field) for name in FILES}
    if host != "linux":
        return None if want == answers[host] else f"{host} answered {answers[host]}"
    # (A register that one architecture lacks wasn't asked for there.)
    netbsd = {answers[name] for name in REFERENCE}
    if not numbers:
        if (netbsd | {answers["linux"]}) - {None} == {want}:
            return None
        return f"NetBSD 10 answered {netbsd}, Linux {answers['linux']}, and no difference is named"
    if want in netbsd:
        return None
    if not numbers & (KERNELS | SHIMS_OWN):
        return f"NetBSD 10 answered {netbsd}, and a shim can mend {numbers}"
    if want != answers["linux"]:
        return f"neither NetBSD 10's answer {netbsd} nor Linux's {answers['linux']}"
    return None


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--host", choices=FILES)
    parser.add_argument("--self-test", action="store_true")
    parser.add_argument("--unclaimed", action="store_true")
    parser.add_argument("tap", nargs="*", type=argparse.FileType("r"), default=[sys.stdin])
    options = parser.parse_args()

    claims, hosts = read_claims(options.tap)
    if not claims:
        sys.exit("no expectations: was the suite run with -t?")
    hosts = hosts or {options.host or "linux"}  # older suites don't say
    if len(hosts) != 1 or not hosts <= set(FILES):
        sys.exit(f"one system whose answers are known, please, not: {', '.join(sorted(hosts))}")
    host = hosts.pop()
    # netbsd-i386 is any version's, netbsd10-i386 that one's.
    if options.host not in (None, host, host.replace("netbsd10", "netbsd")):
        sys.exit(f"these are the expectations of {host}, not of {options.host}")
    truth = {name: read_rows(DATA / file) for name, file in FILES.items()}
    if options.self_test:
        blind = [c for c in claims
                 if not complaint((c[0], c[1], c[2] + "?", c[3]), truth, host)]
        print(f"# truth: {len(claims) - len(blind)} wrong expectations seen, {len(blind)} not")
        sys.exit(bool(blind))
    rows = {claim[0] for claim in claims}
    if options.unclaimed:
        for key in truth[host]:
            if key not in rows:
                print(*key)
        return
    failures = 0
    for claim in claims:
        why = complaint(claim, truth, host)
        if why:
            failures += 1
            print("not true:", *claim[0], claim[1], "is expected to be", claim[2] + ":", why)
    unlike = sum(1 for c in claims if c[3])
    print(f"# truth, {host}: {len(claims)} expectations in {len(rows)} rows, {unlike} under a "
          f"difference's number, {failures} not true")
    sys.exit(failures > 0)


if __name__ == "__main__":
    main()
