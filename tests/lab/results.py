# SPDX-License-Identifier: MIT OR Apache-2.0
# Copyright (c) 2026 The nbclone developers
"""The machine-readable outcome of a lab run: one line a target and kernel."""

import csv
import datetime
from dataclasses import asdict, dataclass, fields
from pathlib import Path

RECORD = Path(__file__).resolve().parent / "results.tsv"


@dataclass(frozen=True)
class Result:
    architecture: str
    abi: str
    kernel: str  # the release that the running kernel reports
    passed: int
    failed: int
    skipped: int
    date: str
    program: str = "conformance"

    @property
    def key(self):
        return self.architecture, self.kernel.split("-")[0].split("+")[0].rsplit(".", 1)[0], \
            self.program


def today():
    return datetime.date.today().isoformat()


def read(path):
    if not Path(path).exists():
        return []
    with open(path, newline="") as file:
        rows = csv.DictReader(file, delimiter="\t")
        return [Result(**{**row, **{name: int(row[name]) for name in ("passed", "failed", "skipped")}})
                for row in rows]


def write(path, results):
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    with open(path, "w", newline="") as file:
        writer = csv.DictWriter(file, [field.name for field in fields(Result)], delimiter="\t",
                                lineterminator="\n")
        writer.writeheader()
        writer.writerows(asdict(result) for result in results)


def merge(old, new):
    """New results take the place of old ones of the same target and kernel series."""
    merged = {result.key: result for result in old}
    merged.update((result.key, result) for result in new)
    return list(merged.values())
