/*
 * realloc_freed_later.c - a block is grown that was freed, and not last.
 */
#include "misuse.h"

int main(void)
{
	void *p = must_malloc(48), *q = must_malloc(48);

	free(p);
	free(q);
	later();
	p = realloc(bad(p), hide_size(60));
	heap_is_sane();
	return 0;
}
