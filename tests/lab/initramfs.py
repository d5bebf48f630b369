# SPDX-License-Identifier: MIT OR Apache-2.0
# Copyright (c) 2026 The nbclone developers
"""Writes an initramfs ("newc" cpio), device nodes included, without being root."""

import stat

DEVICES = {"console": (5, 1), "tty": (5, 0), "null": (1, 3), "zero": (1, 5), "full": (1, 7),
           "random": (1, 8), "urandom": (1, 9), "ptmx": (5, 2)}
DIRECTORIES = {"dev": 0o755, "dev/shm": 0o1777, "etc": 0o755, "proc": 0o755, "sys": 0o755,
               "tmp": 0o1777, "root": 0o700, "bin": 0o755, "tests": 0o755}
# Users by number are enough for the kernel; a name for the unprivileged one is courtesy.
PASSWD = "root:x:0:0:root:/root:/bin/false\nnobody:x:65534:65534:nobody:/:/bin/false\n"


class Archive:
    def __init__(self):
        self._parts = []
        self._inode = 0
        self._directories = set()

    def _entry(self, name, mode, content=b"", device=(0, 0)):
        self._inode += 1
        links = 2 if stat.S_ISDIR(mode) else 1
        encoded = name.encode() + b"\0"
        fields = (self._inode, mode, 0, 0, links, 0, len(content), 0, 0, *device, len(encoded), 0)
        header = b"070701" + b"".join(b"%08X" % field for field in fields) + encoded
        self._parts += [header, b"\0" * (-len(header) % 4), content, b"\0" * (-len(content) % 4)]

    def directory(self, name, mode=0o755):
        parent = name.rpartition("/")[0]
        if parent and parent not in self._directories:
            self.directory(parent)
        if name not in self._directories:
            self._directories.add(name)
            self._entry(name, stat.S_IFDIR | mode)

    def file(self, name, content, mode=0o755):
        self.directory(name.rpartition("/")[0] or "etc")
        self._entry(name, stat.S_IFREG | mode, content)

    def device(self, name, major, minor):
        self._entry(name, stat.S_IFCHR | 0o666, device=(major, minor))

    def finish(self):
        """The archive's bytes; the kernel wants the trailer and likes whole blocks."""
        self._inode = -1
        self._entry("TRAILER!!!", 0)
        data = b"".join(self._parts)
        return data + b"\0" * (-len(data) % 512)


def build(init, commands, files):
    """An initramfs that runs these commands; files: path inside to bytes."""
    archive = Archive()
    for name, mode in DIRECTORIES.items():
        archive.directory(name, mode)
    for name, numbers in DEVICES.items():
        archive.device(f"dev/{name}", *numbers)
    archive.file("init", init)
    archive.file("etc/passwd", PASSWD.encode(), 0o644)
    archive.file("etc/lab", "".join(f"{command}\n" for command in commands).encode(), 0o644)
    for name, content in files.items():
        archive.file(name.lstrip("/"), content)
    return archive.finish()
