/*
 * overflow_16k_by_1.c - one byte behind whole pages.
 */
#include "misuse.h"

int main(void)
{
	char *p = must_malloc(16384);

	p[hide_size(16384)] = 0x54;
	later();
	free(p);
	heap_is_sane();
	return 0;
}
