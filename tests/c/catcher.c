/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Copyright (c) 2026 The nbclone developers */
/* Says "ready", waits for signals, and says which came and "ready" again:
 * catcher NUMBER... catches these; after exit=NUMBER it exits with status 3. */
#define _GNU_SOURCE
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static volatile sig_atomic_t last;

static void handler(int number)
{
	last = number;
}

int main(int argc, char **argv)
{
	int i, end = 0;
	sigset_t all, none;

	/* They come while it waits, and never in between. */
	sigfillset(&all);
	sigprocmask(SIG_BLOCK, &all, &none);
	for (i = 1; i < argc; i++) {
		if (strncmp(argv[i], "exit=", 5) == 0)
			end = atoi(argv[i] + 5);
		signal(end != 0 ? end : atoi(argv[i]), handler);
	}
	for (;;) {
		printf("ready\n");
		fflush(stdout);
		last = 0;
		sigsuspend(&none);
		if (last != 0)
			printf("caught %d\n", (int)last);
		fflush(stdout);
		if (last == end && end != 0)
			return 3;
	}
}
