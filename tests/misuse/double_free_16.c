/*
 * double_free_16.c - the smallest object is freed twice, at once.
 */
#include "misuse.h"

int main(void)
{
	void *p = must_malloc(16);

	free(p);
	free(bad(p));
	return 0;
}
