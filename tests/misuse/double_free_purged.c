/*
 * double_free_purged.c - much was allocated and freed since: at least never
 * silence.
 */
#include "misuse.h"

int main(void)
{
	void *p = must_malloc(10 << 20);

	free(p);
	for (int i = 0; i < 20; i++)
		free(must_malloc((20 + i) << 20));
	malloc_trim(0);
	free(bad(p));
	return 0;
}
