/*
 * overflow_by_read.c - reading behind an object changes nothing.
 */
#include "misuse.h"

int main(void)
{
	char *p = must_malloc(48);
	volatile char c = p[hide_size(48)];

	(void)c;
	later();
	free(p);
	heap_is_sane();
	return 0;
}
