/*
 * realloc_debug.c - what realloc() has moved is freed, with option slab_debug for
 * its size alone: who freed it first is this program, as is who allocated it.
 */
#include "misuse.h"

int main(void)
{
	void *p = bad(must_malloc(240));

	churn(1000, 400);
	hide(realloc(hide(p), 1000));
	free(hide(p));
	return 0;
}
