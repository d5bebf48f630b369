/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Copyright (c) 2026 The nbclone developers */
/* Ends what a killed runner leaves behind: guardian.c. */
#ifndef GUARDIAN_H
#define GUARDIAN_H

void guardian_start(void);     /* the runner's, before its first case */
void guardian_note_case(void); /* a case's own process, leader of its group, before all else */
void guardian_note_none(void); /* the runner's, when a case's group has been ended */
void guardian_end(void);

void kill_group(pid_t group);

#endif
