/*
 * interior_page_plus_16.c - a pointer into a page.
 */
#include "misuse.h"

int main(void)
{
	char *p = must_malloc(4096);

	free(bad(p + 16));
	return 0;
}
