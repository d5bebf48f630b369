/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Copyright (c) 2026 The nbclone developers */
/* refused: call clone(sp, flags), of <linux/sched.h> */
#include <unistd.h>
#include <signal.h>
#include <sys/syscall.h>
int main() { return syscall(SYS_clone, 0, SIGCHLD); }
