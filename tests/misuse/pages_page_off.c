/*
 * pages_page_off.c - a pointer into a struct page.
 */
#include "kmem.h"

int main(void)
{
	struct page *page = CALL(alloc_pages)(ALLOC_GFP_KERNEL, 0);

	MUST(page);
	CALL(__free_pages)(bad((char *)page + 8), 0);
	return 0;
}
