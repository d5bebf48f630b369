/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Copyright (c) 2026 The nbclone developers */
/* works: its own: 42 */
#include <stdio.h>
/* Without our headers, clone is the program's, whatever the library exports. */
int clone(void *sp, unsigned long flags) { return sp == 0 && flags == 17 ? 42 : 0; }
int main() { printf("its own: %d\n", clone((void *)0, 17)); return 0; }
