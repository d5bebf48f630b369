#!/usr/bin/env python3
"""Compare the probe's answers with those of a real NetBSD, or of a real Linux.

    compare.py netbsd  NETBSD.tsv  DIFFERENCES  ANSWERS.tsv  host|shim
    compare.py same    LINUX.tsv   VARIES       ANSWERS.tsv

netbsd: every disagreement has to be one that DIFFERENCES knows (its head says
how it is written).  same: the lines have to be the same, but for those that
VARIES names.  The last line is "N passed, N failed"; failure is exit status 1.
"""

import re
import signal
import sys
from collections import defaultdict

CASES = 579  # distinct; two of section 5's, each with two flags, come twice
DECIDABLE = {1, 2, 3, 4, 5, 6, 7, 8, 27}
NEWUSER = 0x10000000
WHO = {"host", "any", "any?", "kept"}
SIGINFO_FIELD = re.compile(r"(init-)?sig(-at-\w+)?")
ITEM = re.compile(r"(\w+)\((\w+),(signo=,pid=\w+),st(\d+)\)")


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


def decode_item(match):
    """One of NetBSD's siginfo (raw wait status, SI_USER) as Linux says it."""
    name, code, middle, status = match.groups()
    status = int(status)
    if code == "CLD_STOPPED":  # st is the signal; NetBSD's SIGSTOP is 17
        status = signal.SIGSTOP.value if status == 17 else status
    elif status & 0x7F:
        code, status = "CLD_KILLED", status & 0x7F
    else:
        code, status = "CLD_EXITED", status >> 8
    return f"{name}({code},{middle},st{status})"


def decode(name, value):
    """Differences 19 and 20 taken out of one of NetBSD's values."""
    if SIGINFO_FIELD.fullmatch(name):
        return ITEM.sub(decode_item, value)
    return value


class Rule:
    """One line of DIFFERENCES."""

    def __init__(self, where, text):
        line, _, reason = text.partition("#")
        columns, self.reason = line.split(), reason.strip()
        self.where = where
        if len(columns) != 7:
            sys.exit(f"{where}: seven columns, please: {text}")
        self.number = int(columns[0])
        self.who, self.section = columns[1], columns[2]
        self.field = columns[4]
        self.here = columns[6]
        self.patterns = [
            re.compile(columns[i]) if columns[i] not in ("*", "=decoded") else None
            for i in (3, 4, 5, 6)
        ]
        self.used = 0
        if self.who not in WHO or not 0 <= self.number <= 27:
            sys.exit(f"{where}: unknown number or who: {text}")
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
        return int(here, 16) == int(netbsd, 16) >> 8  # =decoded


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


def disagreements(netbsd, here):
    """[(field, NetBSD's value, the value here)], siginfo's encoding apart."""
    theirs, ours = by_name(netbsd), by_name(here)
    names = list(theirs) + [name for name in ours if name not in theirs]
    return [
        (name, decode(name, theirs.get(name, "absent")), ours.get(name, "absent"))
        for name in names
        if decode(name, theirs.get(name, "absent")) != ours.get(name, "absent")
    ]


def explain(rules, key, netbsd, here):
    """(the fields that differ, the rules that say why); None: unexplained."""
    differing = disagreements(netbsd, here)
    if not differing:
        return [], []
    whole = first(rules, key, "*", ";".join(netbsd), ";".join(here))
    if whole:
        return differing, [whole]
    return differing, [first(rules, key, *field) for field in differing]


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
    return "{}={} here {}".format(*field)


def describe(rules, numbers, who):
    """A heading: the numbers, and why the shim keeps a decidable difference."""
    label = "+".join(map(str, numbers))
    reasons = {
        rule.reason
        for rule in rules
        if who == "shim" and rule.who == "kept" and rule.number in numbers
    }
    return f"difference {label}" + "".join(f" (kept: {r})" for r in sorted(reasons))


def compare_netbsd(netbsd_path, rules_path, answers_path, who):
    netbsd, answers = read_questions(netbsd_path), read_answers(answers_path)
    if who == "host":
        leave_out_refused(netbsd, answers)
    rules = [
        rule for rule in read_rules(rules_path) if who == "host" or rule.who != "host"
    ]
    wrong = missing(netbsd, answers)
    agree = encoded = 0
    rest = defaultdict(list)
    unexplained, decidable = set(), set()
    asked = [key for key in netbsd if key in answers]
    for key in asked:
        name = " ".join(key)
        differing, why = explain(rules, key, netbsd[key], answers[key])
        if not differing:
            agree += 1
            encoded += netbsd[key] != answers[key]
        elif None in why:
            unexplained.add(key)
            wrong += [
                f"{name}: unexplained: {show(field)}"
                for field, rule in zip(differing, why)
                if rule is None
            ]
        else:
            if any(rule.decidable() for rule in why):
                decidable.add(key)
            text = "; ".join(map(show, differing[:3]))
            text += "; ..." if differing[3:] else ""
            rest[tuple(sorted({rule.number for rule in why}))].append((name, text))
    print(f"cases: {len(netbsd)}")
    print(
        f"agree in all fields: {agree}"
        f" ({encoded} of them with siginfo in Linux's encoding: differences 19, 20)"
    )
    print(
        "agree in every field that a shim can decide:"
        f" {len(asked) - len(decidable) - len(unexplained)}"
    )
    print(f"the rest, by difference: {sum(map(len, rest.values()))}")
    for numbers, cases in sorted(rest.items()):
        print(f"  {describe(rules, numbers, who)}: {len(cases)}")
        for name, text in cases:
            print(f"    {name}: {text}")
    wrong += [
        f"{rule.where}: stale: explains nothing"
        for rule in rules
        if not rule.used and not rule.who.endswith("?")
    ]
    return finish(len(asked) - len(unexplained), wrong)


def compare_same(linux_path, varies_path, answers_path):
    linux, answers = read_questions(linux_path), read_answers(answers_path)
    leave_out_refused(linux, answers)
    wrong = missing(linux, answers)
    varies = []
    with open(varies_path, encoding="ascii") as file:
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
    if len(arguments) == 5 and arguments[0] == "netbsd" and arguments[4] in ("host", "shim"):
        return compare_netbsd(*arguments[1:])
    if len(arguments) == 4 and arguments[0] == "same":
        return compare_same(*arguments[1:])
    print(__doc__, file=sys.stderr)
    return 2


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
