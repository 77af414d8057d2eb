/*
 * overflow_10000_by_1.c - one byte behind a buffer of pages.
 */
#include "misuse.h"

int main(void)
{
	char *p = must_malloc(10000);

	p[hide_size(10000)] = 0x54;
	later();
	free(bad(p));
	heap_is_sane();
	return 0;
}
