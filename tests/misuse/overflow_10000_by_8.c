/*
 * overflow_10000_by_8.c - a word behind a buffer of pages.
 */
#include "misuse.h"

int main(void)
{
	char *p = must_malloc(10000);

	memset(p + hide_size(10000), 0x54, 8);
	later();
	free(bad(p));
	heap_is_sane();
	return 0;
}
