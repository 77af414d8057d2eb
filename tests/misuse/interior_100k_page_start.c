/*
 * interior_100k_page_start.c - the page that a block begins in, but not with.
 */
#include "misuse.h"

int main(void)
{
	char *p = NULL, *page = NULL;

	/* Of the first pageblock all begin with a page, with hardened=1 all. */
	for (int i = 0; i < 400 && p == page; i++) {
		p = must_malloc(100000);
		page = p - ((uintptr_t)p & 4095);
	}
	free(bad(p == page ? p + 16 : page));
	return 0;
}
