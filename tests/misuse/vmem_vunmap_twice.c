/*
 * vmem_vunmap_twice.c - vunmap() twice.
 */
#include "kmem.h"

int main(void)
{
	struct page *pages[3];
	void *p;

	for (int i = 0; i < 3; i++)
		pages[i] = CALL(alloc_pages)(ALLOC_GFP_KERNEL, 0);
	p = CALL(vmap)(pages, 3, ALLOC_VM_MAP, ALLOC_PAGE_KERNEL);
	MUST(p);
	CALL(vunmap)(p);
	CALL(vunmap)(bad(p));
	return 0;
}
