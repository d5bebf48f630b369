/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Copyright (c) 2026 The nbclone developers */
/* The kernel's errors come through: a filter makes them for clone alone. */
#include "linux1.h"

#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sys/prctl.h>
#include <sys/syscall.h>

static int refuse_clone(int error)
{
	struct sock_filter code[] = {
	    BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
	    BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, __linux1_NR_clone, 0, 1),
	    BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | (unsigned)error),
	    BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
	};
	struct sock_fprog program = {LENGTH(code), code};

	return prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 &&
	       prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) == 0;
}

static void passed_through(long error)
{
	static const unsigned long words[] = {SIGCLD, SIGCLD | COPYVM, SIGCLD | COPYVM | COPYFD,
	                                      SIGCLD | COPYFD};
	char *stack = stack_top(0);
	size_t i;

	if (!refuse_clone((int)error))
		skip("the kernel has no CONFIG_SECCOMP_FILTER");
	for (i = 0; i < LENGTH(words); i++) {
		volatile long result;

		fill(stack - 512, 512);
		errno = 0;
		result = linux1_clone(i % 2 ? stack : NULL, words[i]);
		if (result == 0)
			_exit(0);
		check(result == -1 && errno == error, "%#lx: %ld, errno %d", words[i], result,
		      errno);
		check(strcmp(written_below(stack, 512, 0), "untouched") == 0,
		      "%#lx: wrote on the new stack", words[i]);
		check(waitpid(-1, NULL, WALLSIG) == -1 && errno == ECHILD, "a child");
	}
}

void error_number_cases(void)
{
	add(passed_through, EAGAIN, "EAGAIN");
	add(passed_through, ENOMEM, "ENOMEM");
	add(passed_through, ENOSYS, "ENOSYS");
	add(passed_through, EPERM, "EPERM");
}
