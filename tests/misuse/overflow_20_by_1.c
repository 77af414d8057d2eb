/*
 * overflow_20_by_1.c - one byte too many, inside what the class has beyond it.
 */
#include "misuse.h"

int main(void)
{
	char *p = must_malloc(20);

	p[hide_size(20)] = 0x54;
	later();
	free(bad(p));
	heap_is_sane();
	return 0;
}
