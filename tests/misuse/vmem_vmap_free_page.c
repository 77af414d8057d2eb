/*
 * vmem_vmap_free_page.c - vmap() of a page that was freed.
 */
#include "kmem.h"

int main(void)
{
	unsigned long p = must_get_pages(0);
	struct page *page = CALL(virt_to_page)((void *)p);

	CALL(free_pages)(p, 0);
	bad((void *)p);
	CALL(vmap)(&page, 1, 0, ALLOC_PAGE_KERNEL);
	return 0;
}
