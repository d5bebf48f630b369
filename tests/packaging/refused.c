/* refused: exits 0 where clone refuses a flag that NetBSD doesn't implement. */
#include <errno.h>
#include <sched.h>
#include <signal.h>
#include <stddef.h>
#include <sys/wait.h>

static int
child(void *arg)
{
	(void)arg;
	return 0;
}

int
main(void)
{
	static _Alignas(16) char stack[64 * 1024];
	int pid = clone(child, stack + sizeof(stack), CLONE_SYSVSEM | SIGCHLD,
	    NULL);

	if (pid == -1)
		return errno == EINVAL ? 0 : 2;
	waitpid(pid, NULL, 0);
	return 1;
}
