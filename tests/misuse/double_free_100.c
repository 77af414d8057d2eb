/*
 * double_free_100.c - an object of 100 bytes is freed twice, at once.
 */
#include "misuse.h"

int main(void)
{
	void *p = must_malloc(100);

	free(p);
	free(bad(p));
	return 0;
}
