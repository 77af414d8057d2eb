/*
 * overflow_realloc_shrunk.c - the end that realloc() has cut off is not the user's any more.
 */
#include "misuse.h"

int main(void)
{
	char *p = must_malloc(60);

	p = realloc(p, hide_size(50));
	p[hide_size(55)] ^= 0x54;	/* any byte of a canary may be 0x54 */
	later();
	free(bad(p));
	heap_is_sane();
	return 0;
}
