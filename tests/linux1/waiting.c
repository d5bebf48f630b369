/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Copyright (c) 2026 The nbclone developers */
/*
 * COPYFD and opens that wait for an answer: from a fanotify listener, a FUSE
 * server, an automounter. Where it is the parent who has to answer, it waits for
 * its child meanwhile, and nothing is opened.
 */
#include "linux1.h"

#include <poll.h>
#include <pthread.h>
#include <sys/fanotify.h>
#include <sys/mount.h>

#include <linux/fuse.h>

static int listener(unsigned kind)
{
	int fd = fanotify_init(kind | FAN_CLOEXEC | FAN_NONBLOCK, O_RDONLY);

	if (fd == -1)
		skip("fanotify: %s", strerror(errno));
	return fd;
}

static void mark(int listening, int fd, unsigned long long events)
{
	if (fanotify_mark(listening, FAN_MARK_ADD, events, AT_FDCWD,
	                  text("/proc/self/fd/%d", fd)) != 0)
		skip("fanotify_mark: %s", strerror(errno));
}

/* The parent has to allow each open of the file. */
static void own_permission(long mode)
{
	int fd = temporary_file("asked", O_RDWR, 20), listening = listener(FAN_CLASS_CONTENT);

	lseek(fd, 7, SEEK_SET);
	mark(listening, fd, FAN_OPEN_PERM);
	expect_fate((enum mode)mode, fd, STAYS_SHARED);
}

/* Its descriptor comes before the file's, and there are many of either. */
static void own_permission_early(long mode)
{
	int listening = listener(FAN_CLASS_PRE_CONTENT), fd = -1, i;

	for (i = 0; i < 40; i++)
		fd = temporary_file("asked", O_RDONLY, 20);
	mark(listening, fd, FAN_OPEN_PERM);
	expect_fate((enum mode)mode, fd, STAYS_SHARED);
}

/* It would hear of its own child. */
static void own_notification(long mode)
{
	struct fanotify_event_metadata event;
	int fd = temporary_file("told", O_RDWR, 20), listening = listener(FAN_CLASS_NOTIF);

	mark(listening, fd, FAN_OPEN);
	expect_fate((enum mode)mode, fd, STAYS_SHARED);
	check(read(listening, &event, sizeof event) == -1 && errno == EAGAIN,
	      "the listener heard of it");
}

/* Another process allows it. */
static void others_permission(long mode)
{
	int fd = temporary_file("asked", O_RDWR, 20), ready[2];
	pid_t other;

	lseek(fd, 7, SEEK_SET);
	if (pipe(ready) != 0)
		give_up("pipe");
	other = fork();
	if (other == 0) {
		int listening = fanotify_init(FAN_CLASS_CONTENT, O_RDONLY);
		struct fanotify_event_metadata event;

		if (listening == -1 ||
		    fanotify_mark(listening, FAN_MARK_ADD, FAN_OPEN_PERM, AT_FDCWD,
		                  text("/proc/self/fd/%d", fd)) != 0)
			_exit(1);
		if (write(ready[1], "r", 1) != 1)
			_exit(1);
		while (read(listening, &event, sizeof event) == sizeof event) {
			struct fanotify_response answer = {event.fd, FAN_ALLOW};

			if (write(listening, &answer, sizeof answer) != sizeof answer)
				_exit(1);
			close(event.fd);
		}
		_exit(1);
	}
	close(ready[1]);
	if (read(ready[0], ready, 1) != 1)
		skip("fanotify with permissions");
	expect_fate((enum mode)mode, fd, IS_COPIED);
	kill(other, SIGKILL);
	waitpid(other, NULL, 0);
}

/* A FUSE file system of one empty directory. */
static int connection;
static const char *place;

static void reply(uint64_t unique, int error, const void *data, size_t size)
{
	char bytes[512] = {0};
	struct fuse_out_header *header = (struct fuse_out_header *)bytes;

	header->len = (uint32_t)(sizeof *header + size);
	header->error = -error;
	header->unique = unique;
	if (size > 0)
		memcpy(bytes + sizeof *header, data, size);
	if (write(connection, bytes, header->len) == -1)
		header->len = 0; /* the one who asked has gone */
}

static unsigned valid_for = 3600;

/* Answers one request; its opcode. */
static uint32_t serve(void)
{
	static char request[FUSE_MIN_READ_BUFFER * 20];
	struct fuse_in_header *in = (struct fuse_in_header *)request;
	struct fuse_init_out started = {.major = 7, .minor = 31, .max_write = 4096};
	struct fuse_open_out opened = {.fh = 1};
	struct fuse_attr_out attributes = {.attr_valid = valid_for};

	if (read(connection, request, sizeof request) < (ssize_t)sizeof *in)
		return 0;
	attributes.attr.ino = 1;
	attributes.attr.mode = S_IFDIR | 0755;
	attributes.attr.nlink = 2;
	switch (in->opcode) {
	case FUSE_INIT: reply(in->unique, 0, &started, sizeof started); break;
	case FUSE_GETATTR: reply(in->unique, 0, &attributes, sizeof attributes); break;
	case FUSE_OPENDIR: reply(in->unique, 0, &opened, sizeof opened); break;
	case FUSE_RELEASEDIR: reply(in->unique, 0, NULL, 0); break;
	case FUSE_FORGET: break;
	default: reply(in->unique, ENOSYS, NULL, 0);
	}
	return in->opcode;
}

static void mount_fuse(void)
{
	int low;

	if (unshare(CLONE_NEWNS) != 0 || mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) != 0)
		skip("a mount namespace: %s", strerror(errno));
	low = open("/dev/fuse", O_RDWR);
	/* Where it is found last. */
	connection = fcntl(low, F_DUPFD, 400);
	if (connection == -1)
		skip("/dev/fuse: %s", strerror(errno));
	close(low);
	place = temporary("fuse");
	mkdir(place, 0755);
	if (mount("fuse", place, "fuse", 0,
	          text("fd=%d,rootmode=40000,user_id=0,group_id=0", connection)) != 0)
		skip("fuse: %s", strerror(errno));
}

static void *open_there(void *result)
{
	struct stat status;
	int fd = open(place, O_RDONLY);

	if (fd != -1 && valid_for > 0)
		fstat(fd, &status); /* and the kernel keeps what it says */
	*(volatile int *)result = fd;
	return NULL;
}

/* The parent serves while a thread opens the directory. */
static int open_own(void)
{
	pthread_t thread;
	volatile int fd = -2;

	mount_fuse();
	if (pthread_create(&thread, NULL, open_there, (void *)&fd) != 0)
		give_up("pthread_create");
	while (fd == -2) {
		struct pollfd poll_ = {.fd = connection, .events = POLLIN};

		if (poll(&poll_, 1, 10) > 0)
			serve();
	}
	pthread_join(thread, NULL);
	if (fd == -1)
		give_up("the directory");
	return fd;
}

/* But not while it waits. */
static void own_server(long mode)
{
	int other;

	expect_fate((enum mode)mode, open_own(), STAYS_SHARED);
	other = temporary_file("beside", O_RDWR, 20);
	expect_fate((enum mode)mode, other, STAYS_SHARED);
	umount2(place, MNT_DETACH);
}

/* Not even what kind of file it is can be asked. */
static void nothing(void)
{
}

static void own_server_forgets(long mode)
{
	valid_for = 0;
	open_own();
	expect_exit(in_child((enum mode)mode, COPYFD, nothing), 0);
	umount2(place, MNT_DETACH);
}

/* Another process serves. */
static void others_server(long mode)
{
	pid_t server;
	int fd;

	mount_fuse();
	server = fork();
	if (server == 0) {
		signal(SIGTERM, SIG_DFL);
		for (;;)
			serve();
	}
	close(connection);
	fd = open(place, O_RDONLY);
	if (fd == -1)
		give_up("the directory");
	expect_fate((enum mode)mode, fd, IS_COPIED);
	umount2(place, MNT_DETACH);
	kill(server, SIGKILL);
	waitpid(server, NULL, 0);
}

/* A directory of an automounter's, which is the parent, or another process. */
static void autofs(enum mode mode, int own)
{
	int pipes[2], fd;
	pid_t group = getpgrp(), other = 0;

	if (unshare(CLONE_NEWNS) != 0 || mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) != 0)
		skip("a mount namespace: %s", strerror(errno));
	if (pipe2(pipes, O_DIRECT) != 0)
		give_up("pipe2");
	place = temporary("autofs");
	mkdir(place, 0755);
	if (mount("auto", place, "autofs", 0,
	          text("fd=%d,pgrp=%d,minproto=5,maxproto=5,indirect", pipes[1], (int)group)) != 0)
		skip("autofs: %s", strerror(errno));
	mkdir(text("%s/key", place), 0755);
	fd = open(place, O_RDONLY);
	if (fd == -1)
		give_up("the directory");
	if (!own) { /* out of the automounter's process group */
		other = fork();
		if (other == 0) {
			for (;;)
				pause();
		}
		setpgid(other, other);
		setpgid(0, other);
	}
	expect_fate(mode, fd, IS_COPIED);
	if (other > 0) {
		setpgid(0, group);
		kill(other, SIGKILL);
		waitpid(other, NULL, 0);
	}
	umount2(place, MNT_DETACH);
}

static void own_autofs(long mode)
{
	autofs((enum mode)mode, 1);
}

static void others_autofs(long mode)
{
	autofs((enum mode)mode, 0);
}

void waiting_open_cases(void)
{
	add_modes(own_permission, "COPYFD: a fanotify listener for permissions: shared");
	add_modes(own_permission_early, "COPYFD: a fanotify listener among many: shared");
	add_modes(own_notification, "COPYFD: a fanotify listener: shared");
	add_modes(others_permission, "COPYFD: another's fanotify listener: copied");
	add_modes(own_server, "COPYFD: a FUSE server: shared");
	add_modes(own_server_forgets, "COPYFD: a FUSE server whose files' attributes are stale");
	add_modes(others_server, "COPYFD: another's FUSE server: copied");
	add_modes(own_autofs, "COPYFD: an automounter: copied");
	add_modes(others_autofs, "COPYFD: another's automounter: copied");
}
