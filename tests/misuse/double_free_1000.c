/*
 * double_free_1000.c - an object of 1000 bytes is freed twice, at once.
 */
#include "misuse.h"

int main(void)
{
	void *p = must_malloc(1000);

	free(p);
	free(bad(p));
	return 0;
}
