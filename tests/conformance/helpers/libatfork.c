/*
 * libatfork.c - registers its handlers of fork before it has allocated, and
 * allocates in them.
 */
#include "helper.h"

#include <pthread.h>

static unsigned int failed;

static void use_malloc(void)
{
	void *p[200];

	for (size_t i = 0; i < ARRAY_SIZE(p); i++) {
		p[i] = malloc(1 + i * 100);
		if (!p[i])
			failed++;
	}
	for (size_t i = 0; i < ARRAY_SIZE(p); i++)
		free(p[i]);
}

static void in_child(void)
{
	use_malloc();
	if (failed)
		_exit(1);
}

__attribute__((constructor)) static void first(void)
{
	if (pthread_atfork(use_malloc, use_malloc, in_child))
		_exit(1);
}

__attribute__((destructor)) static void last(void)
{
	char text[] = "atfork ok\n";

	if (failed || write(STDOUT_FILENO, text, sizeof(text) - 1) < 0)
		_exit(1);
}
