/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Copyright (c) 2026 The nbclone developers */
/* refused: call clone(sp, flags), of <linux/sched.h> */
#include <unistd.h>
#include <syscall.h>
#include <linux/unistd.h>
int main() { return syscall(__NR_clone, 0, 17); }
