/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Copyright (c) 2026 The nbclone developers */
/* What the suite needs where nothing has been set up: run as a first process. */
#ifndef BOOT_H
#define BOOT_H

int boot_prepare(const char *program); /* 1 if the machine is the suite's alone */
void boot_power_off(void);

#endif
