/*
 * vmem_middle.c - vfree() of an address inside of the area.
 */
#include "kmem.h"

int main(void)
{
	char *p = must_vmalloc(1 << 20);

	CALL(vfree)(bad(p + ALLOC_PAGE_SIZE));
	return 0;
}
