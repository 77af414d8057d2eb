/*
 * vmem_vunmap_of_vmalloc.c - vunmap() of an area of vmalloc().
 */
#include "kmem.h"

int main(void)
{
	void *p = must_vmalloc(1 << 20);

	CALL(vunmap)(bad(p));
	return 0;
}
