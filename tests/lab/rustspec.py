# SPDX-License-Identifier: MIT OR Apache-2.0
# Copyright (c) 2026 The nbclone developers
"""Targets that rustc compiles for but has no name of: MIPS's n32."""

import json
import os

from aptree import cache_dir, run

# n32 is n64's instruction set and registers with 32-bit pointers.
_N32_LAYOUT = "m:e-p:32:32-i8:8:32-i16:16:32-i64:64-i128:128-n32:64-S128"


def resolve(rust, rustc):
    """What cargo's --target takes: the name, or the path of a specification file."""
    if not rust.endswith("abin32"):
        return rust
    base = rust.removesuffix("abin32") + "abi64"
    spec = json.loads(run([rustc, "-Zunstable-options", "--print", "target-spec-json",
                           "--target", base], env=dict(os.environ, RUSTC_BOOTSTRAP="1")))
    spec.pop("abi", None)  # rustc refuses n32 together with n64's own mark
    byte_order = spec["data-layout"][0]
    # The type that rustc writes is the one it reads; it was a string once.
    width = type(spec["target-pointer-width"])(32)
    spec |= {"llvm-abiname": "n32", "llvm-target": rust, "target-pointer-width": width,
             "data-layout": f"{byte_order}-{_N32_LAYOUT}"}
    where = cache_dir() / "rustspec" / f"{rust}.json"
    where.parent.mkdir(parents=True, exist_ok=True)
    text = json.dumps(spec, indent=2, sort_keys=True) + "\n"
    # Left alone if it's the same: its date is what cargo goes by.
    if not where.exists() or where.read_text() != text:
        where.write_text(text)
    return str(where)
