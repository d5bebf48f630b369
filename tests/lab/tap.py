# SPDX-License-Identifier: MIT OR Apache-2.0
# Copyright (c) 2026 The nbclone developers
"""Reads what the programs of a machine said on its console, and judges it.

Nothing is believed that isn't said twice: the plan, the numbered lines and the
program's own closing line have to agree, and so does its exit status.
"""

import re
from dataclasses import dataclass, field

_CASE = re.compile(r"(not )?ok (\d+)(?: -)? ?(.*)")
_PLAN = re.compile(r"1\.\.(\d+)")
_CLOSING = re.compile(r"# [\w-]+: done passed=(\d+) failed=(\d+) skipped=(\d+)")
_BEGIN = re.compile(r"# lab: begin (.*)")
_END = re.compile(r"# lab: end (.*)")
_KERNEL = re.compile(r"# lab: kernel (\S+) (\S+)")


@dataclass
class Program:
    """One program's run: its counts, and all that is wrong with it."""

    command: str
    passed: int = 0
    failed: int = 0
    skipped: int = 0
    failures: list = field(default_factory=list)
    skips: list = field(default_factory=list)
    faults: list = field(default_factory=list)  # the run itself can't be trusted


@dataclass
class Report:
    release: str = ""
    programs: list = field(default_factory=list)
    faults: list = field(default_factory=list)

    def total(self, name):
        return sum(getattr(program, name) for program in self.programs)

    def all_faults(self):
        return self.faults + [f"{program.command}: {fault}" for program in self.programs
                              for fault in program.faults]


def program(command, lines, ended):
    """Judge one program by its lines and by how init says it ended (None: it didn't)."""
    run = Program(command)
    plan, closing, numbers = [], [], []
    for line in lines:
        if match := _CASE.fullmatch(line):
            failed, number, name = match.groups()
            numbers.append(int(number))
            description, _, directive = name.partition(" # ")
            if directive.upper().startswith("SKIP"):
                run.skipped += 1
                run.skips.append(f"{description}: {directive[4:].strip() or 'no reason'}")
            elif failed:
                run.failed += 1
                run.failures.append(name)
            else:
                run.passed += 1
        elif match := _PLAN.fullmatch(line):
            plan.append(int(match.group(1)))
        elif match := _CLOSING.fullmatch(line):
            closing.append(tuple(map(int, match.groups())))

    counted = (run.passed, run.failed, run.skipped)
    if len(plan) != 1:
        run.faults.append(f"{len(plan)} plans")
    elif sorted(numbers) != list(range(1, plan[0] + 1)):
        run.faults.append(f"{len(numbers)} cases of a plan of {plan[0]}, or misnumbered")
    if plan == [0] or not numbers:
        run.faults.append("no case was run")
    if closing != [counted]:
        run.faults.append(f"counted {counted}, but the program's closing line says "
                          f"{closing[0] if len(closing) == 1 else closing or 'nothing'}")
    if ended is None:
        run.faults.append("did not end")
    elif ended != "exit 0" and not (run.failed and ended == "exit 1"):
        run.faults.append(f"ended with {ended}")
    elif ended == "exit 0" and run.failed:
        run.faults.append("cases failed, but the exit status is 0")
    return run


def report(console, expected):
    """Judge a whole console: every expected command has to have begun and ended."""
    result = Report()
    lines = console.splitlines()
    starts = [at for at, line in enumerate(lines) if _BEGIN.fullmatch(line)]
    for match in filter(None, map(_KERNEL.fullmatch, lines)):
        result.release = match.group(1)
    for at, after in zip(starts, starts[1:] + [len(lines)]):
        body = lines[at + 1:after]
        end = next((n for n, line in enumerate(body) if _END.fullmatch(line)), None)
        ended = None if end is None else _END.fullmatch(body[end]).group(1)
        result.programs.append(program(_BEGIN.fullmatch(lines[at]).group(1), body[:end], ended))
    ran = [run.command for run in result.programs]
    if not result.release:
        result.faults.append("the kernel did not come up")
    elif ran != list(expected):
        result.faults.append(f"ran {len(ran)} of {len(expected)} programs")
    if "# lab: done" not in lines:
        result.faults.append("init did not finish")
    return result
