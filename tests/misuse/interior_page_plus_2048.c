/*
 * interior_page_plus_2048.c - a pointer to the middle of a page.
 */
#include "misuse.h"

int main(void)
{
	char *p = must_malloc(4096);

	free(bad(p + 2048));
	return 0;
}
