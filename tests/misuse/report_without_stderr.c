/*
 * report_without_stderr.c - stderr is closed: abort all the same, and touch
 * nothing.
 */
#include "misuse.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/wait.h>

int main(void)
{
	int status = 0;
	pid_t pid = fork();

	if (pid == 0) {
		void *p = must_malloc(48);

		close(STDERR_FILENO);
		free(p);
		free(hide(p));
		return 0;
	}
	waitpid(pid, &status, 0);
	if (!WIFSIGNALED(status) || WTERMSIG(status) != SIGABRT)
		survived("double free without stderr");
	fprintf(stderr, "status: aborted\n");
	abort();
}
