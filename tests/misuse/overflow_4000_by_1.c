/*
 * overflow_4000_by_1.c - one byte behind a large object.
 */
#include "misuse.h"

int main(void)
{
	char *p = must_malloc(4000);

	p[hide_size(4000)] = 0x54;
	later();
	free(bad(p));
	heap_is_sane();
	return 0;
}
