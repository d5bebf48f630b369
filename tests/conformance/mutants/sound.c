/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Copyright (c) 2026 The nbclone developers */
/*
 * A sound clone for Linux on x86-64, to try the suite on, and the ways to break
 * it: each -DMUTANT_NAME is one mistake that a shim could make. It shares nothing
 * with the library that the suite is for.
 *
 * clone() and __clone() take what NetBSD's take and three arguments more, which
 * policy host hands to the kernel.
 */
#include <errno.h>
#include <signal.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#ifndef __x86_64__
#error "this reference is for x86-64"
#endif

enum {
	SIGNAL_BYTE = 0xff,
	VM = 0x100,
	FS = 0x200,
	FILES = 0x400,
	SIGHAND = 0x800,
	VFORK = 0x4000,
	PTRACE = 0x2000,
	THREAD = 0x10000,
	FIVE = VM | FS | FILES | SIGHAND | VFORK
};

enum policy { STRICT, NETBSD, HOST };

/* What pthread_create passes to __clone in static programs: glibc's and musl's. */
enum { GLIBC_THREAD = 0x3d0f00, MUSL_THREAD = 0x7d0f00 };

/* What the trampoline does after func, and which signal stack it sets first. */
struct start {
	unsigned long end; /* number of the system call that ends the child */
	void *signal_stack;
	size_t signal_stack_size;
	long signal_stack_flags; /* SS_DISABLE: leave it alone */
};

long trampoline(int (*func)(void *), void *stack, unsigned long flags, void *arg,
                void *parent_tid, void *tls, void *child_tid, const struct start *start)
    __attribute__((visibility("hidden")));

#ifdef MUTANT_FALLS_BACK
#define END_OF_CHILD "movq trampoline_back(%rip), %rdx\njmp *%rdx\n"
#elif defined(MUTANT_RETURNS_INTO_STACK)
#define END_OF_CHILD "ret\n"
#elif defined(MUTANT_LIBC_EXIT)
#define END_OF_CHILD "movl %eax, %edi\nandq $-16, %rsp\ncall *libc_exit(%rip)\nhlt\n"
#elif defined(MUTANT_STATUS_LOST)
#define END_OF_CHILD "xorl %edi, %edi\nmovl %r13d, %eax\nsyscall\nhlt\n"
#elif defined(MUTANT_NEVER_ENDS)
#define END_OF_CHILD "3: jmp 3b\n"
#elif defined(MUTANT_STATUS_SEVEN_BITS)
#define END_OF_CHILD "movl %eax, %edi\nandl $127, %edi\nmovl %r13d, %eax\nsyscall\nhlt\n"
#else
#define END_OF_CHILD "movl %eax, %edi\nmovl %r13d, %eax\nsyscall\nhlt\n"
#endif

#ifdef MUTANT_DIRECTION_FLAG
#define BEFORE_FUNC "std\n"
#elif defined(MUTANT_NEVER_STARTS)
#define BEFORE_FUNC "3: jmp 3b\n"
#elif defined(MUTANT_X87_RESET)
#define BEFORE_FUNC "fninit\n"
#elif defined(MUTANT_MXCSR_RESET)
#define BEFORE_FUNC "pushq $0x1f80\nldmxcsr (%rsp)\npopq %rdx\n"
#elif defined(MUTANT_STACK_USED_UP)
#define BEFORE_FUNC "subq $8192, %rsp\n"
#elif defined(MUTANT_STACK_DIRTIED)
#define BEFORE_FUNC "movq $0, -8192(%rsp)\n"
#elif defined(MUTANT_ABOVE_STACK_READ)
#define BEFORE_FUNC "movq (%rsp), %rdx\n"
#elif defined(MUTANT_ABOVE_STACK_WRITTEN)
#define BEFORE_FUNC "movb $0, 16(%rsp)\n"
#elif defined(MUTANT_ARGUMENT_LOST)
#define BEFORE_FUNC "xorl %r12d, %r12d\n"
#elif defined(MUTANT_ARGUMENT_TRUNCATED)
#define BEFORE_FUNC "movl %r12d, %r12d\n"
#elif defined(MUTANT_NO_RETURN_ADDRESS_SLOT)
#define BEFORE_FUNC "subq $8, %rsp\n"
#else
#define BEFORE_FUNC ""
#endif

/*
 * All that the child needs crosses in registers: the stack argument may not be
 * touched before there is a child. rbx func, r12 arg, r13 the call that ends
 * it, r14, r15 and rbp the signal stack.
 */
__asm__(".text\n"
        ".globl trampoline\n"
        ".hidden trampoline\n"
        ".type trampoline, @function\n"
        "trampoline:\n"
        "pushq %rbx\npushq %rbp\npushq %r12\npushq %r13\npushq %r14\npushq %r15\n"
        "movq %rdi, %rbx\nmovq %rcx, %r12\n"
        "movq 64(%rsp), %rax\n" /* start */
        "movq (%rax), %r13\nmovq 8(%rax), %r14\nmovq 16(%rax), %r15\nmovq 24(%rax), %rbp\n"
        "movq %rdx, %rdi\n"       /* flags; rsi is the stack already */
        "movq %r8, %rdx\n"        /* parent_tid */
        "movq 56(%rsp), %r10\n"   /* child_tid */
        "movq %r9, %r8\n"         /* tls */
        "movl $56, %eax\n"
        "syscall\n"
        "testq %rax, %rax\n"
        "jz 1f\n"
        "popq %r15\npopq %r14\npopq %r13\npopq %r12\npopq %rbp\npopq %rbx\n"
        "ret\n"
        "1:\n"
        "testl $2, %ebp\n" /* SS_DISABLE */
        "jnz 2f\n"
        "movq %r14, -24(%rsp)\nmovq $0, -16(%rsp)\nmovq %r15, -8(%rsp)\n"
        "leaq -24(%rsp), %rdi\nxorl %esi, %esi\nmovl $131, %eax\nsyscall\n"
        "2:\n"
        "xorl %ebp, %ebp\n" BEFORE_FUNC
        "movq %r12, %rdi\n"
        "call *%rbx\n" END_OF_CHILD
        ".size trampoline, . - trampoline\n");

#ifdef MUTANT_LIBC_EXIT
__attribute__((visibility("hidden"), used)) void (*libc_exit)(int) = exit;
#endif
#ifdef MUTANT_FALLS_BACK
__attribute__((visibility("hidden"), used)) void *trampoline_back;
#endif

static long raw_signal_stack(stack_t *old)
{
	long result;

	__asm__ volatile("syscall"
	                 : "=a"(result)
	                 : "a"(131L), "D"(0L), "S"(old)
	                 : "rcx", "r11", "memory");
	return result;
}

static enum policy read_policy(void)
{
	const char *name = getenv("NBCLONE_POLICY");

	if (name != NULL && strcmp(name, "netbsd") == 0)
		return NETBSD;
	if (name != NULL && strcmp(name, "host") == 0)
		return HOST;
	return STRICT;
}

/* Host flags, or -errno. */
static long translate(enum policy policy, unsigned flags)
{
	unsigned other = flags & ~(unsigned)(FIVE | SIGNAL_BYTE);
	unsigned host = flags & (FIVE | SIGNAL_BYTE);

	if (policy == HOST)
		return (long)flags;
#ifndef MUTANT_SIGNAL_BYTE_UNCHECKED
#ifdef MUTANT_SIGNAL_BYTE_ONE_MORE
	if ((flags & SIGNAL_BYTE) > 65)
#elif defined(MUTANT_SIGNAL_BYTE_ONE_LESS)
	if ((flags & SIGNAL_BYTE) > 63)
#elif defined(MUTANT_SIGNAL_BYTE_NETBSDS)
	if ((flags & SIGNAL_BYTE) > 31)
#else
	if ((flags & SIGNAL_BYTE) > 64)
#endif
		return -EINVAL;
#endif
#ifdef MUTANT_SIGHAND_DROPPED
	if ((host & SIGHAND) && !(host & VM))
		host &= ~(unsigned)SIGHAND;
#elif !defined(MUTANT_SIGHAND_IMPLIES_VM)
	if ((flags & SIGHAND) && !(flags & VM))
		return -EINVAL;
#else
	if (host & SIGHAND)
		host |= VM;
#endif
#ifndef MUTANT_PTRACE_ACCEPTED
	if (flags & PTRACE)
		return -EINVAL;
#endif
#ifdef MUTANT_OTHER_BITS_PASSED
	host |= other;
#elif defined(MUTANT_HIGH_BIT_FORGOTTEN)
	if (policy == STRICT && (other & 0x7fffffff))
		return -EINVAL;
#elif defined(MUTANT_STRICT_IGNORES)
	(void)other;
#elif defined(MUTANT_NETBSD_REFUSES)
	if (other)
		return -EINVAL;
#else
	if (policy == STRICT && other)
		return -EINVAL;
#endif
#ifdef MUTANT_VM_LOST
	host &= ~(unsigned)(host & SIGHAND ? 0 : VM);
#endif
#ifdef MUTANT_FS_LOST
	host &= ~(unsigned)FS;
#endif
#ifdef MUTANT_FILES_LOST
	host &= ~(unsigned)FILES;
#endif
#ifdef MUTANT_SIGHAND_LOST
	host &= ~(unsigned)SIGHAND;
#endif
#ifdef MUTANT_VFORK_LOST
	host &= ~(unsigned)VFORK;
#endif
#ifdef MUTANT_FS_ALWAYS
	host |= FS;
#endif
#ifdef MUTANT_FILES_ALWAYS
	host |= FILES;
#endif
#ifdef MUTANT_VFORK_ALWAYS
	host |= VFORK;
#endif
#ifdef MUTANT_EXIT_SIGNAL_LOST
	host &= ~(unsigned)SIGNAL_BYTE;
#endif
#ifdef MUTANT_EXIT_SIGNAL_CHLD
	host = (host & ~(unsigned)SIGNAL_BYTE) | SIGCHLD;
#endif
#ifdef MUTANT_EXIT_SIGNAL_NONE_IS_CHLD
	if ((host & SIGNAL_BYTE) == 0)
		host |= SIGCHLD;
#endif
	return (long)host;
}

static void *align(void *stack)
{
	uintptr_t top = (uintptr_t)stack;

#if defined(MUTANT_NOT_ALIGNED)
	return stack;
#elif defined(MUTANT_ALIGNED_TO_8)
	top &= ~(uintptr_t)7;
#elif defined(MUTANT_ALIGNED_WRONGLY)
	top = (top & ~(uintptr_t)15) - 8;
#elif defined(MUTANT_ALIGNED_UP)
	top = (top + 15) & ~(uintptr_t)15;
#elif defined(MUTANT_ALIGNED_TO_PAGE)
	top &= ~(uintptr_t)4095;
#else
	top &= ~(uintptr_t)15;
#endif
#ifndef MUTANT_TINY_STACK_IS_ZERO
	if (top == 0) /* the kernel would take the parent's */
		top = 16;
#endif
	return (void *)top;
}

#ifdef MUTANT_CHILD_WITHOUT_STACK
#define STACK_FOR_KERNEL(stack) ((void)(stack), (void *)0)
#else
#define STACK_FOR_KERNEL(stack) (stack)
#endif

static int fail(int error)
{
#if defined(MUTANT_ERRNO_NOT_SET)
	(void)error;
	return -1;
#elif defined(MUTANT_ERRNO_SIGN)
	errno = -error;
	return -1;
#elif defined(MUTANT_RETURNS_ERROR)
	errno = error;
	return -error;
#elif defined(MUTANT_ERRNO_ALWAYS_EAGAIN)
	(void)error;
	errno = EAGAIN;
	return -1;
#else
	errno = error;
	return -1;
#endif
}

static int do_clone(int (*func)(void *), void *stack, int flags, void *arg, void *parent_tid,
                    void *tls, void *child_tid)
{
	enum policy policy = read_policy();
	struct start start = {231, NULL, 0, SS_DISABLE};
	long host, result;
	stack_t old;

#ifdef MUTANT_NULL_IS_EFAULT
	if (func == NULL || stack == NULL)
		return fail(EFAULT);
#endif
#ifndef MUTANT_FUNC_NULL_UNCHECKED
	if (func == NULL)
		return fail(EINVAL);
#endif
#ifndef MUTANT_STACK_NULL_UNCHECKED
	if (stack == NULL)
		return fail(EINVAL);
#endif
	host = translate(policy, (unsigned)flags);
#ifdef MUTANT_WRITES_BEFORE_CHECK
	((void **)align(stack))[-1] = arg;
#endif
	if (host < 0)
		return fail((int)-host);
#ifdef MUTANT_WRITES_BEFORE_CALL
	((void **)align(stack))[-1] = arg;
	((void **)align(stack))[-2] = (void *)(uintptr_t)func;
#endif
#ifndef MUTANT_SIGNAL_STACK_LOST
	if (policy == NETBSD && (host & VM) && !(host & VFORK) && raw_signal_stack(&old) == 0) {
		start.signal_stack = old.ss_sp;
		start.signal_stack_size = old.ss_size;
		start.signal_stack_flags = old.ss_flags & SS_DISABLE;
#ifdef MUTANT_SIGNAL_STACK_SMALLER
		start.signal_stack_size /= 2;
#endif
	}
#else
	(void)old;
	(void)raw_signal_stack;
#endif
#ifdef MUTANT_SIGNAL_STACK_ALWAYS
	if ((host & VM) && !(host & VFORK) && raw_signal_stack(&old) == 0) {
		start.signal_stack = old.ss_sp;
		start.signal_stack_size = old.ss_size;
		start.signal_stack_flags = old.ss_flags & SS_DISABLE;
	}
#endif
#ifdef MUTANT_THREAD_EXIT
	start.end = 60;
#else
	if (host & THREAD)
		start.end = 60;
#endif
#ifdef MUTANT_ARGUMENT_IS_FUNC
	arg = (void *)(uintptr_t)func;
#endif
#ifdef MUTANT_FALLS_BACK
	trampoline_back = __builtin_return_address(0);
#endif
#if defined(MUTANT_ERRNO_CLEARED)
	errno = 0;
#endif
	result = trampoline(func, STACK_FOR_KERNEL(align(stack)), (unsigned long)host, arg,
	                    parent_tid, tls, child_tid, &start);
	if (result < 0)
		return fail((int)-result);
#if defined(MUTANT_ERRNO_TOUCHED)
	errno = ENOTTY;
#elif defined(MUTANT_RETURNS_ZERO)
	return 0;
#elif defined(MUTANT_RETURNS_PID_PLUS_ONE)
	return (int)result + 1;
#endif
	return (int)result;
}

#if defined(MUTANT_CLOBBERS_RBX)
#define CLOBBER "xorl %ebx, %ebx\n"
#elif defined(MUTANT_CLOBBERS_RBP)
#define CLOBBER "xorl %ebp, %ebp\n"
#elif defined(MUTANT_CLOBBERS_R12)
#define CLOBBER "xorl %r12d, %r12d\n"
#elif defined(MUTANT_CLOBBERS_R13)
#define CLOBBER "xorl %r13d, %r13d\n"
#elif defined(MUTANT_CLOBBERS_R14)
#define CLOBBER "xorl %r14d, %r14d\n"
#elif defined(MUTANT_CLOBBERS_R15)
#define CLOBBER "xorl %r15d, %r15d\n"
#endif

#ifdef CLOBBER
/* On the way out of the call: the compiler's own code would mend it further in. */
__asm__(".text\n.globl clone\n.type clone, @function\n"
        "clone:\npushq 8(%rsp)\ncall sound_clone\npopq %rdx\n" CLOBBER "ret\n");
#define EXPORTED sound_clone
__attribute__((visibility("hidden")))
#else
#define EXPORTED clone
#endif
int EXPORTED(int (*func)(void *), void *stack, int flags, void *arg, void *parent_tid,
             void *tls, void *child_tid)
{
	return do_clone(func, stack, flags, arg, parent_tid, tls, child_tid);
}

#ifndef MUTANT_OTHER_NAME_MISSING
int __clone(int (*func)(void *), void *stack, int flags, void *arg, void *parent_tid, void *tls,
            void *child_tid)
{
	static const struct start thread = {60, NULL, 0, SS_DISABLE};

#ifdef MUTANT_OTHER_NAME_UNCHECKED
	if (func == NULL)
		return -1;
#endif
	if (flags == GLIBC_THREAD || flags == MUSL_THREAD)
		return (int)trampoline(func, align(stack), (unsigned)flags, arg, parent_tid, tls,
		                       child_tid, &thread);
	return do_clone(func, stack, flags, arg, parent_tid, tls, child_tid);
}
#endif
