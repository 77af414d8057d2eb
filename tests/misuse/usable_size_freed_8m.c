/*
 * usable_size_freed_8m.c - the size of a freed block is asked for.
 */
#include "misuse.h"

int main(void)
{
	void *p = must_malloc(8 << 20);

	free(p);
	later();
	malloc_usable_size(bad(p));
	return 0;
}
