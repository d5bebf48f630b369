/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Copyright (c) 2026 The nbclone developers */
/* What the ABI of each architecture says of a stack at a function's entry. */
#ifndef MACHINE_H
#define MACHINE_H

#include "suite.h"

/* STACK_ALIGN: what compilers rely on; ABI_AREA: what has to lie above or below a frame. */
#if defined(__s390x__) || defined(__s390__)
#define STACK_ALIGN 8
#define ABI_AREA 160
#elif defined(__sparc__)
#define STACK_ALIGN 16
#define ABI_AREA 192
#elif defined(__powerpc64__)
#define STACK_ALIGN 16
#define ABI_AREA 112
#elif defined(__arm__)
#define STACK_ALIGN 8
#define ABI_AREA 0
#elif defined(__mips__) && defined(_ABIO32) && _MIPS_SIM == _ABIO32
#define STACK_ALIGN 8
#define ABI_AREA 16
#elif defined(__m68k__) || defined(__sh__)
#define STACK_ALIGN 4
#define ABI_AREA 0
#else
#define STACK_ALIGN 16
#define ABI_AREA 0
#endif

/* The child's first frame starts this near the top of its stack, or nearer. */
enum { FRAME_LIMIT = 64 + ABI_AREA };

/*
 * entry_probe() is a func that notes the stack pointer at its very first
 * instruction, in the word that its argument points to, and goes on as
 * entry_probed(). ENTRY_OFFSET is what the ABI has pushed by then.
 */
#if defined(__x86_64__)
#define ENTRY_OFFSET 8
#elif defined(__i386__)
#define ENTRY_OFFSET 4
#elif defined(__aarch64__) || defined(__riscv) || defined(__loongarch__) || \
    defined(__arm__) || defined(__s390x__)
#define ENTRY_OFFSET 0
#endif

#ifdef ENTRY_OFFSET
int entry_probe(void *arg);
#endif
int entry_probed(void *arg) __attribute__((visibility("hidden")));

/* Reads the stack pointer. */
#if defined(__x86_64__) && defined(__LP64__)
#define STACK_POINTER(sp) __asm__ volatile("mov %%rsp, %0" : "=r"(sp))
#elif defined(__i386__) || defined(__x86_64__)
#define STACK_POINTER(sp) __asm__ volatile("mov %%esp, %0" : "=r"(sp))
#elif defined(__aarch64__) || defined(__arm__)
#define STACK_POINTER(sp) __asm__ volatile("mov %0, sp" : "=r"(sp))
#elif defined(__riscv)
#define STACK_POINTER(sp) __asm__ volatile("mv %0, sp" : "=r"(sp))
#elif defined(__powerpc__)
#define STACK_POINTER(sp) __asm__ volatile("mr %0, 1" : "=r"(sp))
#elif defined(__s390x__)
#define STACK_POINTER(sp) __asm__ volatile("lgr %0, %%r15" : "=r"(sp))
#elif defined(__mips__) || defined(__loongarch__)
#define STACK_POINTER(sp) __asm__ volatile("move %0, $sp" : "=r"(sp))
#elif defined(__sparc__)
#define STACK_POINTER(sp) __asm__ volatile("mov %%sp, %0" : "=r"(sp))
#elif defined(__m68k__)
#define STACK_POINTER(sp) __asm__ volatile("move.l %%sp, %0" : "=r"(sp))
#endif

/* The call made with a value of ours in every callee-saved register. */
#if defined(__x86_64__) || defined(__i386__) || defined(__aarch64__) || \
    (defined(__riscv) && __riscv_xlen == 64)
#define HAVE_REGISTERS_CALL 1
#ifdef __x86_64__
typedef uint64_t slot; /* pointers have 32 bits in x32 */
#else
typedef uintptr_t slot;
#endif
enum { MAX_SAVED = 24 };
struct registers {
	slot func, stack, flags, arg, clone;
	slot result, after[MAX_SAVED];
};
void registers_call(struct registers *registers);
extern const char *const register_names[];
extern const slot register_values[];
#endif

#endif
