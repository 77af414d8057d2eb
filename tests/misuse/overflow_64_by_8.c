/*
 * overflow_64_by_8.c - a word behind an object.
 */
#include "misuse.h"

int main(void)
{
	char *p = must_malloc(64);

	memset(p + hide_size(64), 0x54, 8);
	later();
	free(bad(p));
	heap_is_sane();
	return 0;
}
