/*
 * overflow_calloc_by_1.c - one byte behind calloc().
 */
#include "misuse.h"

int main(void)
{
	char *p = must_malloc(1);

	p = calloc(hide_size(5), 9);
	p[hide_size(45)] = 0x54;
	later();
	free(bad(p));
	heap_is_sane();
	return 0;
}
