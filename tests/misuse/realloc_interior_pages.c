/*
 * realloc_interior_pages.c - realloc of the second page of a block.
 */
#include "misuse.h"

int main(void)
{
	char *p = must_malloc(100 << 10);

	hide(realloc(bad(p + 4096), hide_size(5000)));
	return 0;
}
