/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Copyright (c) 2026 The nbclone developers */
/* Every callee-saved register, on the architectures for which machine.c can fill them. */
#include "linux1.h"

#include "machine.h"

/* machine.c's other function goes on here; no case calls it. */
int entry_probed(void *arg)
{
	(void)arg;
	return 0;
}

#ifdef HAVE_REGISTERS_CALL
static void compare(const char *who, const struct registers *registers)
{
	int i;

	for (i = 0; register_names[i] != NULL; i++)
		check(registers->after[i] == register_values[i], "%s: %s is %#lx", who,
		      register_names[i], (unsigned long)registers->after[i]);
}

/* On the caller's stack, the child can return from the call made in assembly. */
static void every_register(long flags)
{
	struct registers registers;
	int status;

	memset(&registers, 0, sizeof registers);
	registers.stack = (slot)(SIGCLD | (unsigned long)flags); /* the second argument */
	registers.clone = (slot)(uintptr_t)linux1_clone;
	registers_call(&registers);
	if (registers.result == 0) {
		compare("the child", &registers);
		_exit(6);
	}
	compare("the parent", &registers);
	waitpid(-1, &status, 0);
	expect_exit(status, 6);
}

static void after_failure(long unused)
{
	struct registers registers;

	(void)unused;
	memset(&registers, 0, sizeof registers);
	registers.stack = (slot)0x800;
	registers.clone = (slot)(uintptr_t)linux1_clone;
	registers_call(&registers);
	check((pid_t)registers.result == -1 && errno == EINVAL, "%ld", (long)registers.result);
	compare("the caller", &registers);
}
#else
static void every_register(long flags)
{
	(void)flags;
	skip("no assembly for this architecture here; the usual use is in C");
}

static void after_failure(long unused)
{
	every_register(unused);
}
#endif

void register_value_cases(void)
{
	add(every_register, 0, "every callee-saved register");
	add(every_register, COPYFD, "every callee-saved register (COPYFD)");
	add(after_failure, 0, "every callee-saved register (failure)");
}
