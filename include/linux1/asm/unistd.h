/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Copyright (c) 2026 The nbclone developers */
/* <asm/unistd.h> of Linux 1.x had the numbers of the system calls and the
 * macros that declare them: <linux/unistd.h> has both. An overlay over the
 * system's, where the numbers come from. */
#if defined(__GNUC__)
# pragma GCC system_header	/* for include_next */
#endif
#if !defined(__has_include_next)
# include_next <asm/unistd.h>
#elif __has_include_next(<asm/unistd.h>)
# include_next <asm/unistd.h>
#endif
#include <linux/unistd.h>
