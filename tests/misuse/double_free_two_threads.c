/*
 * double_free_two_threads.c - two threads free the same object, one after the other.
 */
#include "misuse.h"

int main(void)
{
	char *p = must_malloc(48);
	pthread_t t;

	if (pthread_create(&t, NULL, free_it, p) || pthread_join(t, NULL))
		_exit(5);
	free(bad(p));
	later();
	churn(48, 3000);
	return 0;
}
