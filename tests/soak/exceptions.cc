// SPDX-License-Identifier: MIT OR Apache-2.0
// Copyright (c) 2026 The nbclone developers
// C++ on the child's stack: an exception that is caught there; one that nobody
// catches, which must end the child and go no further than func; one thrown
// through many frames with destructors. In a child with memory of its own, and
// in one that shares ours.
#include "campaign.h"

#include <cstdlib>
#include <sched.h>
#include <csignal>
#include <stdexcept>
#include <sys/wait.h>
#include <unistd.h>

namespace {

struct Guard {
	int *count;
	~Guard() { ++*count; }
};

int throw_deep(int depth, int *count)
{
	Guard guard = { count };

	if (depth == 0)
		throw std::runtime_error("deep");
	return throw_deep(depth - 1, count) + 1;
}

int catches(void *)
{
	int count = 0;

	try {
		throw_deep(20, &count);
	} catch (const std::exception &) {
		return count == 21 ? 7 : 1;
	}
	return 2;
}

int throws(void *)
{
	throw 7;
}

void run(int (*func)(void *), bool dies)
{
	static const int flags[] = { SIGCHLD, CLONE_VM | CLONE_VFORK | SIGCHLD,
		CLONE_VM | SIGCHLD };
	char *stack = new_stack();

	for (int word : flags) {
		int status = wait_for(clone(func, stack, word, nullptr));

		if (dies)
			expect("the signal", WIFSIGNALED(status) ? WTERMSIG(status) : 0, SIGABRT);
		else
			expect("the child's status", status, 7 << 8);
	}
	free_stack(stack);
}

void caught() { run(catches, false); }

// Even if clone's caller has a handler for it and shares the memory.
void uncaught()
{
	// terminate says so on stderr.
	if (freopen("/dev/null", "w", stderr) == nullptr)
		skip_case("no /dev/null");
	try {
		run(throws, true);
	} catch (...) {
		fail("the exception left the child");
	}
}

const test cases[] = { { "func_throws_and_catches", caught, 0 },
	{ "func_throws", uncaught, 0 } };

} // namespace

int main(int argc, char **argv)
{
	return run_cases(cases, 2, argc, argv);
}
