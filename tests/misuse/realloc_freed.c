/*
 * realloc_freed.c - realloc of what was freed.
 */
#include "misuse.h"

int main(void)
{
	void *p = must_malloc(64);

	free(p);
	hide(realloc(bad(p), hide_size(1 << 20)));
	return 0;
}
