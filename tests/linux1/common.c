/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Copyright (c) 2026 The nbclone developers */
/* What linux1.h declares. */
#include "linux1.h"

#include <dirent.h>
#include <sys/syscall.h>

const char *const mode_names[N_MODES] = {"as by fork", "copied memory", "shared memory"};

struct answers *answers;

int in_child(enum mode mode, unsigned long flags, void (*work)(void))
{
	void *sp = mode == FORKED ? NULL : stack_top(0);
	int status = -1;

	if (mode != SHARED)
		flags |= COPYVM;
	if (clone(sp, SIGCLD | flags) == 0) {
		work();
		_exit(0);
	}
	while (waitpid(-1, &status, WALLSIG) == -1 && errno == EINTR)
		;
	return status;
}

void expect_exit(int status, int code)
{
	check(WIFEXITED(status) && WEXITSTATUS(status) == code, "the child: %s, not exit%d",
	      status == -1 ? "none" : status_name(status), code);
}

void answers_make(void)
{
	answers = mmap(NULL, sizeof *answers, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANON, -1, 0);
	if (answers == MAP_FAILED)
		give_up("mmap");
}

int same_description(pid_t other, int fd)
{
#ifdef SYS_kcmp
	long order = syscall(SYS_kcmp, other, getpid(), 0 /* KCMP_FILE */, fd, fd);

	if (order >= 0)
		return order == 0;
#endif
	(void)other;
	(void)fd;
	return -1;
}

static char directory[64];
static pid_t owner;

static void remove_directory(void)
{
	DIR *stream;
	struct dirent *entry;

	if (getpid() != owner || (stream = opendir(directory)) == NULL)
		return;
	while ((entry = readdir(stream)) != NULL)
		unlinkat(dirfd(stream), entry->d_name, 0);
	closedir(stream);
	rmdir(directory);
}

/* The first call makes the directory: in the suite's first process, before any case runs. */
void add_modes(void (*run)(long), const char *name)
{
	static const char *const places[] = {"/tmp", "/var/tmp", "/dev/shm", ""};
	size_t i;
	int mode;

	for (i = 0; i < LENGTH(places) && owner == 0; i++) {
		snprintf(directory, sizeof directory, "%s/nbclone-linux1-%ld", places[i],
		         (long)getpid());
		if (mkdir(directory, 0777) == 0) {
			owner = getpid();
			atexit(remove_directory);
		}
	}
	for (mode = FORKED; mode < N_MODES; mode++)
		add(run, mode, "%s (%s)", name, mode_names[mode]);
}

const char *temporary(const char *name)
{
	return text("%s/%s", directory, name);
}

int temporary_file(const char *name, int flags, size_t size)
{
	const char *path = temporary(name);
	int fd = open(path, O_RDWR | O_CREAT | O_TRUNC, 0666);
	size_t i;

	if (fd == -1)
		give_up("temporary file");
	for (i = 0; i < size; i++)
		if (write(fd, &"0123456789"[i % 10], 1) != 1)
			give_up("writing a temporary file");
	close(fd);
	fd = open(path, flags);
	if (fd == -1)
		give_up("opening a temporary file");
	unlink(path);
	return fd;
}
