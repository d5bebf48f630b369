/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Copyright (c) 2026 The nbclone developers */
/*
 * Finds this program's path and a second directory, and, as a system's first
 * process, the console and /proc.
 */
#include "suite.h"

#include "boot.h"

#include <limits.h>
#include <sys/reboot.h>
#ifdef __linux__
#include <sys/mount.h>
#endif

const char *self_path;
const char *other_dir;

#ifdef __linux__
static int system_prepare(void)
{
	if (access("/proc/self", F_OK) == 0)
		return 0;
	mkdir("/proc", 0755);
	mount("proc", "/proc", "proc", 0, NULL);
	return 1;
}

void boot_power_off(void)
{
	sync();
	reboot(RB_POWER_OFF);
}
#elif defined(__NetBSD__)
static int system_prepare(void)
{
	return 1;
}

void boot_power_off(void)
{
	sync();
	reboot(RB_POWERDOWN | RB_HALT, NULL);
}
#endif

static void open_console(void)
{
	int fd;

	if (fcntl(STDOUT_FILENO, F_GETFD) != -1)
		return;
	fd = open("/dev/console", O_RDWR);
	if (fd == -1 && mknod("/tmp/console", S_IFCHR | 0600, 0) == 0)
		fd = open("/tmp/console", O_RDWR);
	if (fd == -1)
		return;
	dup2(fd, STDIN_FILENO);
	dup2(fd, STDOUT_FILENO);
	dup2(fd, STDERR_FILENO);
}

static void find_self(const char *program)
{
	static char path[PATH_MAX];
	static const char *const usual[] = {"/init", "/sbin/init", "/rescue/init"};
	size_t i;

#ifdef __linux__
	ssize_t length = readlink("/proc/self/exe", path, sizeof path - 1);

	if (length > 0) {
		path[length] = '\0';
		self_path = path;
		return;
	}
#endif
	if (program != NULL && program[0] == '/') {
		self_path = program;
		return;
	}
	if (program != NULL && strchr(program, '/') != NULL &&
	    getcwd(path, sizeof path - strlen(program) - 2) != NULL) {
		strcat(path, "/");
		strcat(path, program);
		self_path = path;
		return;
	}
	for (i = 0; i < sizeof usual / sizeof usual[0] && self_path == NULL; i++)
		if (access(usual[i], X_OK) == 0)
			self_path = usual[i];
}

int boot_prepare(const char *program)
{
	static const char *const usual[] = {"/tmp", "/dev", "/proc", "/etc", "/usr"};
	struct stat root, dir;
	int bare = 0;
	size_t i;

	if (getpid() == 1) {
		open_console();
		bare = system_prepare();
	}
	find_self(program);
	stat("/", &root);
	for (i = 0; i < sizeof usual / sizeof usual[0] && other_dir == NULL; i++)
		if (stat(usual[i], &dir) == 0 && S_ISDIR(dir.st_mode) &&
		    (dir.st_ino != root.st_ino || dir.st_dev != root.st_dev))
			other_dir = usual[i];
	if (other_dir == NULL) {
		mkdir("/nbclone-suite", 0755);
		other_dir = "/nbclone-suite";
	}
	return bare;
}
