/*
 * realloc_freed_area.c - realloc of a large area that was freed.
 */
#include "misuse.h"

int main(void)
{
	void *p = must_malloc(10 << 20);

	free(p);
	hide(realloc(bad(p), hide_size(40 << 20)));
	return 0;
}
