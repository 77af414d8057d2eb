/*
 * usable_size_freed_later.c - the same, when it is not the last that was freed.
 */
#include "misuse.h"

int main(void)
{
	void *p = must_malloc(48), *q = must_malloc(48);

	free(p);
	free(q);
	later();
	malloc_usable_size(bad(p));
	heap_is_sane();
	return 0;
}
