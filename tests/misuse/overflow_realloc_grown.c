/*
 * overflow_realloc_grown.c - one byte behind what realloc() has made larger.
 */
#include "misuse.h"

int main(void)
{
	char *p = must_malloc(24);

	p = realloc(p, hide_size(40));
	p[hide_size(40)] = 0x54;
	later();
	free(bad(p));
	heap_is_sane();
	return 0;
}
