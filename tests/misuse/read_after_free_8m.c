/*
 * read_after_free_8m.c - a freed area is read.
 */
#include "misuse.h"

int main(void)
{
	char *p = must_malloc(8 << 20);
	volatile char c;

	free(p);
	c = *(char *)hide(p + 100);
	(void)c;
	later();
	heap_is_sane();
	return 0;
}
