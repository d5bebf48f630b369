/* SPDX-License-Identifier: MIT OR Apache-2.0
 * Copyright (c) 2026 The nbclone developers
 * A module for Node and Bun: clone as JavaScript calls it. Its child ends with status 7.
 * Declared here: the part of Node-API that it uses, which both provide.
 */
#include <errno.h>
#include <sched.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/wait.h>

typedef void *env, *value, *info;
typedef value callback(env, info);
int napi_get_cb_info(env, info, size_t *count, value *arguments, value *this, void **data);
int napi_get_value_int32(env, value, int32_t *result);
int napi_create_int32(env, int32_t, value *result);
int napi_create_function(env, const char *name, size_t length, callback *, void *data,
                         value *result);

#define STACK 65536

static int child(void *argument)
{
	return *(int *)argument;
}

/* clone(FLAGS): the child's exit status, or -errno. */
static value call(env env, info info)
{
	size_t count = 1;
	value argument, result = NULL;
	int32_t flags = 0;
	int seven = 7, status = 0;
	char stack[STACK] __attribute__((aligned(16)));
	pid_t pid;

	napi_get_cb_info(env, info, &count, &argument, NULL, NULL);
	napi_get_value_int32(env, argument, &flags);
	pid = clone(child, stack + STACK, flags, &seven);
	if (pid == -1)
		status = -errno;
	else if (waitpid(pid, &status, __WALL) == pid && WIFEXITED(status))
		status = WEXITSTATUS(status);
	napi_create_int32(env, status, &result);
	return result;
}

/* The module is the function. */
value napi_register_module_v1(env env, value exports)
{
	(void)exports;
	napi_create_function(env, "clone", (size_t)-1, call, NULL, &exports);
	return exports;
}
