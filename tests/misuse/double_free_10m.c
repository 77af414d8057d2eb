/*
 * double_free_10m.c - an area of 10 MiB is freed twice, at once.
 */
#include "misuse.h"

int main(void)
{
	void *p = must_malloc(10 << 20);

	free(p);
	free(bad(p));
	return 0;
}
