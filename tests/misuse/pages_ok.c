/*
 * pages_ok.c - nothing is wrong: what may be freed by whom.
 */
#include "kmem.h"

int main(void)
{
	struct page *page, *pages[2];
	unsigned long p;
	void *q;

	/* Pages are pages, whoever took them. */
	free((void *)must_get_pages(3));
	q = must_malloc(64 << 10);
	CALL(free_pages)((unsigned long)q, 4);
	q = must_malloc(5 << 20);
	CALL(vfree)(q);
	free(must_vmalloc(100));
	q = realloc((void *)must_get_pages(0), 20000);
	MUST(q && malloc_usable_size(q) >= 20000 && *(char *)q == 0x11);
	free(q);
	/* Nothing to free. */
	CALL(free_pages)(0, 3);
	CALL(free_pages_exact)(NULL, 100);
	CALL(vfree)(NULL);
	CALL(vunmap)(NULL);
	/* A split block goes page by page. */
	p = must_get_pages(2);
	page = CALL(virt_to_page)((void *)p);
	CALL(split_page)(page, 2);
	for (int i = 3; i >= 0; i--)
		CALL(free_pages)(p + i * ALLOC_PAGE_SIZE, 0);
	/* Questions about what is not ours are answered, not punished. */
	MUST(!CALL(virt_to_page)(&p));
	MUST(!CALL(virt_to_page)(NULL));
	MUST(!CALL(page_address)((struct page *)&p));
	MUST(!CALL(pfn_to_page)(0) && !CALL(pfn_to_page)(~0ul));
	MUST(!CALL(vmalloc_to_page)(&p) && !CALL(is_vmalloc_addr)(&p));
	pages[0] = CALL(alloc_pages)(ALLOC_GFP_KERNEL, 0);
	pages[1] = CALL(alloc_pages)(ALLOC_GFP_KERNEL, 0);
	q = CALL(vmap)(pages, 2, 0, ALLOC_PAGE_KERNEL);
	MUST(q);
	memset(q, 1, 2 * ALLOC_PAGE_SIZE);
	CALL(vunmap)(q);
	q = CALL(vm_map_ram)(pages, 2, -1);
	MUST(q);
	CALL(vm_unmap_ram)(q, 2);
	CALL(__free_pages)(pages[0], 0);
	CALL(__free_pages)(pages[1], 0);
	return 0;
}
