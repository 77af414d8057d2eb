/*
 * overflow_1000_by_100.c - a hundred bytes behind an object.
 */
#include "misuse.h"

int main(void)
{
	char *p = must_malloc(1000);

	memset(p + hide_size(1000), 0x54, 100);
	later();
	free(bad(p));
	heap_is_sane();
	return 0;
}
