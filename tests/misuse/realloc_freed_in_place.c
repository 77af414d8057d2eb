/*
 * realloc_freed_in_place.c - a block is resized that was freed, to a size that
 * it has room for: it stays where it is, and the sheaf has it as well.
 */
#include "misuse.h"

int main(void)
{
	void *p = must_malloc(48), *q = must_malloc(48);

	free(p);
	free(q);
	later();
	p = realloc(bad(p), hide_size(40));
	heap_is_sane();
	return 0;
}
