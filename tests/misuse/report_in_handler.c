/*
 * report_in_handler.c - SIGABRT's handler may allocate.
 */
#include "misuse.h"

#include <signal.h>

static void handler(int sig)
{
	void *p = malloc(hide_size(48)), *q = malloc(hide_size(5000));

	(void)sig;
	if (p && q && write(STDERR_FILENO, "handler allocated\n", 18) != 18)
		_exit(4);
}

int main(void)
{
	void *p = must_malloc(48);

	signal(SIGABRT, handler);
	alarm(10);
	free(p);
	free(bad(p));
	return 0;
}
