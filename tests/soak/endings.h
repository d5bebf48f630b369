/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Copyright (c) 2026 The nbclone developers */
/*
 * endings.h - what faults.c and endings.c share.
 */
#ifndef ENDINGS_H
#define ENDINGS_H

#include "campaign.h"

#include <sched.h>
#include <signal.h>
#include <sys/wait.h>

#define SHARED		(CLONE_VM | CLONE_VFORK | SIGCHLD)
#define COPIED		SIGCHLD

/* The ways in which a func ends, other than by returning 0. */
extern const struct test endings[];
extern const size_t endings_count;

static inline void
expect_exit(int status, int value)
{
	if (!WIFEXITED(status) || WEXITSTATUS(status) != value)
		fail("the child's status is %#x, not exit(%d)", status, value);
}

static inline void
expect_death(int status, int sig)
{
	if (!WIFSIGNALED(status) || WTERMSIG(status) != sig)
		fail("the child's status is %#x, not signal %d", status, sig);
}

#endif /* ENDINGS_H */
