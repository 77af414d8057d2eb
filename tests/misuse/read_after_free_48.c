/*
 * read_after_free_48.c - what a freed object held is not what the next owner writes.
 */
#include "misuse.h"

int main(void)
{
	char *p = must_malloc(48);
	volatile char c;

	free(p);
	c = *(char *)hide(p);
	(void)c;
	later();
	heap_is_sane();
	return 0;
}
