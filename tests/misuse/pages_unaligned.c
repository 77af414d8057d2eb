/*
 * pages_unaligned.c - the address is not the start of a page.
 */
#include "kmem.h"

int main(void)
{
	unsigned long p = must_get_pages(0);

	CALL(free_pages)(bad_addr(p + 16), 0);
	return 0;
}
