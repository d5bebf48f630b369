/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Copyright (c) 2026 The nbclone developers */
/* <sys/syscall.h>, for syscall(2): an overlay over the system's, so that
 * SYS_clone is what <linux/unistd.h> makes of it. */
#if defined(__GNUC__)
# pragma GCC system_header	/* for include_next */
#endif
#include_next <sys/syscall.h>
#include <linux/unistd.h>
