/*
 * interior_100k_plus_16.c - a pointer just into a block of pages.
 */
#include "misuse.h"

int main(void)
{
	char *p = must_malloc(100 << 10);

	free(bad(p + 16));
	return 0;
}
