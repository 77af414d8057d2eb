/*
 * pages_foreign_page.c - a struct page that the program made up.
 */
#include "kmem.h"

int main(void)
{
	static char made_up[64] __attribute__((aligned(64)));

	must_get_pages(0);
	CALL(__free_pages)(bad(made_up), 0);
	return 0;
}
