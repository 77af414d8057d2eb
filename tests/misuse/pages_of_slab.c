/*
 * pages_of_slab.c - an object of malloc is freed as a page.
 */
#include "kmem.h"

int main(void)
{
	unsigned long p = (unsigned long)must_malloc(64);

	CALL(free_pages)(bad_addr(p), 0);
	return 0;
}
