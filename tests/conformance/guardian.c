/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Copyright (c) 2026 The nbclone developers */
/*
 * The guardian: a process that ends a case's process group when the runner has
 * been killed and can't do it any more. It waits on a pipe whose other end the
 * runner holds, and for a moment each case: the kernel closes that, however
 * the runner ends.
 */
#include "suite.h"

#include "guardian.h"

static pid_t guardian;
static int notes = -1; /* the process group of the case that runs, 0 for none */

/*
 * Kills the group until nobody is left: a member may be forking at that moment.
 * Zombies that aren't our children can stay in it, so the attempts are limited.
 */
void kill_group(pid_t group)
{
	int i;

	for (i = 0; i < 100 && kill(-group, SIGKILL) == 0; i++) {
		while (waitpid(-1, NULL, WALLSIG | WNOHANG) > 0)
			;
		give_way();
	}
}

static void guard(int in)
{
	pid_t group = 0, noted;
	ssize_t size;
	int fd;

	setsid(); /* no signal to the runner's group or terminal comes here */
	for (fd = STDIN_FILENO; fd <= STDERR_FILENO; fd++)
		if (fd != in)
			close(fd);
	while ((size = read(in, &noted, sizeof noted)) != 0)
		if (size == (ssize_t)sizeof noted)
			group = noted;
		else if (errno != EINTR)
			break;
	if (group > 0)
		kill_group(group);
	_exit(0);
}

void guardian_start(void)
{
	int ends[2];

	if (pipe(ends) == -1 || (guardian = fork()) == -1) {
		perror("guardian");
		exit(2);
	}
	if (guardian == 0) {
		close(ends[1]);
		guard(ends[0]);
	}
	close(ends[0]);
	notes = ends[1];
}

static int note(pid_t group)
{
	return write(notes, &group, sizeof group) == (ssize_t)sizeof group;
}

void guardian_note_case(void)
{
	if (!note(getpid()))
		give_up("writing to the guardian");
	close(notes);
}

void guardian_note_none(void)
{
	if (!note(0)) {
		perror("writing to the guardian");
		exit(2);
	}
}

void guardian_end(void)
{
	close(notes);
	while (waitpid(guardian, NULL, 0) == -1 && errno == EINTR)
		;
}
