/*
 * COPYFD and signals: a tracer stops the child before and behind each of its
 * system calls, and from one of them on sends it a signal there, until its
 * handler runs. Whenever that is, limits and descriptors are the parent's.
 */
#include "linux1.h"

#include <sys/ptrace.h>
#include <sys/resource.h>

enum { FEW = 12, HIGHEST = 64 };

static struct rlimit expected_limit;
static int expected_open[HIGHEST];
static volatile sig_atomic_t runs, wrong_limit, stray;
static volatile pid_t parent;

static void handler(int signal)
{
	struct rlimit limit;
	int fd;

	(void)signal;
	if (getpid() == parent)
		return;
	answers->number = ++runs;
	getrlimit(RLIMIT_NOFILE, &limit);
	wrong_limit += limit.rlim_cur != expected_limit.rlim_cur ||
	               limit.rlim_max != expected_limit.rlim_max;
	for (fd = 0; fd < HIGHEST; fd++)
		stray += (fcntl(fd, F_GETFD) != -1) != expected_open[fd];
}

static void report(void)
{
	int more;

	for (more = 0; more < 100 && runs == 0; more++)
		getppid(); /* a place for a signal */
	check(runs > 0, "no handler ran");
	check(wrong_limit == 0, "%d of %d handlers had another limit", (int)wrong_limit, (int)runs);
	check(stray == 0, "%d descriptors came and went", (int)stray);
	check(lseek(10, 0, SEEK_CUR) == 4, "not copied, or another offset");
	lseek(10, 9, SEEK_SET);
}

static void traced_process(enum mode mode)
{
	struct sigaction action = {.sa_handler = handler};
	int fd, status;

	sigaction(SIGUSR1, &action, NULL);
	for (fd = 10; fd < 10 + FEW; fd++) {
		int file = temporary_file("traced", O_RDONLY, 20);

		if (dup2(file, fd) != fd)
			give_up("dup2");
		if (file != fd)
			close(file);
		lseek(fd, 4, SEEK_SET);
	}
	getrlimit(RLIMIT_NOFILE, &expected_limit);
	expected_limit.rlim_cur = HIGHEST;
	setrlimit(RLIMIT_NOFILE, &expected_limit);
	for (fd = 0; fd < HIGHEST; fd++)
		expected_open[fd] = fcntl(fd, F_GETFD) != -1;
	parent = getpid();
	if (ptrace(PTRACE_TRACEME, 0, NULL, NULL) != 0)
		_exit(77);
	raise(SIGSTOP);
	status = in_child(mode, COPYFD, report);
	expect_exit(status, 0);
	check(lseek(10, 0, SEEK_CUR) == 4, "the parent's offset moved");
}

static void signals_from(enum mode mode, int first)
{
	pid_t process, stopped;
	int status, stops = 0;

	answers->number = 0;
	process = fork();
	if (process == 0) {
		traced_process(mode);
		_exit(0);
	}
	waitpid(process, &status, 0);
	if (WIFEXITED(status) && WEXITSTATUS(status) == 77)
		skip("ptrace: not permitted");
	if (!WIFSTOPPED(status) ||
	    ptrace(PTRACE_SETOPTIONS, process, NULL,
	           (void *)(PTRACE_O_TRACESYSGOOD | PTRACE_O_TRACEFORK | PTRACE_O_TRACECLONE |
	                    PTRACE_O_EXITKILL)) != 0)
		give_up("ptrace");
	ptrace(PTRACE_CONT, process, NULL, NULL);
	while ((stopped = waitpid(-1, &status, WALLSIG)) > 0) {
		long deliver = 0;

		if (!WIFSTOPPED(status)) {
			if (stopped == process)
				break;
			continue;
		}
		if (stopped != process && WSTOPSIG(status) == (SIGTRAP | 0x80)) {
			if (++stops >= first && answers->number == 0)
				kill(stopped, SIGUSR1);
		} else if (status >> 16 == 0 && WSTOPSIG(status) != SIGSTOP) {
			deliver = WSTOPSIG(status);
		}
		ptrace(stopped == process ? PTRACE_CONT : PTRACE_SYSCALL, stopped, NULL,
		       (void *)deliver);
	}
	check(stops > 100, "%d stops", stops);
	expect_exit(status, 0);
}

static void signals_at_every_call(long mode)
{
	static const int firsts[] = {1, 4, 5, 6, 7, 8, 9, 10, 12, 20, 40, 90};
	size_t i;

	answers_make();
	for (i = 0; i < LENGTH(firsts); i++)
		signals_from((enum mode)mode, firsts[i]);
}

void traced_cases(void)
{
	add_modes(signals_at_every_call, "COPYFD: a signal at every system call");
}
