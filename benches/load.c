/*
 * What preloading costs a process: /bin/true with nothing preloaded and with
 * each library named, in turns.
 *
 *	load ROUNDS LIBRARY...	prints: library, round, nanoseconds
 */
#include "bench.h"

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
			double start;
			pid_t pid;

			snprintf(preload, sizeof preload, "LD_PRELOAD=%s",
			    turn == 1 ? "" : argv[turn]);
			start = now();
			pid = vfork();
			if (pid == 0) {
				execve(program[0], program, environment);
				_exit(127);
			}
			if (pid < 0 || waitpid(pid, NULL, 0) != pid)
				die("vfork");
			if (round >= 0)
				printf("%s\t%d\t%.0f\n",
				    turn == 1 ? "none" : argv[turn], round,
				    now() - start);
		}
	return 0;
}
