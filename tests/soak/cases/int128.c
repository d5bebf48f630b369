/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Copyright (c) 2026 The nbclone developers */
/*
 * A program that wants more of the compiler's runtime than the library has, and
 * links with what the README says.
 */
#define _GNU_SOURCE
#include "beside.h"

static int
gives_seven(void *arg)
{
	(void)arg;
	return 7;
}

static volatile int one = 1;

static void
division_of_128_bits(void)
{
#ifdef __SIZEOF_INT128__
	__extension__ typedef __int128 wide;
	wide dividend = (wide)one << 100, divisor = (wide)one << 97;

	expect("quotient", (long)(dividend / divisor), 8);
	expect("remainder", (long)(dividend % divisor), 0);
#endif
	expect_exit(wait_for(start(SIGCHLD, gives_seven, NULL)), 7);
}

static const struct test cases[] = { CASE(division_of_128_bits) };

int
main(int argc, char **argv)
{
	return RUN(cases);
}
