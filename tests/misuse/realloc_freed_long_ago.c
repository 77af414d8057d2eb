/*
 * realloc_freed_long_ago.c - a block is grown that was freed before many
 * others of its size.
 */
#include "misuse.h"

int main(void)
{
	void *p[40];

	for (int i = 0; i < 40; i++)
		p[i] = must_malloc(48);
	for (int i = 0; i < 40; i++)
		free(p[i]);
	later();
	p[0] = realloc(bad(p[0]), hide_size(60));
	heap_is_sane();
	return 0;
}
