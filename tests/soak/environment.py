# SPDX-License-Identifier: MIT OR Apache-2.0
# Copyright (c) 2026 The nbclone developers
"""NBCLONE_* with anything in it: the policy that is in force then is told by an
oracle of its own, and the program of random calls checks it.

    environment.py RANDOM SEED ROUNDS

Exactly "strict", "netbsd" and "host" name a policy; nothing, or the empty
value, is strict; all else is strict and said once on stderr. NBCLONE_TRACE is a
descriptor in decimal or an absolute path that the kernel would take; nothing or
the empty value is no trace; all else is no trace, and said once. Neither
changes what any call does. A file gets a line for each call."""

import os
import random
import re
import subprocess
import sys
import tempfile

program, seed, rounds = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
chance = random.Random(seed)
KNOWN = [b"strict", b"netbsd", b"host"]
LONGEST = 100 * 1024        # the kernel takes 128 KiB a string
PATH_MAX = 4096


def bytes_of(length):
    return bytes(chance.randrange(1, 256) for _ in range(length))


def value():
    kind = chance.randrange(8)
    if kind < 3:
        return KNOWN[kind]
    word = chance.choice(KNOWN)
    return [None, b"", word + chance.choice([b" ", b"\n", b"x", word]),
            word[:chance.randrange(1, len(word))],
            chance.choice([word.upper(), b" " + word, bytes_of(chance.randrange(1, 60)),
                           b"A" * LONGEST, bytes_of(LONGEST // 8) * 8])][kind - 3]


def trace_value(file):
    kind = chance.randrange(8)
    if kind < 2:
        return file
    return [None, b"", b"%d" % chance.choice([3, 99, 2**31 - 1]),
            chance.choice([b"/nowhere/at/all", b"/", b"/dev/full", b"/" * 4095]),
            b"%d" % chance.choice([2**31, 10**30]),
            chance.choice([b" 2", b"2 ", b"-1", b"+2", b"0x2", b"trace", b"./trace", b"/" * 4096,
                           b"/" + b"A" * LONGEST, b"9" * LONGEST,
                           bytes(chance.randrange(128, 256) for _ in range(LONGEST))])][kind - 2]


def trace_is_understood(value):
    if value.startswith(b"/"):
        return len(value) < PATH_MAX
    return re.fullmatch(rb"[0-9]+", value) is not None and int(value[:30]) < 2**31


def lines_wanted(output, policy):
    """A line a call; under host, where the kernel is asked for the same, fewer."""
    made, refused = map(int, re.search(rb"(\d+) made, (\d+) refused", output).groups())
    return range(1 if policy == b"host" else made + refused, made + refused + 1)


scratch = tempfile.NamedTemporaryFile()
traced = 0
wrong = 0
for turn in range(rounds):
    environment = {b"LD_LIBRARY_PATH": os.environ["LD_LIBRARY_PATH"].encode()}
    policy = value()
    if policy is not None:
        environment[b"NBCLONE_POLICY"] = policy
    trace = trace_value(scratch.name.encode())
    if trace is not None:
        environment[b"NBCLONE_TRACE"] = trace
    scratch.truncate(0)
    # Names that are close, and bulk: up to 1.5 MB of it.
    for name in (b"NBCLONE_POLICIES", b"NBCLONE_", b"NBCLONE_POLIC", b"nbclone_policy"):
        environment[name] = chance.choice(KNOWN)
    for number in range(chance.randrange(15) if turn % 4 == 0 else 0):
        environment[b"NBCLONE_X%d" % number] = b"B" * LONGEST
    expected = policy if policy in KNOWN else b"strict"
    result = subprocess.run([program, expected.decode(), str(seed + turn), "60"],
                            env=environment, stdin=subprocess.DEVNULL, capture_output=True,
                            timeout=60)
    said = [result.stderr.count(name) for name in (b"NBCLONE_POLICY", b"NBCLONE_TRACE")]
    should_say = [policy not in (None, b"", *KNOWN),
                  trace not in (None, b"") and not trace_is_understood(trace)]
    lines = len(open(scratch.name, "rb").readlines())
    traced += lines
    is_right = result.returncode == 0 and said == should_say
    if is_right and trace == scratch.name.encode():
        is_right = lines in lines_wanted(result.stdout, expected)
    if not is_right:
        wrong += 1
        print(f"WRONG: NBCLONE_POLICY={(policy or b'')[:40]!r} "
              f"NBCLONE_TRACE={(trace or b'')[:40]!r}: said {said} times, {lines} lines; "
              f"{result.stdout[-200:]!r} {result.stderr[-300:]!r}")
print(f"{rounds} environments, {traced} lines of trace, {wrong} wrong")
sys.exit(wrong != 0 or not traced)
