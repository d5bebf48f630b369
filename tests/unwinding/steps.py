# SPDX-License-Identifier: MIT OR Apache-2.0
# Copyright (c) 2026 The nbclone developers
"""For gdb: single-steps through one call, in the parent or in the child, and
unwinds at every instruction.

    SHAPE=clone WHO=parent gdb -nx -batch -x steps.py PROGRAM

The parent's backtrace has to end in main, through parent_function; the child's
before, in nothing that the parent has (linux1: as the parent's). Prints one
line: how many instructions, how many right."""

import os
import re

import gdb

LIMIT = int(os.environ.get("LIMIT", "4000"))
shape, who = os.environ["SHAPE"], os.environ["WHO"]
verbose = "VERBOSE" in os.environ


def backtrace():
    frames, frame = [], gdb.newest_frame()
    while frame is not None and len(frames) < 64:
        frames.append(frame.name() or hex(frame.pc()))
        frame = frame.older()
    return frames


def is_right(frames, in_child):
    if not in_child or shape == "linux1":
        return frames[-2:] == ["parent_function", "main"]
    # Between system call and branch the return address is 0, which gdb shows
    # as a frame before it ends.
    if frames[-1] == "0x0":
        frames = frames[:-1]
    # Ends there, and not in a frame that has no name.
    return not {"parent_function", "main"} & set(frames) and \
        not any(name.startswith("0x") for name in frames) and \
        frames[-1] in ("nbclone_arch_child", "nbclone_arch_clone", "clone", "__clone")


for command in ("set pagination off", "set confirm off", "set debuginfod enabled off",
                "set disable-randomization on", f"set follow-fork-mode {who}",
                "set detach-on-fork on", f"set args {shape}",
                "break parent_function", "run", "delete"):
    gdb.execute(command, to_string=True)
root = gdb.selected_inferior().pid
steps = right = 0
inside = False
for _ in range(LIMIT):
    gdb.execute("stepi", to_string=True)
    if not gdb.selected_inferior().pid:
        break
    name = gdb.newest_frame().name() or ""
    if "wait" in name or name == "_exit":
        break
    in_child = gdb.selected_inferior().pid != root
    # Not what is before and behind the call.
    if name not in ("parent_function", "child_func") and not re.search("strcmp|plt", name):
        steps += 1
        frames = backtrace()
        if is_right(frames, in_child):
            right += 1
        elif verbose:
            print(f"  WRONG at {gdb.newest_frame().pc():#x}: {' '.join(frames)}")
    inside = inside or in_child
if gdb.selected_inferior().pid:
    gdb.execute("kill", to_string=True)
wrong = right != steps or not steps or inside != (who == "child")
print(f"gdb {shape} {who}: {right} of {steps}" + (" WRONG" if wrong else ""))
gdb.execute(f"quit {int(wrong)}")
