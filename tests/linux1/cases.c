/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Copyright (c) 2026 The nbclone developers */
/*
 * The groups of cases. The harness asks for the conformance suite's groups:
 * ours come as its first, the others are empty here.
 */
#include "linux1.h"

void flag_cases(void)
{
	return_cases();
	word_cases();
	later_cases();
	error_number_cases();
	register_value_cases();
	usual_cases();
	identity_cases();
	file_cases();
	stream_cases();
	terminal_cases();
	device_cases();
	lock_cases();
	limit_cases();
	proc_cases();
	circumstance_cases();
	waiting_open_cases();
	filter_cases();
	traced_cases();
	small_stack_cases();
}

#define NONE(group) \
	void group(void) \
	{ \
	}
NONE(alignment_cases)
NONE(cloexec_cases)
NONE(disposition_cases)
NONE(error_cases)
NONE(exec_cases)
NONE(exit_signal_cases)
NONE(host_policy_cases)
NONE(id_cases)
NONE(libc_cases)
NONE(orphan_cases)
NONE(other_bit_cases)
NONE(register_cases)
NONE(sharing_cases)
NONE(signal_cases)
NONE(stack_cases)
NONE(status_cases)
NONE(table_cases)
NONE(thread_cases)
NONE(waiting_cases)
