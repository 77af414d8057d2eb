/*
 * double_free_after_realloc.c - realloc moved it: the old pointer is gone.
 */
#include "misuse.h"

int main(void)
{
	void *p = must_malloc(64), *q;

	bad(p);
	q = realloc(p, 1 << 20);
	if (!q || q == p)
		return 4;
	free(hide(p));
	return 0;
}
