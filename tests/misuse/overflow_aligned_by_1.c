/*
 * overflow_aligned_by_1.c - one byte behind aligned memory.
 */
#include "misuse.h"

int main(void)
{
	char *p = must_malloc(1);

	p = aligned_alloc(64, hide_size(128));
	memset(p, 1, 128);
	p[hide_size(128)] = 0x54;
	later();
	free(bad(p));
	heap_is_sane();
	return 0;
}
