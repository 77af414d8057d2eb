/*
 * interior_100k_second_page.c - the second page of a block of pages.
 */
#include "misuse.h"

int main(void)
{
	char *p = must_malloc(100 << 10);

	free(bad(p + 4096));
	return 0;
}
