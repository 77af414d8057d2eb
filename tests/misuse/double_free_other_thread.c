/*
 * double_free_other_thread.c - one thread frees, then another.
 */
#include "misuse.h"

#include <pthread.h>

static void *release(void *p)
{
	free(hide(p));
	return NULL;
}

int main(void)
{
	void *p = must_malloc(100);
	pthread_t t;

	if (pthread_create(&t, NULL, release, p))
		return 4;
	pthread_join(t, NULL);
	free(bad(p));
	return 0;
}
