/*
 * overflow_48_by_1.c - one byte behind an object that fills its class.
 */
#include "misuse.h"

int main(void)
{
	char *p = must_malloc(48);

	p[hide_size(48)] = 0x54;
	later();
	free(bad(p));
	heap_is_sane();
	return 0;
}
