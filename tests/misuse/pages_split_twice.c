/*
 * pages_split_twice.c - a page of a split block is freed twice.
 */
#include "kmem.h"

int main(void)
{
	unsigned long p = must_get_pages(2);

	CALL(split_page)(CALL(virt_to_page)((void *)p), 2);
	CALL(free_pages)(p, 0);
	CALL(free_pages)(p + 2 * ALLOC_PAGE_SIZE, 0);
	CALL(free_pages)(bad_addr(p + 2 * ALLOC_PAGE_SIZE), 0);
	return 0;
}
