/*
 * pages_split_freed_whole.c - a split block is freed as if it were not.
 */
#include "kmem.h"

int main(void)
{
	unsigned long p = must_get_pages(2);

	CALL(split_page)(CALL(virt_to_page)((void *)p), 2);
	CALL(free_pages)(bad_addr(p), 2);
	return 0;
}
