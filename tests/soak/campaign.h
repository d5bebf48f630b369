/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Copyright (c) 2026 The nbclone developers */
/*
 * campaign.h - the cases of a campaign: each runs in a process of its own, so
 * that one which dies names itself, and is measured before and after.
 */
#ifndef CAMPAIGN_H
#define CAMPAIGN_H

#include <stddef.h>
#include <sys/types.h>

#ifdef __cplusplus
extern "C" {
#endif

/* musl's own is hidden in its shared library. */
extern int __clone(int (*)(void *), void *, int, void *, ...) __attribute__((weak));
extern pid_t linux1_clone(void *, unsigned long) __attribute__((weak));

struct test {
	const char *name;
	void (*run)(void);
	int is_linux1;		/* no peer has it */
};

/* Runs all, or the one named in argv[1]: "name<TAB>ok", "name<TAB>-" if it
 * isn't applicable, or what went wrong.
 * -l: their names alone. Returns main's value. */
int run_cases(const struct test *cases, size_t count, int argc, char **argv);

/* Ends the case as failed, with what was seen. */
void fail(const char *format, ...)
    __attribute__((format(printf, 1, 2), noreturn));
/* Ends the case: the machine can't show this. */
void skip_case(const char *why) __attribute__((noreturn));
/* Ends the case: the call that is judged has nothing of the kind. */
void not_applicable(void) __attribute__((noreturn));

/* Fails unless the two are equal. */
void expect(const char *what, long seen, long wanted);

/* A stack with a guard page on either side, filled with a pattern. */
#define STACK_SIZE	65536
char *new_stack(void);			/* its end */
void expect_untouched(const char *end);
void free_stack(char *end);

/* Waits for a child and returns its status. */
int wait_for(pid_t pid);

/* Descriptors, mappings and children of this process. */
struct counts {
	int descriptors, mappings, children;
};
struct counts count_all(void);

#ifdef __cplusplus
}
#endif

#endif /* CAMPAIGN_H */
