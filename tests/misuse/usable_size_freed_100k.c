/*
 * usable_size_freed_100k.c - the size of a freed block is asked for.
 */
#include "misuse.h"

int main(void)
{
	void *p = must_malloc(100000);

	free(p);
	later();
	malloc_usable_size(bad(p));
	return 0;
}
