/*
 * double_free_4k.c - a page is freed twice, at once.
 */
#include "misuse.h"

int main(void)
{
	void *p = must_malloc(4096);

	free(p);
	free(bad(p));
	return 0;
}
