/*
 * double_free_1m.c - a block of 1 MiB is freed twice, at once.
 */
#include "misuse.h"

int main(void)
{
	void *p = must_malloc(1 << 20);

	free(p);
	free(bad(p));
	return 0;
}
