/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Copyright (c) 2026 The nbclone developers */
/*
 * COPYFD and devices that a test machine lacks, or that a test mustn't open: a
 * tape rewinds, a watchdog starts. The file is /dev/null; a tracer changes the
 * device's number in what statx(2) tells the child. Opened again, the file would be
 * copied, as /dev/null is.
 */
#include "linux1.h"

#include <stdint.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>

/* In struct statx, the same on every architecture. */
enum { MODE_AT = 28, DEVICE_AT = 128 };
/* The library's own look: libc's fstat(3) has no such flag. */
enum { DONT_SYNC = 0x4000 };

static const struct {
	const char *name;
	uint32_t number[2];
} devices[] = {
    {"a tape", {9, 0}},
    {"a tape that isn't rewound", {9, 128}},
    {"a watchdog", {10, 130}},
    {"a printer", {6, 0}},
    {"a SCSI device", {21, 0}},
    {"a USB serial line", {188, 0}},
    {"a graphics card", {226, 0}},
};

static const uint32_t *told;
static uint64_t place; /* of the child's struct statx; 0: not in that call */
static int changed;

/* statx(2)'s buffer. On MIPS o32 the fifth argument lies on the stack, and Linux 6.1 looks
 * for it on the tracer's (mips_get_syscall_arg). */
static uint64_t buffer_of(pid_t child, const struct __ptrace_syscall_info *call)
{
#if defined(__mips__) && _MIPS_SIM == _ABIO32
	const size_t fifth = 16;
	uint32_t buffer = 0;
	int memory = open(text("/proc/%ld/mem", (long)child), O_RDONLY);

	if (pread(memory, &buffer, sizeof buffer, (off_t)(call->stack_pointer + fifth)) !=
	    sizeof buffer)
		buffer = 0;
	close(memory);
	return buffer;
#else
	(void)child;
	return call->entry.args[4];
#endif
}

/* Before each system call of the child, and behind it. */
static void change_device(pid_t child)
{
	struct __ptrace_syscall_info call;
	uint16_t mode;
	int memory;

	if (ptrace(PTRACE_GET_SYSCALL_INFO, child, (void *)sizeof call, &call) <= 0)
		return;
	if (call.op == PTRACE_SYSCALL_INFO_ENTRY) {
		int is_look = call.entry.nr == SYS_statx && call.entry.args[2] & DONT_SYNC;

		place = is_look ? buffer_of(child, &call) : 0;
		return;
	}
	if (place == 0 || (memory = open(text("/proc/%ld/mem", (long)child), O_RDWR)) == -1)
		return;
	if (pread(memory, &mode, sizeof mode, (off_t)place + MODE_AT) == sizeof mode &&
	    S_ISCHR(mode))
		changed += pwrite(memory, told, 8, (off_t)place + DEVICE_AT) == 8;
	close(memory);
	place = 0;
}

/* Linux 5.3; on m68k, later. */
static void need_call_information(void)
{
	struct __ptrace_syscall_info call;
	pid_t process = fork();
	int status, tells;

	if (process == 0) {
		be_traced();
		_exit(0);
	}
	waitpid(process, &status, 0);
	tells = ptrace(PTRACE_GET_SYSCALL_INFO, process, (void *)sizeof call, &call) > 0;
	kill(process, SIGKILL);
	if (WIFSTOPPED(status))
		waitpid(process, &status, 0);
	if (!tells)
		skip("PTRACE_GET_SYSCALL_INFO isn't there, or not permitted");
}

static void another_device(long index)
{
	enum mode mode = (enum mode)(index % N_MODES);
	pid_t process;
	int stops;

	need_call_information();
	told = devices[index / N_MODES].number;
	process = fork();
	if (process == 0) {
		const char *path = temporary("null");
		int fd;

		if (mknod(path, S_IFCHR | 0600, makedev(1, 3)) != 0 ||
		    (fd = open(path, O_RDWR)) == -1)
			fd = open("/dev/null", O_RDWR);
		unlink(path);
		be_traced();
		expect_fate(mode, fd, STAYS_SHARED);
		_exit(0);
	}
	expect_exit(traced(process, change_device, &stops), 0);
	check(changed > 0, "no answer was changed");
}

void device_cases(void)
{
	size_t i;
	int mode;

	for (i = 0; i < LENGTH(devices); i++)
		for (mode = FORKED; mode < N_MODES; mode++)
			add(another_device, (long)i * N_MODES + mode, "COPYFD, %s: shared (%s)",
			    devices[i].name, mode_names[mode]);
}
