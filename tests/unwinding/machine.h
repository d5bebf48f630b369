/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Copyright (c) 2026 The nbclone developers */
/*
 * machine.h - what the unwinding tests know about a machine: the shortest
 * instruction that traps, and where a signal's context keeps the program
 * counter.
 */
#ifndef MACHINE_H
#define MACHINE_H

#include <stdint.h>
#include <ucontext.h>

#if defined(__x86_64__) || defined(__i386__)
# define TRAP		"int3"
# ifdef __x86_64__
#  define PC(context)	((context)->uc_mcontext.gregs[REG_RIP])
# else
#  define PC(context)	((context)->uc_mcontext.gregs[REG_EIP])
# endif
#elif defined(__aarch64__)
# define TRAP		"brk #0"
# define PC(context)	((context)->uc_mcontext.pc)
#elif defined(__riscv)
/* Two bytes: a compressed instruction may be the one that is replaced. */
# define TRAP		".option push\n.option arch, +c\nc.ebreak\n.option pop"
# define PC(context)	((context)->uc_mcontext.__gregs[REG_PC])
#elif defined(__s390x__)
/* What the kernel knows as the breakpoint: SIGTRAP if traced, else SIGILL. It
 * is reported behind the trap, and libgcc counts on that for a SIGILL. */
# define TRAP		".short 1"
# define UNWIND_BEHIND	1
# define PC(context)	((context)->uc_mcontext.psw.addr)
#elif defined(__powerpc64__)
# define TRAP		"trap"
# define PC(context)	((context)->uc_mcontext.gp_regs[32])
#elif defined(__loongarch__)
# define TRAP		"break 0"
# define PC(context)	((context)->uc_mcontext.__pc)
#elif defined(__mips__)
# define TRAP		"break 0"
# define PC(context)	((context)->uc_mcontext.pc)
/* libgcc gives a signal's frame an address inside the instruction. */
# define UNWIND_PAST	2
#else
# error "machine.h: no trap instruction is known for this machine"
#endif

/* Global: aarch64's linker gives two local names one place in the GOT. */
extern const unsigned char trap_start[], trap_end[]
    __attribute__((visibility("hidden")));
__asm__(".pushsection .rodata\n"
	".globl trap_start, trap_end\n"
	".hidden trap_start, trap_end\n"
	"trap_start:\n" TRAP "\n"
	"trap_end:\n"
	".popsection\n");
#define TRAP_LENGTH	((size_t)(trap_end - trap_start))
#define LONGEST_TRAP	8

#ifndef UNWIND_BEHIND
# define UNWIND_BEHIND	0
#endif
/* How far behind the trap the unwinder's first address is. */
#ifndef UNWIND_PAST
# define UNWIND_PAST	(UNWIND_BEHIND ? TRAP_LENGTH : 0)
#endif

/* Some machines report a trap behind it. Takes the counter back there, so
 * that the context is that of the instruction which the trap stands for. */
static inline void
go_back(ucontext_t *context, uintptr_t armed)
{
	if ((uintptr_t)PC(context) == armed + TRAP_LENGTH)
		PC(context) = armed;
}

#endif /* MACHINE_H */
