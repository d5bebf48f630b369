/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Copyright (c) 2026 The nbclone developers */
/*
 * AArch64's SME: a caller may leave its matrix dormant, switched on, with a note
 * (TPIDR2_EL0) of where whoever needs it next saves it. A child that began so
 * would save it there too. By AAPCS64 the callee saves it: so does clone, as any
 * function without ZA of its own.
 */
#include "suite.h"

#if defined(__aarch64__) && defined(__linux__)
#include <sys/auxv.h>

enum { LONGEST_VECTOR = 256, HAS_SME = 1 << 23, MATRIX_ON = 2 };

/* Assemblers know the names only if they are told of the extension. */
#define SVCR "s3_3_c4_c2_2"
#define TPIDR2 "s3_3_c13_c0_5"
#define SMSTART_ZA ".inst 0xd503457f"
#define SMSTOP_ZA ".inst 0xd503447f"
#define LDR_ZA_W15_X16 ".inst 0xe1006200" /* ldr za[w15, 0], [x16] */
#define RDSVL_X0 ".inst 0x04bf5820"       /* rdsvl x0, #1 */

static struct {
	void *buffer;
	uint16_t slices;
	uint16_t reserved[3];
} note __attribute__((aligned(16)));

static unsigned char content[LONGEST_VECTOR * LONGEST_VECTOR];
static unsigned char saved[sizeof content];

static unsigned long state(void)
{
	unsigned long value;

	__asm__ volatile("mrs %0, " SVCR : "=r"(value));
	return value;
}

static unsigned long noted(void)
{
	unsigned long value;

	__asm__ volatile("mrs %0, " TPIDR2 : "=r"(value));
	return value;
}

static size_t vector_length(void)
{
	register size_t bytes __asm__("x0");

	__asm__ volatile(RDSVL_X0 : "=r"(bytes));
	return bytes;
}

static void load_row(size_t row, size_t bytes)
{
	register size_t index __asm__("x15") = row;
	register unsigned char *from __asm__("x16") = content + row * bytes;

	__asm__ volatile(LDR_ZA_W15_X16 : : "r"(index), "r"(from) : "memory");
}

static int begin(void *arg)
{
	(void)arg;
	scratch->cell[0] = (long)state();
	scratch->cell[1] = (long)noted();
	return 7;
}

static void dormant(long flags)
{
	unsigned long state_after, noted_after;
	size_t bytes, i;
	pid_t pid;

	if (host_libc) {
		skip("the host's own clone may leave it to the kernel");
		return;
	}
	if (!(getauxval(AT_HWCAP2) & HAS_SME)) {
		skip("a processor, or a kernel, without SME");
		return;
	}
	bytes = vector_length();
	for (i = 0; i < bytes * bytes; i++)
		content[i] = (unsigned char)(i * 7 + i / bytes);
	note.buffer = saved;
	note.slices = (uint16_t)bytes;
	__asm__ volatile(SMSTART_ZA : : : "memory");
	for (i = 0; i < bytes; i++)
		load_row(i, bytes);
	__asm__ volatile("msr " TPIDR2 ", %0" : : "r"(&note) : "memory");
	pid = clone(begin, stack_top(0), (int)flags | SIGCHLD, NULL);
	state_after = state();
	noted_after = noted();
	__asm__ volatile("msr " TPIDR2 ", xzr\n\t" SMSTOP_ZA : : : "memory");
	check(strcmp(waited(pid, 0), "exit7") == 0, "the child");
	check((scratch->cell[0] & MATRIX_ON) == 0, "it is on in the child");
	check(scratch->cell[1] == 0, "the child has the parent's note");
	check((state_after & MATRIX_ON) == 0 && noted_after == 0, "it is on in the parent");
	check(memcmp(saved, content, bytes * bytes) == 0, "it wasn't saved");
}

void matrix_cases(void)
{
	static const int flags[] = {0, CLONE_VM, CLONE_VM | CLONE_VFORK};
	size_t i;

	for (i = 0; i < sizeof flags / sizeof flags[0]; i++)
		add(dormant, flags[i], "registers: SME's matrix, dormant, %s", combination(flags[i]));
}
#else
void matrix_cases(void)
{
}
#endif
