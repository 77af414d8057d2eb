/*
 * vmem_of_pages.c - vfree() of a block of pages.
 */
#include "kmem.h"

int main(void)
{
	unsigned long p = must_get_pages(3);

	CALL(vfree)(bad((void *)p));
	return 0;
}
