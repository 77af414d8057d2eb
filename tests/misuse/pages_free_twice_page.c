/*
 * pages_free_twice_page.c - freed twice, by struct page.
 */
#include "kmem.h"

int main(void)
{
	struct page *page = CALL(alloc_pages)(ALLOC_GFP_KERNEL, 4);

	MUST(page);
	CALL(__free_pages)(page, 4);
	bad(CALL(page_address)(page));
	CALL(__free_pages)(page, 4);
	return 0;
}
