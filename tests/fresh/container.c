/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Copyright (c) 2026 The nbclone developers */
/*
 * container COMMAND ARGUMENT...: runs it as a container engine does by default:
 * with the few capabilities that are left to root there, and under a filter that
 * refuses what they don't allow. An approximation of docker's default profile, by
 * its public description; what it allows to any process is allowed here, unknown
 * numbers too.
 *
 * Wants CAP_SYS_ADMIN; set-user-ID programs keep working, as in docker.
 */
#include <errno.h>
#include <linux/audit.h>
#include <linux/capability.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#define NAMESPACES	0x7e020000u	/* CLONE_NEW*, as clone(2) takes them */
#define ANSWER(error)	(SECCOMP_RET_ERRNO | (error))

/* What a container's root may: CAP_SYS_ADMIN and CAP_SYS_RESOURCE aren't there. */
static const int capabilities[] = {
	CAP_CHOWN, CAP_DAC_OVERRIDE, CAP_FOWNER, CAP_FSETID, CAP_KILL, CAP_SETGID,
	CAP_SETUID, CAP_SETPCAP, CAP_NET_BIND_SERVICE, CAP_NET_RAW, CAP_SYS_CHROOT,
	CAP_MKNOD, CAP_AUDIT_WRITE, CAP_SETFCAP,
};

/* Refused with EPERM, whatever the arguments. */
static const int refused[] = {
	SYS_acct, SYS_add_key, SYS_bpf, SYS_clock_adjtime, SYS_clock_settime,
	SYS_delete_module, SYS_fanotify_init, SYS_finit_module, SYS_init_module,
	SYS_kcmp, SYS_kexec_load, SYS_keyctl, SYS_lookup_dcookie, SYS_mbind,
	SYS_migrate_pages, SYS_mount, SYS_move_pages, SYS_nfsservctl,
	SYS_open_by_handle_at, SYS_perf_event_open, SYS_pivot_root, SYS_quotactl,
	SYS_reboot, SYS_request_key, SYS_set_mempolicy, SYS_setdomainname,
	SYS_sethostname, SYS_setns, SYS_settimeofday, SYS_swapoff, SYS_swapon,
	SYS_syslog, SYS_umount2, SYS_unshare, SYS_userfaultfd, SYS_vhangup,
};

#define COUNT(array)	(sizeof (array) / sizeof *(array))

static void die(const char *what)
{
	perror(what);
	exit(125);
}

static void filter(void)
{
	struct sock_filter code[8 + 2 * COUNT(refused)];
	struct sock_fprog program = { 0, code };
	size_t i, n = 0;

#define EMIT(operation, value, yes, no)	(code[n++] = \
	(struct sock_filter)BPF_JUMP(operation, value, yes, no))
	EMIT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr), 0, 0);
	for (i = 0; i < COUNT(refused); i++) {
		EMIT(BPF_JMP | BPF_JEQ | BPF_K, (unsigned)refused[i], 0, 1);
		EMIT(BPF_RET | BPF_K, ANSWER(EPERM), 0, 0);
	}
	/* Its flags are in memory, where no filter looks: libc shall use clone. */
	EMIT(BPF_JMP | BPF_JEQ | BPF_K, SYS_clone3, 0, 1);
	EMIT(BPF_RET | BPF_K, ANSWER(ENOSYS), 0, 0);
	EMIT(BPF_JMP | BPF_JEQ | BPF_K, SYS_clone, 0, 3);
	EMIT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, args[0]), 0, 0);
	EMIT(BPF_JMP | BPF_JSET | BPF_K, NAMESPACES, 0, 1);
	EMIT(BPF_RET | BPF_K, ANSWER(EPERM), 0, 0);
	EMIT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW, 0, 0);
	program.len = (unsigned short)n;
	if (prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) != 0)
		die("seccomp");
}

int main(int argc, char **argv)
{
	struct __user_cap_header_struct header = { _LINUX_CAPABILITY_VERSION_3, 0 };
	struct __user_cap_data_struct data[2] = { { 0, 0, 0 }, { 0, 0, 0 } };
	unsigned long long kept = 0;
	int number;
	size_t i;

	if (argc < 2) {
		fputs("usage: container COMMAND ARGUMENT...\n", stderr);
		return 125;
	}
	for (i = 0; i < COUNT(capabilities); i++)
		kept |= 1ull << capabilities[i];
	for (number = 0; prctl(PR_CAPBSET_READ, number) >= 0; number++)
		if (!(kept >> number & 1) && prctl(PR_CAPBSET_DROP, number) != 0)
			die("capabilities");
	filter();
	for (i = 0; i < 2; i++)
		data[i].effective = data[i].permitted = (unsigned)(kept >> (32 * i));
	if (syscall(SYS_capset, &header, data) != 0)
		die("capset");
	execvp(argv[1], argv + 1);
	die(argv[1]);
}
