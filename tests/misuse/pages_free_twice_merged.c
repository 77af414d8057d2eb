/*
 * pages_free_twice_merged.c - freed twice when its buddies have taken it in.
 */
#include "kmem.h"

int main(void)
{
	unsigned long p = must_get_pages(10);

	/* Page by page, until they are one block again. */
	CALL(split_page)(CALL(virt_to_page)((void *)p), 10);
	for (int i = 0; i < 1024; i++)
		CALL(free_pages)(p + i * ALLOC_PAGE_SIZE, 0);
	malloc_trim(0);
	CALL(free_pages)(bad_addr(p + 777 * ALLOC_PAGE_SIZE), 0);
	return 0;
}
