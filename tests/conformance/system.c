/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Copyright (c) 2026 The nbclone developers */
/* Which system's answers are expected: this one's, or with -e another's. */
#include "suite.h"

#include <sys/utsname.h>

int on_netbsd, on_netbsd_i386;
static int version[3];
static char name[32], release[64], machine[32];

/* NetBSD's names: those of the files of answers. */
static const char *this_machine(const struct utsname *names)
{
#if defined(__i386__)
	(void)names;
	return "i386";
#elif defined(__x86_64__)
	(void)names;
	return "amd64";
#else
	return names->machine;
#endif
}

static void set_system(void)
{
	on_netbsd = strcmp(name, "NetBSD") == 0;
	on_netbsd_i386 = on_netbsd && strcmp(machine, "i386") == 0;
	memset(version, 0, sizeof version);
	sscanf(release, "%d.%d.%d", &version[0], &version[1], &version[2]);
}

void system_find(void)
{
	struct utsname names;

	if (uname(&names) == -1) {
		perror("uname");
		exit(2);
	}
	snprintf(name, sizeof name, "%.31s", names.sysname);
	snprintf(release, sizeof release, "%.63s", names.release);
	snprintf(machine, sizeof machine, "%.31s", this_machine(&names));
	set_system();
}

int system_expect(const char *wanted)
{
	char end;

	if (sscanf(wanted, "%31[^-]-%63[^-]-%31[a-z0-9_]%c", name, release, machine, &end) != 3)
		return -1;
	set_system();
	return on_netbsd ? 0 : -1;
}

static int netbsd_since(int major, int minor, int patch)
{
	if (!on_netbsd)
		return 0;
	if (version[0] != major)
		return version[0] > major;
	if (version[1] != minor)
		return version[1] > minor;
	return version[2] >= patch;
}

int netbsd_has_new_siginfo(void)
{
	return netbsd_since(7, 99, 34);
}

int netbsd_is_10(void)
{
	return netbsd_since(9, 99, 100);
}

void system_print(void)
{
	printf("# system: %s %s %s\n", name, release, machine);
	if (netbsd_since(7, 99, 11) && !netbsd_is_10())
		printf("# nobody asked this version: what is expected of it is 7.99.10's%s\n",
		       netbsd_has_new_siginfo() ? ", and siginfo as in 10" : "");
}
