# SPDX-License-Identifier: MIT OR Apache-2.0
# Copyright (c) 2026 The nbclone developers
"""Kernel images: from Debian's packages, or built; kept in the cache."""

import gzip
import json
import re
import shutil
import struct
import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path

import kernelbuild
from aptree import Unavailable, cache_dir, extract, foreign, locked


@dataclass(frozen=True)
class Image:
    path: Path
    source: str  # package and version it came from


def image(target, kernel, refresh=False):
    """The kernel image for a target, fetched or built if the cache hasn't got it."""
    if kernel.build:
        return Image(*kernelbuild.image(target, kernel))
    where = cache_dir() / "kernels" / f"{target.name}-{kernel.label}"
    note = where / "kernel.json"
    with locked(where):
        if refresh or not note.exists():
            try:
                _fetch(target, kernel, where, note)
            except Unavailable as error:
                raise Unavailable(f"package {kernel.package} of {kernel.suite}: {error}") from error
        known = json.loads(note.read_text())
    return Image(where / known["file"], known["source"])


def _fetch(target, kernel, where, note):
    tree = foreign(kernel.suite, target.debian)
    with locked(tree.root):
        tree.update()
        package, version = _resolve(tree, kernel.package)
        archive = tree.download(package)
        shutil.rmtree(where, ignore_errors=True)
        where.mkdir(parents=True)
        with tempfile.TemporaryDirectory(dir=where) as unpacked:
            extract(archive, _is_kernel, unpacked)
            archive.unlink()
            found = [path for path in Path(unpacked).rglob("*") if path.is_file()]
            if len(found) != 1:
                raise Unavailable(f"{package}: {len(found)} kernel images in the package")
            name = re.sub(r"[^\w.+-]", "_", found[0].name)
            (where / name).write_bytes(unpack_zboot(found[0].read_bytes()))
    note.write_text(json.dumps({"file": name, "source": f"{package} {version}"}))


def _is_kernel(path):
    return bool(re.fullmatch(r"boot/vmlinu[xz]-[^/]+|usr/lib/modules/[^/]+/vmlinu[xz]", path))


def _resolve(tree, package):
    """Follow a metapackage to the package that holds the kernel itself.

    linux-image-ARCH depends on linux-image-RELEASE; newer releases split that once
    more, into linux-binary-RELEASE and the modules.
    """
    for pattern in (r"linux-(image|binary)-\d.*", r"linux-binary-\d.*"):
        if not tree.field(package, "Version"):
            raise Unavailable(f"{package}: not in {tree.root.name}")
        package = next((name for name, _ in tree.depends(package)
                        if re.fullmatch(pattern, name)), package)
    return package, tree.field(package, "Version")


def unpack_zboot(data):
    """The payload of an EFI zboot image, which only firmware unpacks; else the data itself."""
    if data[4:8] != b"zimg":
        return data
    start, size = struct.unpack_from("<II", data, 8)
    method = data[24:56].split(b"\0")[0].decode()
    payload = data[start:start + size]
    if method == "gzip":
        return gzip.decompress(payload)
    if method.startswith("zstd"):
        # The payload has the size of its content behind its last frame: zstd says so
        # and fails, after it wrote everything; the size is checked instead.
        done = subprocess.run(["zstd", "-dcq"], input=payload, capture_output=True, check=False)
        if not done.stdout:
            raise Unavailable(f"zstd: {done.stderr.decode().strip()} (package zstd)")
        return done.stdout
    raise Unavailable(f"zboot image compressed with {method}")
