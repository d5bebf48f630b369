# SPDX-License-Identifier: MIT OR Apache-2.0
# Copyright (c) 2026 The nbclone developers
"""Kernels that nobody packages, built from Debian's kernel source with the cross gcc."""

import hashlib
import os
import shutil
import tarfile
from pathlib import Path

from aptree import Unavailable, cache_dir, extract, foreign, locked, run

# What any of the kernels needs to run the suite as init of an initramfs.
COMMON = """
BLK_DEV_INITRD BINFMT_ELF BINFMT_SCRIPT TTY PRINTK BUG KALLSYMS ELF_CORE COREDUMP MULTIUSER
PROC_FS PROC_SYSCTL SYSFS TMPFS SHMEM DEVTMPFS FILE_LOCKING FUTEX EPOLL SIGNALFD TIMERFD EVENTFD
POSIX_TIMERS AIO ADVISE_SYSCALLS MEMBARRIER KCMP CHECKPOINT_RESTORE FHANDLE
SYSVIPC POSIX_MQUEUE NAMESPACES UTS_NS IPC_NS PID_NS USER_NS NET_NS TIME_NS
NET UNIX INET SECCOMP SECCOMP_FILTER HIGH_RES_TIMERS UNIX98_PTYS
""".split()


def image(target, kernel):
    """(path, where it came from); built unless the cache has this configuration."""
    build = kernel.build
    options = sorted(set(COMMON) | set(build.options.split()))
    key = hashlib.sha256(repr((build, options)).encode()).hexdigest()[:12]
    where = cache_dir() / "kernels" / f"{target.name}-{kernel.label}-{key}"
    with locked(where):
        if not (where / "source").exists():
            _build(target, kernel, options, where)
        return where / Path(build.image).name, (where / "source").read_text()


def _build(target, kernel, options, where):
    build = kernel.build
    source, version = _source(kernel)
    out = cache_dir() / "kernels" / f"build-{target.name}"
    shutil.rmtree(out, ignore_errors=True)
    out.mkdir(parents=True)
    make = ["make", "-s", "-C", source, f"O={out}", f"ARCH={build.arch}",
            f"CROSS_COMPILE={target.gcc}-", f"-j{os.cpu_count() or 1}", "KBUILD_BUILD_USER=lab",
            "KBUILD_BUILD_HOST=lab"]
    if not shutil.which(f"{target.gcc}-gcc"):
        raise Unavailable(f"{target.gcc}-gcc (package {target.packages[0]})")
    run([*make, build.base])
    with open(out / ".config", "a") as config:
        config.writelines(f"CONFIG_{option}=y\n" for option in options)
    run([*make, "olddefconfig"])
    # An option that another forbids vanishes without a word.
    kept = (out / ".config").read_text().splitlines()
    lost = [option for option in build.options.split() if f"CONFIG_{option}=y" not in kept]
    if lost:
        raise Unavailable(f"kernel for {target.name}: no such options: {' '.join(lost)}")
    log_path = where.parent / f"{where.name}.log"
    with open(log_path, "w") as log:
        try:
            run([*make, Path(build.image).name], stdout=log)
        except Unavailable as error:
            raise Unavailable(f"kernel for {target.name}: see {log_path}") from error
    where.mkdir(parents=True, exist_ok=True)
    run([f"{target.gcc}-strip", "-o", where / Path(build.image).name, out / build.image])
    shutil.copy(out / ".config", where / "config")
    shutil.rmtree(out)
    (where / "source").write_text(f"{kernel.package} {version}")


def _source(kernel):
    """The unpacked kernel source and its package's version."""
    where = cache_dir() / "kernels" / kernel.package
    tree = foreign(kernel.suite, "amd64")  # the package is architecture-independent
    with locked(where):
        if not (where / "version").exists():
            with locked(tree.root):
                tree.update()
                version = tree.field(kernel.package, "Version")
                archive = tree.download(kernel.package)
            shutil.rmtree(where, ignore_errors=True)
            extract(archive, lambda path: path.startswith("usr/src/linux-source"), where)
            archive.unlink()
            packed = next((where / "usr/src").glob("linux-source-*.tar.*"), None)
            if not packed:
                raise Unavailable(f"{kernel.package}: no source in the package")
            with tarfile.open(packed) as source:
                source.extractall(where, filter="fully_trusted")
            shutil.rmtree(where / "usr")
            (where / "version").write_text(version)
        found = next(path for path in where.glob("linux-source-*") if path.is_dir())
        return found, (where / "version").read_text()
