/*
 * vmem_unmap_wrong_count.c - vm_unmap_ram() of two pages out of three.
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
	CALL(vm_unmap_ram)(bad(p), 2);
	return 0;
}
