# SPDX-License-Identifier: MIT OR Apache-2.0
# Copyright (c) 2026 The nbclone developers
"""The lab's one table: what is built, how, and on which kernel and machine it runs.

A target is an ABI of an architecture. One that names kernels is a machine of its
own; one without runs as a companion on the kernels of another target. Adding an
architecture is adding a line here.
"""

from dataclasses import dataclass


@dataclass(frozen=True)
class Kernel:
    """A kernel: out of a Debian package, or built from Debian's kernel source."""

    label: str  # how --kernel names it
    suite: str  # the Debian suite that holds the package
    package: str  # the metapackage that depends on the kernel, or the source package
    companions: tuple = ()  # names of other targets whose programs this kernel runs
    append: str = ""  # words added to the kernel's command line
    build: "KernelBuild | None" = None


@dataclass(frozen=True)
class KernelBuild:
    """How a kernel is built that nobody packages."""

    arch: str  # the kernel's own name for the architecture (ARCH=)
    options: str  # configuration options beyond the common ones
    base: str = "tinyconfig"
    image: str = "vmlinux"


@dataclass(frozen=True)
class Target:
    name: str
    abi: str
    rust: str  # Rust's target, or one that rustspec.py derives
    gcc: str  # prefix of the cross tools
    packages: tuple  # Debian packages of the cross compiler and its libc
    cflags: str = ""
    rustflags: str = ""
    debian: str = ""  # Debian's name of the architecture, where the kernel's package is
    kernels: tuple = ()
    qemu: str = ""
    console: str = ""
    append: str = ""
    dynamic: bool = False  # also run the shared library, preloaded

    @property
    def self_built(self):
        """True where every kernel has to be built: these run with --all only."""
        return bool(self.kernels) and all(k.build for k in self.kernels)


def _cross(triplet, debian, *more):
    return (f"gcc-{triplet}", f"libc6-dev-{debian}-cross", *more)


def _built(arch, options, companions=(), **more):
    return (Kernel("6.1", "bookworm", "linux-source-6.1", companions,
                   build=KernelBuild(arch, options, **more)),)


TARGETS = (
    Target("amd64", "LP64", "x86_64-unknown-linux-gnu", "x86_64-linux-gnu", ("gcc", "libc6-dev"),
           debian="amd64", console="ttyS0", qemu="x86_64 -M q35 -cpu max -m 256",
           kernels=(Kernel("5.10", "bullseye", "linux-image-cloud-amd64"),
                    Kernel("6.1", "bookworm", "linux-image-amd64", ("i386", "x32"), "syscall.x32=y"),
                    Kernel("6.12", "trixie", "linux-image-cloud-amd64"),
                    Kernel("newest", "sid", "linux-image-cloud-amd64"))),
    Target("x32", "ILP32", "x86_64-unknown-linux-gnux32", "x86_64-linux-gnux32",
           _cross("x86-64-linux-gnux32", "x32")),
    Target("i386", "ILP32", "i686-unknown-linux-gnu", "i686-linux-gnu",
           _cross("i686-linux-gnu", "i386"), debian="i386", console="ttyS0",
           qemu="i386 -M q35 -cpu max -m 256", dynamic=True,
           kernels=(Kernel("6.1", "bookworm", "linux-image-686"),)),
    Target("arm64", "LP64", "aarch64-unknown-linux-gnu", "aarch64-linux-gnu",
           _cross("aarch64-linux-gnu", "arm64"), debian="arm64", console="ttyAMA0",
           qemu="aarch64 -M virt -cpu max -m 256", dynamic=True,
           kernels=(Kernel("6.1", "bookworm", "linux-image-cloud-arm64", ("armhf", "armel")),
                    Kernel("newest", "sid", "linux-image-cloud-arm64"))),  # it has SME
    Target("armhf", "EABI hard-float", "armv7-unknown-linux-gnueabihf", "arm-linux-gnueabihf",
           _cross("arm-linux-gnueabihf", "armhf"), debian="armhf", console="ttyAMA0",
           qemu="arm -M virt -cpu cortex-a15 -m 256",
           kernels=(Kernel("6.1", "bookworm", "linux-image-armmp"),)),
    Target("armel", "EABI soft-float", "armv5te-unknown-linux-gnueabi", "arm-linux-gnueabi",
           _cross("arm-linux-gnueabi", "armel")),
    Target("riscv64", "LP64D", "riscv64gc-unknown-linux-gnu", "riscv64-linux-gnu",
           _cross("riscv64-linux-gnu", "riscv64"), debian="riscv64", console="ttyS0",
           qemu="riscv64 -M virt -m 256", dynamic=True,
           kernels=(Kernel("6.12", "trixie", "linux-image-riscv64"),)),
    Target("ppc64el", "ELFv2", "powerpc64le-unknown-linux-gnu", "powerpc64le-linux-gnu",
           _cross("powerpc64le-linux-gnu", "ppc64el"), debian="ppc64el", console="hvc0",
           qemu="ppc64 -M pseries -cpu power9 -m 1024 -vga none",
           kernels=(Kernel("6.1", "bookworm", "linux-image-powerpc64le"),)),
    Target("s390x", "LP64", "s390x-unknown-linux-gnu", "s390x-linux-gnu",
           _cross("s390x-linux-gnu", "s390x"), debian="s390x", console="ttysclp0", dynamic=True,
           qemu="s390x -M s390-ccw-virtio -cpu max -m 512 "
                "-chardev stdio,id=c0 -device sclpconsole,chardev=c0",
           kernels=(Kernel("6.1", "bookworm", "linux-image-s390x"),)),
    Target("mips64el", "n64", "mips64el-unknown-linux-gnuabi64", "mips64el-linux-gnuabi64",
           _cross("mips64el-linux-gnuabi64", "mips64el"), debian="mips64el", console="ttyS0",
           qemu="mips64el -M malta -cpu MIPS64R2-generic -m 512",
           kernels=(Kernel("6.1", "bookworm", "linux-image-5kc-malta", ("mipsn32el", "mipsel")),)),
    Target("mipsn32el", "n32", "mips64el-unknown-linux-gnuabin32", "mips64el-linux-gnuabi64",
           _cross("mips64el-linux-gnuabi64", "mipsn32-mips64el", "libn32gcc-12-dev-mips64el-cross"),
           "-mabi=n32"),
    Target("mipsel", "o32", "mipsel-unknown-linux-gnu", "mipsel-linux-gnu",
           _cross("mipsel-linux-gnu", "mipsel"), debian="mipsel", console="ttyS0",
           qemu="mipsel -M malta -cpu 24Kf -m 512",
           kernels=(Kernel("6.1", "bookworm", "linux-image-4kc-malta"),)),
    Target("loong64", "LP64D", "loongarch64-unknown-linux-gnu", "loongarch64-linux-gnu",
           _cross("loongarch64-linux-gnu", "loong64"), debian="loong64", console="ttyS0",
           qemu="loongarch64 -M virt -cpu la464 -m 1024", append="initcall_blacklist=i8042_init",
           kernels=(Kernel("newest", "sid", "linux-image-loong64"),)),
    Target("ppc64", "ELFv1", "powerpc64-unknown-linux-gnu", "powerpc64-linux-gnu",
           _cross("powerpc64-linux-gnu", "ppc64"), console="hvc0",
           qemu="ppc64 -M pseries -m 512 -vga none",
           kernels=_built("powerpc", "PPC64 PPC_PSERIES ALTIVEC HVC_CONSOLE PPC_OF_BOOT_TRAMPOLINE "
                          "COMPAT COMPAT_32BIT_TIME",
                          ("powerpc",))),
    Target("powerpc", "SysV 32-bit", "powerpc-unknown-linux-gnu", "powerpc-linux-gnu",
           _cross("powerpc-linux-gnu", "powerpc")),
    Target("mips64", "n64", "mips64-unknown-linux-gnuabi64", "mips64-linux-gnuabi64",
           _cross("mips64-linux-gnuabi64", "mips64"), console="ttyS0",
           qemu="mips64 -M malta -cpu MIPS64R2-generic -m 512",
           kernels=_built("mips", "64BIT MIPS_MALTA CPU_BIG_ENDIAN CPU_MIPS64_R2 MIPS_FP_SUPPORT "
                          "SERIAL_8250 SERIAL_8250_CONSOLE MIPS32_O32 MIPS32_N32 COMPAT_32BIT_TIME PCI "
                          "POWER_RESET POWER_RESET_PIIX4_POWEROFF", ("mipsn32", "mips"))),
    Target("mipsn32", "n32", "mips64-unknown-linux-gnuabin32", "mips64-linux-gnuabi64",
           _cross("mips64-linux-gnuabi64", "mipsn32-mips64", "libn32gcc-12-dev-mips64-cross"),
           "-mabi=n32"),
    Target("mips", "o32", "mips-unknown-linux-gnu", "mips-linux-gnu",
           _cross("mips-linux-gnu", "mips")),
    # Position-independent, rustc's code reaches only 32 KB around itself, and a call of libc
    # in a static program is farther ("relocation truncated to fit").
    # LLVM 22's code for m68k has three faults. It puts moves of a loop's or a branch's values
    # between a comparison and its branch, which then goes by the moved value: with both
    # -phi-elim arguments these moves get blocks of their own, and without the pass machine-cse
    # one is left, in what is done for a trace. It loses the index into an array on the stack:
    # src/host/buffer.rs. A division of 32 bits overwrites d0, so that the numbers in a trace
    # (NBCLONE_TRACE) are wrong. At opt-level=0 it crashes.
    Target("m68k", "SysV", "m68k-unknown-linux-gnu", "m68k-linux-gnu",
           _cross("m68k-linux-gnu", "m68k"), console="ttyGF0", qemu="m68k -M virt -m 256",
           rustflags="-Crelocation-model=static -Ccode-model=large -Copt-level=z "
                     "-Cllvm-args=-phi-elim-split-all-critical-edges "
                     "-Cllvm-args=-no-phi-elim-live-out-early-exit "
                     "-Cllvm-args=-disable-machine-cse",
           kernels=_built("m68k", "GOLDFISH_TTY", base="virt_defconfig")),
    Target("sparc64", "LP64", "sparc64-unknown-linux-gnu", "sparc64-linux-gnu",
           _cross("sparc64-linux-gnu", "sparc64"), console="ttyS0", qemu="sparc64 -M sun4u -m 512",
           kernels=_built("sparc", "64BIT SPARC64 SERIAL_SUNSU SERIAL_SUNSU_CONSOLE PCI")),
)

BY_NAME = {target.name: target for target in TARGETS}
MACHINES = tuple(target for target in TARGETS if target.kernels)

# A cross compiler that the machine's own release doesn't have is unpacked from this suite.
TOOLCHAIN_SUITE = {"loongarch64-linux-gnu": "trixie"}

# What the lab needs on the machine besides the cross compilers.
RUST_PACKAGES = ("rustc-web", "rust-web-src")
TOOL_PACKAGES = ("bc", "bison", "flex", "make", "patchelf", "xz-utils", "zstd")
QEMU_PACKAGES = tuple(f"qemu-system-{part}"
                      for part in ("arm", "mips", "misc", "ppc", "riscv", "s390x", "sparc", "x86"))
