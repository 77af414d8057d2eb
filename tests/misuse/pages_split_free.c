/*
 * pages_split_free.c - a block is split that was freed.
 */
#include "kmem.h"

int main(void)
{
	unsigned long p = must_get_pages(2);
	struct page *page = CALL(virt_to_page)((void *)p);

	CALL(free_pages)(p, 2);
	bad((void *)p);
	CALL(split_page)(page, 2);
	return 0;
}
