/*
 * vmem_vfree_of_vmap.c - vfree() of a mapping of vmap().
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
	CALL(vfree)(bad(p));
	return 0;
}
