# SPDX-License-Identifier: MIT OR Apache-2.0
# Copyright (c) 2026 The nbclone developers
"""Every instruction of clone's code, from objdump -d on stdin: its address and
its place in a function, one a line, padded to the size of `places` in
everywhere.c. A name that starts with ! has to be reached under policy strict, one
that starts with ? under policy host."""

import re
import sys

SIZE = 1 << 19
# The shim's, and what its peers have: glibc's assembly is `__clone`; musl's C
# is `clone` and its assembly `__clone`.
WANTED = re.compile(r"clone|__clone|linux1_clone|nbclone_.*|_.*7nbclone\d.*")
# What the usual call goes past.
BY_HOST = re.compile(r"nbclone_arch_(launch|launched|child_start|host_arguments)")
REQUIRED = re.compile(r"clone|__clone|linux1_clone|nbclone_arch_(?!at_load).*")
# Behind the last exit, between functions, and for shadow stacks.
NEVER_RUN = {"int3", "incsspq", "ud2", "udf", "trap", "hlt", "unimp", "nop", "nopw", "nopl", "data16",
             "cs", "xchg", "illtrap", "break", "brk", ".short", ".long", ".word", "bcr", "nopr"}

# On MIPS a signal in a branch's delay slot comes at the branch: no place of its own.
BRANCH = re.compile(r"(?!break)[bj].*")

text = []
function = None
has_delay_slots = in_delay_slot = False
for line in sys.stdin:
    if "file format" in line:
        has_delay_slots = "mips" in line
    elif head := re.match(r"([0-9a-f]+) <(.*)>:", line):
        start, function = int(head[1], 16), head[2]
    elif function and WANTED.fullmatch(function):
        if not (found := re.match(r"\s*([0-9a-f]+):\t[0-9a-f ]+\t(\S+)", line)):
            continue
        address, instruction = int(found[1], 16), found[2]
        skipped = in_delay_slot or instruction in NEVER_RUN
        in_delay_slot = has_delay_slots and BRANCH.fullmatch(instruction) is not None
        if skipped:
            continue
        mark = "?" if BY_HOST.fullmatch(function) else "!" if REQUIRED.fullmatch(function) else ""
        text.append(f"{address:x} {mark}{function}+{address - start:#x}\n")

data = "".join(text).encode()
assert text and len(data) < SIZE, f"{len(data)} bytes of places"
sys.stdout.buffer.write(data.ljust(SIZE, b"\0"))
