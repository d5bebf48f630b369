"""Specifications of targets that rustc can compile for but has no name for."""

import json

from aptree import cache_dir, run


def resolve(rust, rustc):
    """(what --target takes, the target's name, whether rustc's own libraries exist for it)."""
    base, _, change = rust.partition("=")
    if not change:
        return rust, rust, True
    key, _, value = change.partition(":")
    if (key, value) != ("llvm-abiname", "n32"):
        raise ValueError(f"no such specification: {rust}")
    spec = json.loads(run([rustc, "-Zunstable-options", "--print", "target-spec-json", "--target",
                           base], env=_bootstrap()))
    spec["llvm-abiname"] = "n32"
    spec["llvm-target"] = spec["llvm-target"].replace("abi64", "abin32")
    spec["target-pointer-width"] = 32 if isinstance(spec["target-pointer-width"], int) else "32"
    spec["max-atomic-width"] = 64
    # n32's layout is n64's but for 32-bit pointers.
    order = spec["data-layout"][0]
    spec["data-layout"] = f"{order}-m:e-p:32:32-i8:8:32-i16:16:32-i64:64-i128:128-n32:64-S128"
    name = base.replace("abi64", "abin32")
    spec.setdefault("metadata", {})
    where = cache_dir() / "rustspec" / f"{name}.json"
    where.parent.mkdir(parents=True, exist_ok=True)
    text = json.dumps(spec, indent=2, sort_keys=True)
    if not where.exists() or where.read_text() != text:
        where.write_text(text)
    return str(where), name, False


def _bootstrap():
    import os
    return dict(os.environ, RUSTC_BOOTSTRAP="1")
