/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Copyright (c) 2026 The nbclone developers */
/*
 * What preloading costs a process: /bin/true with nothing preloaded and with
 * each library named, in turns.
 *
 *	load ROUNDS LIBRARY...	prints: library, round, nanoseconds, page faults
 */
#include "bench.h"

#include <sys/resource.h>

int
main(int argc, char **argv)
{
	int rounds = argc > 1 ? atoi(argv[1]) : 0, round, k;

	for (round = -1; round < rounds; round++)
		/* Place 1 is ROUNDS: nothing preloaded. */
		for (k = 1; k < argc; k++) {
			int turn = 1 + (k + round + 1) % (argc - 1);
			char preload[4096];
			char *program[] = { (char *)(size_t)"/bin/true", NULL };
			char *environment[] = { preload, NULL };
			struct rusage usage;
			double start, end;
			pid_t pid;

			snprintf(preload, sizeof preload, "LD_PRELOAD=%s",
			    turn == 1 ? "" : argv[turn]);
			start = now();
			pid = vfork();
			if (pid == 0) {
				execve(program[0], program, environment);
				_exit(127);
			}
			if (pid < 0 || wait4(pid, NULL, 0, &usage) != pid)
				die("vfork");
			end = now();
			if (round >= 0)
				printf("%s\t%d\t%.0f\t%ld\n",
				    turn == 1 ? "none" : argv[turn], round,
				    end - start, usage.ru_minflt);
		}
	return 0;
}
