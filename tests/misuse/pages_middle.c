/*
 * pages_middle.c - the address is a page inside of the block.
 */
#include "kmem.h"

int main(void)
{
	unsigned long p = must_get_pages(3);

	CALL(free_pages)(bad_addr(p + 2 * ALLOC_PAGE_SIZE), 1);
	return 0;
}
