#!/usr/bin/env python3
"""Holds the suite's expectations to what NetBSD really answered.

    tests/conformance/run LIB=... POLICY=netbsd -t | truth.py
    truth.py TAP...                      the output of suite -t, on Linux
    truth.py --host netbsd-i386 TAP...   ... on that NetBSD
    truth.py --self-test TAP...          would a wrong expectation be seen?
    truth.py --extract DIRECTORY TAP...  makes truth.tsv again from the full data

With -t the suite writes each expectation that it checks and that NetBSD was
asked for too: section, row, field, expected value, number of the difference.
Here each has to be what NetBSD answered. On Linux it may be what Linux answered
instead, but only under the number of a difference that a shim can't mend, or
mends in its own way (KERNELS, SHIMS_OWN). An expectation without a number has
to be the answer of all of them.
"""

import argparse
import sys
from pathlib import Path

HOSTS = ("netbsd-amd64", "netbsd-i386", "linux")
FULL = {"netbsd-amd64": "netbsd-amd64.tsv", "netbsd-i386": "netbsd-i386.tsv",
        "linux": "linux-glibc-x86_64.tsv"}
TABLE = Path(__file__).with_name("truth.tsv")

# By the numbers of README.md's list of differences.
KERNELS = set(range(9, 28))  # the host kernel's: no shim can mend them
SHIMS_OWN = {1,  # 64 is a signal on Linux: the host's range counts
             2,  # 0x1000 is refused by 7.99.10 only: policy netbsd follows newer kernels
             5}  # a misaligned stack is aligned
NEWER_NETBSD = {("3", "0x1000/CHLD"), ("3", "0x1000|VM|SIGHAND/CHLD")}


def read_claims(streams):
    claims = []
    for stream in streams:
        for line in stream:
            if line.startswith("# truth\t"):
                section, row, field, want, numbers = line.rstrip("\n").split("\t")[1:]
                numbers = int(numbers)
                split = {n for n in (numbers // 100, numbers % 100) if n}
                claims.append(((section, row), field, want, split))
    return claims


def read_rows(path):
    """(section, row) -> {field: value}"""
    rows = {}
    for line in path.read_text().splitlines():
        if line.startswith("#") or not line:
            continue
        section, row, *fields = line.split("\t")
        values = rows.setdefault((section, row), {})
        values.update(field.partition("=")[::2] for field in fields)
    return rows


def read_table(path):
    truth = {host: {} for host in HOSTS}
    for line in path.read_text().splitlines():
        if line.startswith("#") or not line:
            continue
        hosts, section, row, *fields = line.split("\t")
        values = dict(field.partition("=")[::2] for field in fields)
        for host in HOSTS if hosts == "all" else hosts.split(","):
            truth[host].setdefault((section, row), {}).update(values)
    return truth


def extract(directory, claims):
    full = {host: read_rows(Path(directory) / name) for host, name in FULL.items()}
    wanted = {}
    for key, field, _, _ in claims:
        wanted.setdefault(key, {})[field] = None
    lines = [f"# What {', '.join(HOSTS)} answered, of {len(full['netbsd-amd64'])} questions asked:",
             "# hosts, section, row, field=value ... (made by truth.py --extract)"]
    for key, fields in wanted.items():
        for field in fields:
            answers = {host: full[host].get(key, {}).get(field) for host in HOSTS}
            fields[field] = answers
        groups = {}
        for host in HOSTS:
            values = tuple(f"{f}={a[host]}" for f, a in fields.items()
                           if a[host] is not None and len(set(a.values())) > 1)
            groups.setdefault(values, []).append(host)
        same = [f"{f}={a['linux']}" for f, a in fields.items() if len(set(a.values())) == 1]
        if same:
            lines.append("\t".join(["all", *key, *same]))
        for values, hosts in groups.items():
            if values:
                lines.append("\t".join([",".join(hosts), *key, *values]))
    TABLE.write_text("\n".join(lines) + "\n")
    for key in full["netbsd-amd64"]:
        if key not in wanted:
            print("not covered:", *key)


def complaint(claim, truth, host):
    """Why this expectation isn't the truth, or None."""
    key, field, want, numbers = claim
    answers = {name: truth[name].get(key, {}).get(field) for name in HOSTS}
    if host != "linux":
        return None if want == answers[host] else f"{host} answered {answers[host]}"
    # (A register that one architecture lacks wasn't asked for there.)
    netbsd = {answers["netbsd-amd64"], answers["netbsd-i386"]}
    if not numbers:
        if (netbsd | {answers["linux"]}) - {None} == {want}:
            return None
        return f"the answers were {answers}, and no difference is named"
    if want in netbsd:
        return None
    if key[0] == "3" and (20 in numbers or key in NEWER_NETBSD):
        # Linux gave the bit its own effect: here it is ignored, as an ordinary one.
        same = ("3", "0x20000|VM|SIGHAND/CHLD" if "|VM|SIGHAND/" in key[1] else "0x20000/CHLD")
        return None if truth["linux"][same].get(field) == want else f"unlike {same}"
    if not numbers & (KERNELS | SHIMS_OWN):
        return f"NetBSD answered {netbsd}, and a shim can mend {numbers}"
    if want != answers["linux"]:
        return f"neither NetBSD's answer {netbsd} nor Linux's {answers['linux']}"
    return None


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--host", choices=HOSTS, default="linux")
    parser.add_argument("--extract", metavar="DIRECTORY")
    parser.add_argument("--self-test", action="store_true")
    parser.add_argument("tap", nargs="*", type=argparse.FileType("r"), default=[sys.stdin])
    options = parser.parse_args()

    claims = read_claims(options.tap)
    if not claims:
        sys.exit("no expectations: was the suite run with -t?")
    if options.extract:
        extract(options.extract, claims)
    truth = read_table(TABLE)
    if options.self_test:
        blind = [c for c in claims
                 if not complaint((c[0], c[1], c[2] + "?", c[3]), truth, options.host)]
        print(f"# truth: {len(claims) - len(blind)} wrong expectations seen, {len(blind)} not")
        sys.exit(bool(blind))
    failures = 0
    for claim in claims:
        why = complaint(claim, truth, options.host)
        if why:
            failures += 1
            print("not true:", *claim[0], claim[1], "is expected to be", claim[2] + ":", why)
    rows = {claim[0] for claim in claims}
    unlike = sum(1 for c in claims if c[3])
    print(f"# truth: {len(claims)} expectations in {len(rows)} rows, {unlike} under a "
          f"difference's number, {failures} not true")
    sys.exit(failures > 0)


if __name__ == "__main__":
    main()
