/*
 * double_free_100k.c - a block of 100 KiB is freed twice, at once.
 */
#include "misuse.h"

int main(void)
{
	void *p = must_malloc(100 << 10);

	free(p);
	free(bad(p));
	return 0;
}
