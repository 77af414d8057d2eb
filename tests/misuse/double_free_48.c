/*
 * double_free_48.c - an object of 48 bytes is freed twice, at once.
 */
#include "misuse.h"

int main(void)
{
	void *p = must_malloc(48);

	free(p);
	free(bad(p));
	return 0;
}
