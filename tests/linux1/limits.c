/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Copyright (c) 2026 The nbclone developers */
/* COPYFD: many descriptors, and limits to their number. */
#include "linux1.h"

enum { MANY = 3000 };
static int many[MANY];
static int n_many;
static int shared_ones, wrong_offsets, not_open;
static struct rlimit limit_before;

static void set_limit(rlim_t soft, rlim_t hard)
{
	struct rlimit limit;

	limit.rlim_cur = soft;
	limit.rlim_max = hard;
	if (setrlimit(RLIMIT_NOFILE, &limit) != 0)
		skip("no CAP_SYS_RESOURCE, for a higher hard limit: %s", strerror(errno));
}

/* Each with an offset of its own. */
static void open_many(int count)
{
	int first = temporary_file("many", O_RDWR, 1);
	const char *path = text("/proc/self/fd/%d", first);

	fchmod(first, 0666); /* an ordinary user's too */
	for (n_many = 0; n_many < count; n_many++) {
		many[n_many] = n_many == 0 ? first : open(path, O_RDWR);
		if (many[n_many] == -1)
			give_up("opening many");
		lseek(many[n_many], n_many + 1, SEEK_SET);
	}
}

static void look_at_many(void)
{
	struct rlimit limit;
	int i;

	for (i = 0; i < n_many; i++) {
		off_t offset = lseek(many[i], 0, SEEK_CUR);

		not_open += offset == -1;
		wrong_offsets += offset != i + 1;
		lseek(many[i], 100000, SEEK_SET);
	}
	answers->error = not_open;
	answers->lost = wrong_offsets;
	getrlimit(RLIMIT_NOFILE, &limit);
	answers->gained = limit.rlim_cur != limit_before.rlim_cur ||
	                  limit.rlim_max != limit_before.rlim_max;
}

static void expect_many(enum mode mode, enum fate fate)
{
	struct rlimit limit;
	int i;

	answers_make();
	getrlimit(RLIMIT_NOFILE, &limit_before);
	shared_ones = 0;
	expect_exit(in_child(mode, COPYFD, look_at_many), 0);
	for (i = 0; i < n_many; i++)
		shared_ones += lseek(many[i], 0, SEEK_CUR) != i + 1;
	getrlimit(RLIMIT_NOFILE, &limit);
	check(answers->error == 0, "%d descriptors lost", answers->error);
	check(answers->lost == 0, "%d offsets are wrong", answers->lost);
	check(answers->gained == 0, "the child has another limit");
	check(limit.rlim_cur == limit_before.rlim_cur && limit.rlim_max == limit_before.rlim_max,
	      "the parent has another limit");
	check(shared_ones == (fate == IS_COPIED ? 0 : n_many), "%d of %d are shared", shared_ones,
	      n_many);
}

static void thousands(long mode)
{
	set_limit(MANY + 50, MANY + 50);
	open_many(MANY);
	expect_many((enum mode)mode, IS_COPIED);
}

/* As many open as the limit lets, but for `left`. */
static void fill_up(int left)
{
	int fd, highest;

	open_many(20);
	highest = many[n_many - 1];
	for (fd = 0; fd <= highest + left; fd++)
		if (fcntl(fd, F_GETFD) == -1 && fd <= highest)
			dup2(0, fd); /* no holes */
	getrlimit(RLIMIT_NOFILE, &limit_before);
	limit_before.rlim_cur = (rlim_t)(highest + 1 + left);
}

static void soft_limit(long mode)
{
	fill_up(0);
	set_limit(limit_before.rlim_cur, limit_before.rlim_max);
	expect_many((enum mode)mode, IS_COPIED);
}

static void privileged(long mode)
{
	fill_up(0);
	set_limit(limit_before.rlim_cur, limit_before.rlim_cur);
	set_limit(limit_before.rlim_cur + 1, limit_before.rlim_cur + 1);
	set_limit(limit_before.rlim_cur, limit_before.rlim_cur);
	expect_many((enum mode)mode, IS_COPIED);
}

static void as_user(enum mode mode, int left, enum fate fate)
{
	fill_up(left);
	set_limit(limit_before.rlim_cur, limit_before.rlim_cur);
	if (become_user() != 0)
		give_up("setuid");
	expect_many(mode, fate);
}

static void hard_limit_of_user(long mode)
{
	as_user((enum mode)mode, 0, STAYS_SHARED);
}

static void one_left(long mode)
{
	as_user((enum mode)mode, 1, IS_COPIED);
}

/* Descriptors above a limit that was lowered since. */
static void above_the_limit(long mode)
{
	open_many(20);
	many[3] = fcntl(many[3], F_DUPFD, 900);
	if (many[3] == -1)
		skip("no descriptor 900 here");
	getrlimit(RLIMIT_NOFILE, &limit_before);
	set_limit(5, limit_before.rlim_max);
	expect_many((enum mode)mode, IS_COPIED);
}

void limit_cases(void)
{
	add_modes(thousands, "COPYFD: thousands");
	add_modes(soft_limit, "COPYFD: at the soft limit: copied");
	add_modes(privileged, "COPYFD: at the hard limit, CAP_SYS_RESOURCE: copied");
	add_modes(hard_limit_of_user, "COPYFD: at the hard limit, user: shared");
	add_modes(one_left, "COPYFD: one below the hard limit, user: copied");
	add_modes(above_the_limit, "COPYFD: above a lowered limit: copied");
}
