# SPDX-License-Identifier: MIT OR Apache-2.0
# Copyright (c) 2026 The nbclone developers
"""Boots a kernel and an initramfs under qemu-system and reads the console.

QEMU's own exit status says nothing about what ran inside, so nothing here asks it.
"""

import os
import re
import selectors
import shutil
import subprocess
import time
from dataclasses import dataclass

from aptree import Unavailable

COMMON = ("-nographic -no-reboot -monitor none -display none -nodefaults").split()
APPEND = "panic=-1 quiet rdinit=/init"
LAST_LINE = b"# lab: done"
# Firmware clears the screen in front of the kernel's first line.
ESCAPE = re.compile(r"\x1b(\[[0-9;?]*[A-Za-z]|[^\[])")
# How long a machine that has said its last word may take to switch itself off.
GRACE = 3.0


@dataclass(frozen=True)
class Console:
    text: str
    seconds: float
    timed_out: bool


def emulator(target):
    """The emulator's command, or Unavailable with the package that has it."""
    name = f"qemu-system-{target.qemu.split()[0]}"
    if not shutil.which(name):
        raise Unavailable(f"{name} (QEMU 8 or later; packages qemu-system-*)")
    return name


def command(target, kernel, image, initramfs):
    words = target.qemu.split()[1:]
    serial = [] if "-chardev" in words else ["-serial", "stdio"]
    append = " ".join(filter(None, (f"console={target.console}", APPEND, target.append,
                                    kernel.append)))
    return [emulator(target), *words, *COMMON, *serial, "-kernel", str(image),
            "-initrd", str(initramfs), "-append", append]


def boot(words, timeout):
    """Run QEMU until the machine is off, or has said its last line, or the time is up."""
    started = time.monotonic()
    deadline = started + timeout
    output = bytearray()
    timed_out = False
    with subprocess.Popen(words, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT) as qemu:
        try:
            with selectors.DefaultSelector() as ready:
                ready.register(qemu.stdout, selectors.EVENT_READ)
                while True:
                    left = deadline - time.monotonic()
                    if left <= 0:
                        break
                    if not ready.select(left):
                        continue
                    piece = os.read(qemu.stdout.fileno(), 65536)
                    if not piece:
                        break
                    done_before = LAST_LINE in output
                    output += piece
                    if LAST_LINE in output and not done_before:
                        deadline = min(deadline, time.monotonic() + GRACE)
                timed_out = LAST_LINE not in output and time.monotonic() >= deadline
        finally:
            qemu.kill()
    text = ESCAPE.sub("", output.decode("utf-8", "replace").replace("\r", ""))
    return Console(text, time.monotonic() - started, timed_out)
