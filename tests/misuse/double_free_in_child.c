/*
 * double_free_in_child.c - freed by the parent, then by the child of a fork.
 */
#include "misuse.h"

#include <signal.h>
#include <sys/wait.h>

int main(void)
{
	void *p = must_malloc(48);
	int status = 0;
	pid_t pid;

	free(p);
	pid = fork();
	if (pid == 0) {
		free(bad(p));
		return 0;
	}
	waitpid(pid, &status, 0);
	if (WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT)
		abort();
	return 0;
}
