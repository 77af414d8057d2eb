/*
 * realloc_freed_pages.c - pages are grown that were freed.
 */
#include "misuse.h"

int main(void)
{
	void *p = must_malloc(100000);

	free(p);
	later();
	p = realloc(bad(p), hide_size(200000));
	return 0;
}
