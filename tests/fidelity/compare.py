#!/usr/bin/env python3
# SPDX-License-Identifier: MIT OR Apache-2.0
# Copyright (c) 2026 The nbclone developers
"""Compare the probe's answers with those of a real NetBSD, or of a real Linux.

    compare.py netbsd  10|7.99.10  ANSWERS.tsv  host|shim
    compare.py same    ANSWERS.tsv

netbsd: every disagreement with data/netbsd*-amd64.tsv has to be one that the
file `differences` knows (its head says how it is written).  same: the lines have
to be those of data/linux-glibc-x86_64.tsv, but for what the file `varies` names.
The last line is "N passed, N failed"; failure is exit status 1.
"""

import re
import signal
import sys
from collections import defaultdict
from pathlib import Path

HERE = Path(__file__).resolve().parent
DATA = {
    "10": HERE / "data/netbsd10-amd64.tsv",
    "7.99.10": HERE / "data/netbsd-amd64.tsv",
    "linux": HERE / "data/linux-glibc-x86_64.tsv",
}
CASES = 579  # distinct; two of section 5's, each with two flags, come twice
DECIDABLE = {1, 2, 3, 4, 5, 6, 7, 8, 27}
NEWUSER = 0x10000000
NUMBERS = range(30)
WHO = {"host", "any", "any?", "kept"}
SIGINFO_FIELD = re.compile(r"(init-)?sig(-at-\w+)?")
ITEM = re.compile(r"(\w+)\((\w+),(signo=,pid=\w+),st(\d+)\)")
# Signals' numbers in si_status: NetBSD's, and the host's.
STOPS = {17: signal.SIGSTOP.value, 19: signal.SIGCONT.value}

# What may be here, of a wait status of NetBSD's.
OF_STATUS = {
    "=code": lambda status: status >> 8,
    "=cut8": lambda status: status & 0xFF,
    "=cut16": lambda status: status & 0xFFFF,
}


def read_answers(path):
    """{(section, case): line's fields}; a repeated question has one answer."""
    answers = {}
    with open(path, encoding="ascii") as file:
        for line in file:
            if line.startswith("#"):
                continue
            section, case, *fields = line.rstrip("\n").split("\t")
            if answers.setdefault((section, case), fields) != fields:
                sys.exit(f"{path}: {section} {case}: two different answers")
    return answers


def read_questions(path):
    """The answers that are compared with: all of them have to be there."""
    answers = read_answers(path)
    if len(answers) != CASES:
        sys.exit(f"{path}: {len(answers)} questions, {CASES} expected")
    return answers


def by_name(fields):
    """The fields as a dict; a name's second value is called name#2."""
    named = {}
    for field in fields:
        name, _, value = field.partition("=")
        named[name if name not in named else name + "#2"] = value
    return named


def linux_item(match, statuses):
    """One of NetBSD's siginfo as Linux says it, where it has the status."""
    name, code, middle, status = match.groups()
    status = int(status)
    if code in ("CLD_STOPPED", "CLD_CONTINUED"):
        return f"{name}({code},{middle},st{STOPS.get(status, status)})"
    # 10 has the exit code for SIGCHLD alone. 7.99.10 has the wait status always.
    status = statuses.get(name, status)
    if status & 0x7F:
        return f"{name}(CLD_KILLED,{middle},st{status & 0x7F})"
    return f"{name}(CLD_EXITED,{middle},st{status >> 8})"


def translate(name, netbsd, older):
    """(a field of NetBSD's as Linux would say it, the differences in that)."""
    if not SIGINFO_FIELD.fullmatch(name):
        return netbsd, set()
    statuses = {m[1]: int(m[4]) for m in ITEM.finditer(older) if m[2] != "CLD_STOPPED"}
    text = ITEM.sub(lambda m: linux_item(m, statuses), netbsd)
    numbers = set()
    for theirs, here in zip(ITEM.finditer(netbsd), ITEM.finditer(text)):
        if theirs[2] == "SI_USER":
            numbers.add(19)
        elif theirs[4] != here[4]:
            numbers.add(0 if theirs[2] in ("CLD_STOPPED", "CLD_CONTINUED") else 20)
    return text, numbers


def without_siginfo(fields):
    """The fields without si_code and si_status."""
    return [
        ITEM.sub(r"\1(\3)", field) for field in fields if not field.startswith("si_status=")
    ]


class Rule:
    """One line of the file `differences`."""

    def __init__(self, where, text):
        line, _, reason = text.partition("#")
        columns, self.reason = line.split(), reason.strip()
        self.where = where
        if len(columns) != 8:
            sys.exit(f"{where}: eight columns, please: {text}")
        self.number = int(columns[0])
        self.versions = set(DATA) - {"linux"} if columns[1] == "both" else {columns[1]}
        self.who, self.section = columns[2], columns[3]
        self.field = columns[5]
        self.here = columns[7]
        self.patterns = [
            re.compile(column) if column not in ("*", *OF_STATUS) else None
            for column in columns[4:]
        ]
        self.used = 0
        if self.who not in WHO or self.number not in NUMBERS or not self.versions <= set(DATA):
            sys.exit(f"{where}: unknown number, version or who: {text}")
        if (self.number in DECIDABLE) != (self.who in ("host", "kept")):
            sys.exit(f"{where}: a shim can decide about 1 to 8 and 27 alone: {text}")
        if self.who == "kept" and not self.reason:
            sys.exit(f"{where}: kept, and no reason given: {text}")

    def decidable(self):
        """Is this a disagreement that a shim must not have?"""
        return self.who == "host"

    def explains(self, key, field, netbsd, here):
        case, name, theirs, ours = self.patterns
        if self.section != key[0] or not case.fullmatch(key[1]):
            return False
        if (self.field == "*") != (field == "*"):
            return False
        if name and not name.fullmatch(field):
            return False
        if not theirs.fullmatch(netbsd):
            return False
        if ours:
            return bool(ours.fullmatch(here))
        return int(here, 16) == OF_STATUS[self.here](int(netbsd, 16))


def read_rules(path):
    with open(path, encoding="ascii") as file:
        return [
            Rule(f"{path}:{number}", line.strip())
            for number, line in enumerate(file, 1)
            if line.strip() and not line.startswith("#")
        ]


def first(rules, *what):
    for rule in rules:
        if rule.explains(*what):
            rule.used += 1
            return rule
    return None


def disagreements(netbsd, here, older):
    """[(field, NetBSD's value as Linux would say it, the value here, differences)]"""
    theirs, ours, before = by_name(netbsd), by_name(here), by_name(older)
    names = list(theirs) + [name for name in ours if name not in theirs]
    found = []
    for name in names:
        value, mine = theirs.get(name, "absent"), ours.get(name, "absent")
        if value != mine:
            said, numbers = translate(name, value, before.get(name, ""))
            found.append((name, said, mine, numbers))
    return found


def explain(rules, key, netbsd, here, older):
    """(the fields that differ, numbers of why, the rules); None: unexplained."""
    differing = disagreements(netbsd, here, older)
    numbers, why = set(), []
    if not differing:
        return [], numbers, why
    whole = first(rules, key, "*", ";".join(netbsd), ";".join(here))
    if whole:
        return differing, {whole.number}, [whole]
    for name, said, mine, encoded in differing:
        numbers |= encoded
        if said != mine:
            rule = first(rules, key, name, said, mine)
            why.append(rule)
            numbers |= {rule.number} if rule else set()
    return differing, numbers, why


def missing(expected, answers):
    """Questions that were not asked, or are new: no comparison without them."""
    wrong = [f"{s} {c}: no answer" for s, c in expected if (s, c) not in answers]
    wrong += [f"{s} {c}: not a question" for s, c in answers if (s, c) not in expected]
    return wrong


def leave_out_refused(expected, answers):
    """Takes out the cases whose user namespace isn't to be had here: not in a chroot, nor
    in most containers. The host's clone is asked alone, as a library might refuse for a
    reason of its own."""
    for key in list(answers):
        word = re.match(r"0x[0-9a-f]+", key[1])
        if (key[0] == "3" and word and int(word.group(), 16) & NEWUSER
                and "ret=-1/EPERM" in answers[key] and "ret=-1/EPERM" not in expected.get(key, ())):
            print(f"SKIP: fidelity, {key[1]}: a user namespace: EPERM, as in a chroot")
            del answers[key]
            expected.pop(key, None)


def finish(passed, wrong):
    for line in wrong:
        print("FAIL", line)
    print(f"{passed} passed, {len(wrong)} failed")
    return 1 if wrong else 0


def show(field):
    return "{}={} here {}".format(*field[:3])


def describe(rules, numbers, who):
    """A heading: the numbers, and why the shim keeps a decidable difference."""
    if numbers == (0,):
        return "no difference: another name or number of the host's"
    label = "+".join(map(str, numbers))
    reasons = {
        rule.reason
        for rule in rules
        if who == "shim" and rule.who == "kept" and rule.number in numbers
    }
    return f"difference {label}" + "".join(f" (kept: {r})" for r in sorted(reasons))


class Judgement:
    """What one clone's answers are beside those of one NetBSD."""

    def __init__(self, version, answers_path, who):
        netbsd, answers = read_questions(DATA[version]), read_answers(answers_path)
        if who == "host":
            leave_out_refused(netbsd, answers)
        older = read_answers(DATA["7.99.10"])
        self.rules = [
            rule
            for rule in read_rules(HERE / "differences")
            if version in rule.versions and (who == "host" or rule.who != "host")
        ]
        self.wrong = missing(netbsd, answers)
        self.letter = self.aside = 0  # agree in every field; but for si_code, si_status
        self.rest = defaultdict(list)  # numbers: [(case, what differs)]
        self.asked = [key for key in netbsd if key in answers]
        self.unexplained, self.decidable = set(), set()
        for key in self.asked:
            self.letter += netbsd[key] == answers[key]
            self.aside += without_siginfo(netbsd[key]) == without_siginfo(answers[key])
            found = explain(self.rules, key, netbsd[key], answers[key], older.get(key, []))
            self.note(key, *found)
        self.wrong += [
            f"{rule.where}: stale: explains nothing"
            for rule in self.rules
            if not rule.used and not rule.who.endswith("?")
        ]

    def note(self, key, differing, numbers, why):
        name = " ".join(key)
        if None in why:
            self.unexplained.add(key)
            self.wrong.append(f"{name}: unexplained: {'; '.join(map(show, differing))}")
        elif differing:
            if any(rule.decidable() for rule in why):
                self.decidable.add(key)
            text = "; ".join(map(show, differing[:3]))
            text += "; ..." if differing[3:] else ""
            self.rest[tuple(sorted(numbers - {0} or {0}))].append((name, text))


def compare_netbsd(version, answers_path, who):
    it = Judgement(version, answers_path, who)
    asked = len(it.asked)
    print(f"cases: {asked}, NetBSD {version}")
    print(f"agree in every field: {it.letter}")
    print(f"agree, si_code and si_status left aside: {it.aside}")
    print(
        "agree in every field that a shim can decide:"
        f" {asked - len(it.decidable) - len(it.unexplained)}"
    )
    print(f"the rest, by difference: {sum(map(len, it.rest.values()))}")
    for numbers, cases in sorted(it.rest.items()):
        print(f"  {describe(it.rules, numbers, who)}: {len(cases)}")
        for name, text in cases:
            print(f"    {name}: {text}")
    return finish(asked - len(it.unexplained), it.wrong)


def compare_same(answers_path):
    linux, answers = read_questions(DATA["linux"]), read_answers(answers_path)
    leave_out_refused(linux, answers)
    wrong = missing(linux, answers)
    varies = []
    with open(HERE / "varies", encoding="ascii") as file:
        for line in file:
            if line.strip() and not line.startswith("#"):
                varies.append([re.compile(column) for column in line.split("#")[0].split()])
    passed = 0
    for key, fields in linux.items():
        if key not in answers:
            continue
        name = " ".join(key)
        for section, case, allowed in varies:
            if section.fullmatch(key[0]) and case.fullmatch(key[1]):
                good = bool(allowed.fullmatch(";".join(answers[key])))
                break
        else:
            good = fields == answers[key]
        if good:
            passed += 1
        else:
            wrong.append(f"{name}: {' '.join(answers[key])}\n     not {' '.join(fields)}")
    return finish(passed, wrong)


def main(arguments):
    match arguments:
        case ["netbsd", "10" | "7.99.10" as version, answers, "host" | "shim" as who]:
            return compare_netbsd(version, answers, who)
        case ["same", answers]:
            return compare_same(answers)
    print(__doc__, file=sys.stderr)
    return 2


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
