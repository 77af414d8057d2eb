/*
 * pages_wrong_order_page.c - freed with a larger order.
 */
#include "kmem.h"

int main(void)
{
	struct page *page = CALL(alloc_pages)(ALLOC_GFP_KERNEL, 0);

	MUST(page);
	bad(CALL(page_address)(page));
	CALL(__free_pages)(page, 5);
	return 0;
}
