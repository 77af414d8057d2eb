/*
 * pages_free_twice.c - a block of pages is freed twice, by address.
 */
#include "kmem.h"

int main(void)
{
	unsigned long p = must_get_pages(3);

	CALL(free_pages)(p, 3);
	CALL(free_pages)(bad_addr(p), 3);
	return 0;
}
