/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Copyright (c) 2026 The nbclone developers */
/*
 * COPYFD and one descriptor: the parent looks at it, a child compares, changes
 * its offset and flags, and the parent looks again.
 */
#include "linux1.h"

/* F_GETFL also tells what open() was told of symbolic links and the like. */
#define STATUS_FLAGS \
	(O_ACCMODE | O_APPEND | O_NONBLOCK | O_DIRECT | O_NOATIME | O_ASYNC | O_SYNC | O_PATH)

enum { MOST = 1024 };
static int subject;
static int parents_cloexec[MOST]; /* -1: not open */
static pid_t parent;

static void look(struct answers *at, int fd)
{
	struct stat status;

	at->flags = fcntl(fd, F_GETFL) & STATUS_FLAGS;
	at->cloexec = fcntl(fd, F_GETFD);
	at->position = lseek(fd, 0, SEEK_CUR);
	at->error = at->position == -1 ? errno : 0;
	if (fstat(fd, &status) == 0) {
		at->device = status.st_dev;
		at->inode = status.st_ino;
		at->number = (long)status.st_rdev;
	}
}

static void compare_and_change(void)
{
	int fd;

	for (fd = 0; fd < MOST; fd++) {
		int cloexec = fcntl(fd, F_GETFD);

		answers->lost += cloexec == -1 && parents_cloexec[fd] != -1;
		answers->gained += cloexec != -1 && parents_cloexec[fd] == -1;
		answers->other_cloexec += cloexec != parents_cloexec[fd];
	}
	answers->shared = same_description(parent, subject);
	look(answers, subject);
	fcntl(subject, F_SETFL, fcntl(subject, F_GETFL) ^ O_NONBLOCK);
	if (answers->position > 0)
		lseek(subject, 0, SEEK_SET);
	else
		lseek(subject, 1, SEEK_SET);
}

static void unchanged(const char *who, const struct answers *a, const struct answers *b)
{
	check(a->flags == b->flags, "%s: status flags %#o, not %#o", who, a->flags, b->flags);
	check(a->cloexec == b->cloexec, "%s: descriptor flags %d, not %d", who, a->cloexec,
	      b->cloexec);
	check(a->position == b->position && a->error == b->error,
	      "%s: offset %lld (errno %d), not %lld (%d)", who, a->position, a->error, b->position,
	      b->error);
	check(a->device == b->device && a->inode == b->inode && a->number == b->number,
	      "%s: another file", who);
}

void expect_fate(enum mode mode, int fd, enum fate fate)
{
	struct answers before = {0}, after = {0};
	int i;

	for (i = 0; i < MOST; i++)
		parents_cloexec[i] = fcntl(i, F_GETFD);
	parent = getpid();
	subject = fd;
	look(&before, fd);
	answers_make();
	expect_exit(in_child(mode, COPYFD, compare_and_change), 0);
	look(&after, fd);

	check(answers->lost == 0, "%d descriptors lost", answers->lost);
	check(answers->gained == 0, "%d descriptors leaked", answers->gained);
	check(answers->other_cloexec == 0, "close-on-exec of %d descriptors",
	      answers->other_cloexec);
	unchanged("the child's", answers, &before);
	if (fate == IS_COPIED) {
		check(answers->shared != 1, "the description is shared");
		unchanged("the parent's, afterwards", &after, &before);
		return;
	}
	check(answers->shared != 0, "the description isn't shared");
	/* Where the child's change took, it has to be seen. */
	if (before.flags & O_PATH)
		return;
	if (fcntl(fd, F_SETFL, fcntl(fd, F_GETFL)) == 0)
		check(after.flags == (before.flags ^ O_NONBLOCK), "the child has flags of its own");
}

static const struct kind *kinds[256];
static int n_kinds;

static void one_kind(long index)
{
	const struct kind *kind = kinds[index / N_MODES];

	expect_fate((enum mode)(index % N_MODES), kind->make(), kind->fate);
}

void add_kinds(const struct kind *list, size_t count)
{
	size_t i;
	int mode;

	for (i = 0; i < count; i++) {
		kinds[n_kinds] = &list[i];
		for (mode = FORKED; mode < N_MODES; mode++)
			add(one_kind, n_kinds * N_MODES + mode, "COPYFD, %s: %s (%s)", list[i].name,
			    list[i].fate == IS_COPIED ? "copied" : "shared", mode_names[mode]);
		n_kinds++;
	}
}
