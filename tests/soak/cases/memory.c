/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Copyright (c) 2026 The nbclone developers */
/*
 * What a call writes: nothing in the parent, and in a child with copied memory
 * nothing outside the calling thread's descriptor in libc, whatever the program
 * has made of its thread pointer and of set_tid_address(2).
 */
#define _GNU_SOURCE
#include "beside.h"

#include <fcntl.h>
#include <stdio.h>
#include <sys/prctl.h>
#ifdef __x86_64__
# include <asm/prctl.h>
#endif

#define MOST_REGIONS	64
#define ROOM		((size_t)64 << 20)
#define DESCRIPTOR_SIZE	2560		/* glibc's struct pthread is 2304 on x86-64 */
#define MOST_WORDS	6

static struct region {
	char *start, *end;
	char *copy;			/* in memory that is shared, and no region itself */
} *regions;

static int *region_count;
static char *first_frame;		/* main's */
static int is_on_thread;
static char *copies;

/* Reads /proc/self/maps without stdio, which would change memory itself. */
static void
take_copies(void)
{
	static char text[65536];
	char *line, *to = copies;
	int fd = open("/proc/self/maps", O_RDONLY);
	size_t length = 0;
	ssize_t got;

	if (fd == -1)
		skip_case("no /proc");
	while ((got = read(fd, text + length, sizeof(text) - 1 - length)) > 0)
		length += (size_t)got;
	close(fd);
	text[length] = '\0';
	*region_count = 0;
	for (line = text; *line != '\0'; line = strchr(line, '\n') + 1) {
		struct region *region = &regions[*region_count];
		unsigned long from, to_end;
		char *rest;

		from = strtoul(line, &rest, 16);
		to_end = strtoul(rest + 1, &rest, 16);
		if (strncmp(rest, " rw-p", 5) != 0 || *region_count == MOST_REGIONS)
			continue;
		region->start = (char *)from;
		region->end = (char *)to_end;
		region->copy = to;
		to += to_end - from;
		if (to > copies + ROOM)
			fail("too much memory");
		++*region_count;
	}
	for (length = 0; length < (size_t)*region_count; length++)
		memcpy(regions[length].copy, regions[length].start,
		    (size_t)(regions[length].end - regions[length].start));
}

/* Memory that may differ: the stacks in use, and text itself. */
static struct range {
	char *start, *end;
} *apart;

static int
is_apart(char *word)
{
	int i;

	for (i = 0; i < 4; i++)
		if (word >= apart[i].start && word < apart[i].end)
			return 1;
	return 0;
}

/* How many words differ; `outside`: the first that isn't in [from, to). */
static int
changed(char *from, char *to, char **outside)
{
	int count = 0, i;

	*outside = NULL;
	for (i = 0; i < *region_count; i++) {
		struct region *region = &regions[i];
		char *word;

		for (word = region->start; word < region->end; word += sizeof(int)) {
			if (*(volatile int *)word ==
			    *(volatile int *)(region->copy + (word - region->start)) ||
			    is_apart(word))
				continue;
			count++;
			if ((word < from || word >= to) && *outside == NULL)
				*outside = word;
		}
	}
	return count;
}

struct seen {
	int count;
	char *outside;
};

static struct seen *seen;

static int
look(void *self)
{
	seen->count = changed(self, (char *)self + DESCRIPTOR_SIZE, &seen->outside);
	return 7;
}

static void __attribute__((noinline))
check(void)
{
	char *self = (char *)pthread_self(), *here = __builtin_frame_address(0);
	char *outside, *stack = next_stack();
	pid_t pid;
	int count;

#ifdef FORK
	not_applicable();
#endif
	/* The caller's stack up to this frame, the child's, and the first
	 * thread's while it waits for this one. */
	apart[0].start = here - STACK_SIZE;
	apart[0].end = here + 64;
	apart[1].start = stack - STACK_SIZE;
	apart[1].end = stack;
	if (is_on_thread) {
		apart[2].start = first_frame - STACK_SIZE;
		apart[2].end = first_frame;
	}
	take_copies();
	pid = clone(look, stack, SIGCHLD, self);
	count = changed(NULL, NULL, &outside);
	if (pid == -1)
		fail("errno %d", errno);
	if (count != 0)
		fail("%d words of the parent's have changed, %p the first", count, (void *)outside);
	expect_exit(wait_for(pid), 7);
	if (seen->outside != NULL)
		fail("in the child %d words have changed, %p, which isn't libc's, the first",
		    seen->count, (void *)seen->outside);
	if (seen->count > MOST_WORDS)
		fail("in the child %d words have changed", seen->count);
}

static void twice(void) { check(); check(); }
static void from_the_first_thread(void) { twice(); }

static void
thread(void (*body)(void))
{
	is_on_thread = 1;
	on_thread(body);
}

static void from_another_thread(void) { thread(twice); }
static void from_a_sharing_child(void) { in_sharing_child(twice); }
static void from_a_raw_child(void) { in_raw_child(twice); }

static int own_word;

static void
after_set_tid_address(void)
{
	void *before = NULL;

	if (prctl(PR_GET_TID_ADDRESS, &before, 0, 0, 0) == -1)
		skip_case("no PR_GET_TID_ADDRESS");
	own_word = (int)syscall(SYS_gettid);
	syscall(SYS_set_tid_address, &own_word);
	twice();
	syscall(SYS_set_tid_address, before);
}

static void threads_after_set_tid_address(void) { thread(after_set_tid_address); }

/* A distance learnt from one thread's word must not be applied to another thread:
 * the word is placed so that there it would point to the program's data. */
#define ARENA		((size_t)1 << 30)
static volatile int *target;
static int *volatile others_errno;
static volatile int may_go;

static int
finds_its_data(void *arg)
{
	(void)arg;
	return *target == 0x5a5a5a5a ? 7 : 1;
}

static void *
clones_at_last(void *arg)
{
	others_errno = &errno;
	while (!may_go)
		sched_yield();
	*(int *)arg = wait_for(start(SIGCHLD, finds_its_data, NULL));
	return NULL;
}

static void
aim(void)
{
	pthread_t other;
	char *arena;
	ptrdiff_t distance;
	int status = 0, *word;

	expect("pthread_create", pthread_create(&other, NULL, clones_at_last, &status), 0);
	while (others_errno == NULL)
		sched_yield();
	/* Behind the other's stack, which is thus near to this thread's. */
	arena = mmap(NULL, ARENA, PROT_READ | PROT_WRITE,
	    MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	distance = (char *)others_errno - (char *)&errno;
	if (arena == MAP_FAILED || distance >= (ptrdiff_t)ARENA / 2 ||
	    distance <= -(ptrdiff_t)ARENA / 2)
		not_applicable();	/* threads are too far apart */
	word = (int *)(void *)(arena + ARENA / 2);
	target = (int *)(void *)((char *)word + distance);
	*target = 0x5a5a5a5a;
	*word = (int)syscall(SYS_gettid);
	syscall(SYS_set_tid_address, word);
	expect_exit(wait_for(start(SIGCHLD, finds_its_data, NULL)), 7);
	may_go = 1;
	pthread_join(other, NULL);
	expect_exit(status, 7);
}

static void after_set_tid_address_of_another_thread(void) { in_process(aim); }

static void
after_set_robust_list(void)
{
	static struct {
		int around[64];
		void *head[3];
		int behind[64];
	} own;

	own.around[63] = own.around[62] = own.around[60] = (int)syscall(SYS_gettid);
	own.head[0] = own.head;
	syscall(SYS_set_robust_list, own.head, sizeof(own.head));
	twice();
}

/* Threads whose thread pointer is the program's: policy host, or the kernel. */
#if defined(__i386__)
static void foreign(void) { skip_case("thread pointers are segments here"); }
#define FOREIGN(name)	static void name(void) { foreign(); }
FOREIGN(own_block) FOREIGN(own_block_of_zeros) FOREIGN(own_block_at_the_end_of_memory)
FOREIGN(own_block_in_a_process) FOREIGN(own_block_by_the_kernel)
#else
#define PAGE		4096
#define TCB		64		/* what the program itself has at its thread pointer */
#define FILLED		0x5a

static char *block;
static volatile int *ended;
static int behind;			/* bytes behind the TCB that are ours to look at */

static int
finds_its_block_whole(void *arg)
{
	int i;

	(void)arg;
	for (i = 0; i < behind; i++)
		if (block[TCB + i] != FILLED)
			return 1;
	return 7;
}

/* Calls no libc function that needs a thread pointer. */
static int
clones_with_its_block(void *arg)
{
	pid_t pid = clone(finds_its_block_whole, arg, SIGCHLD, NULL);
	int status = 0, result = 1;

	if (pid > 0 && syscall(SYS_wait4, pid, &status, __WALL, NULL) == pid)
		result = status == 7 << 8 ? finds_its_block_whole(NULL) : WIFSIGNALED(status) ? 3 : 2;
	__atomic_store_n(ended, result, __ATOMIC_RELEASE);
	syscall(SYS_exit, result);
	return 0;
}

/* `at`: where in four pages the thread pointer is; `readable`: pages from there. */
static char *
make_block(int is_filled, int at, int pages)
{
	char *memory = mmap(NULL, 4 * PAGE, PROT_READ | PROT_WRITE,
	    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (is_filled)
		memset(memory, FILLED, 4 * PAGE);
	block = memory + at;
	memset(block, 0, TCB);
	if (is_filled) {
		*(void **)block = block;		/* i386 and x86-64 */
		((void **)block)[2] = block;
#ifdef __x86_64__
		/* The canary and the pointer guard. */
		memcpy(block + 0x28, (char *)__builtin_thread_pointer() + 0x28, 16);
#endif
	}
	if (pages < 4)
		mprotect(memory + pages * PAGE, (size_t)(4 - pages) * PAGE, PROT_NONE);
	behind = (int)(memory + pages * PAGE - block) - TCB;
	if (!is_filled)
		memset(block + TCB, FILLED, (size_t)behind);
	return memory;
}

#define THREAD	(CLONE_VM | CLONE_FS | CLONE_FILES | CLONE_SIGHAND | CLONE_THREAD | \
	CLONE_SYSVSEM | CLONE_SETTLS)

static void
with_block(int is_filled, int at, int pages, int flags)
{
	static volatile int result;
	static volatile pid_t tid;
	char *memory;
	pid_t pid;

#ifdef FORK
	not_applicable();
#endif
	memory = make_block(is_filled, at, pages);
	ended = &result;
	/* The library has learnt its places by now. */
	expect_exit(wait_for(start(SIGCHLD, look, NULL)), 7);
	tid = 1;
	pid = clone(clones_with_its_block, next_stack(), flags, next_stack(), NULL,
	    block, &tid);
	if (pid == -1)
		fail("errno %d", errno);
	if (flags & CLONE_THREAD)
		while (result == 0)
			sched_yield();
	else
		wait_for(pid);
	if (result == 3)
		fail("the child dies");
	expect("what its child finds (7: the block is whole)", result, 7);
	munmap(memory, 4 * PAGE);
}

static void own_block(void) { with_block(1, PAGE, 4, THREAD); }
static void own_block_of_zeros(void) { with_block(0, PAGE, 4, THREAD); }
static void own_block_at_the_end_of_memory(void) { with_block(1, 2 * PAGE - TCB, 2, THREAD); }
static void own_block_in_a_process(void) { with_block(1, PAGE, 4, CLONE_VM | CLONE_SETTLS | SIGCHLD); }

/* As an emulator's or a coroutine's switch has it: in no flags of clone. */
static void
own_block_by_the_kernel(void)
{
#ifdef __x86_64__
	static volatile int result;
	unsigned long before = 0;	/* the compiler would read it again */
	char *memory;
	pid_t pid;
	int status = 0;

#ifdef FORK
	not_applicable();
#endif
	memory = make_block(1, 2 * PAGE - TCB, 2);
	ended = &result;
	expect_exit(wait_for(start(SIGCHLD, look, NULL)), 7);
	syscall(SYS_arch_prctl, ARCH_GET_FS, &before);
	syscall(SYS_arch_prctl, ARCH_SET_FS, block);
	pid = clone(finds_its_block_whole, next_stack(), SIGCHLD, NULL);
	syscall(SYS_arch_prctl, ARCH_SET_FS, before);
	expect("waitpid", waitpid(pid, &status, 0), pid);
	expect_exit(status, 7);
	expect("what the caller finds", finds_its_block_whole(NULL), 7);
	munmap(memory, 4 * PAGE);
#else
	not_applicable();
#endif
}
#endif

static const struct test cases[] = {
	CASE(from_the_first_thread), CASE(from_another_thread), CASE(from_a_sharing_child),
	CASE(from_a_raw_child), CASE(after_set_tid_address), CASE(threads_after_set_tid_address),
	CASE(after_set_tid_address_of_another_thread), CASE(after_set_robust_list),
	CASE(own_block), CASE(own_block_of_zeros), CASE(own_block_at_the_end_of_memory),
	CASE(own_block_in_a_process), CASE(own_block_by_the_kernel),
};

int
main(int argc, char **argv)
{
	char *memory = mmap(NULL, ROOM + 65536, PROT_READ | PROT_WRITE,
	    MAP_SHARED | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

	if (memory == MAP_FAILED)
		return 2;
	first_frame = __builtin_frame_address(0);
	regions = (void *)memory;
	region_count = (void *)(memory + 32768);
	apart = (void *)(memory + 40960);
	seen = (void *)(memory + 49152);
	copies = memory + 65536;
	return RUN(cases);
}
