/*
 * usable_size_freed_much_later.c - the same, when many others of its size have
 * been freed since: it is given, as by glibc, but with hardened=1.
 */
#include "misuse.h"

int main(void)
{
	void *p = must_malloc(48), *others[200];

	for (int i = 0; i < 200; i++)
		others[i] = must_malloc(48);
	free(p);
	for (int i = 0; i < 200; i++)
		free(others[i]);
	malloc_usable_size(bad(p));
	return 0;
}
