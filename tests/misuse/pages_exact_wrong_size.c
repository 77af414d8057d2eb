/*
 * pages_exact_wrong_size.c - twenty pages are freed as nineteen.
 */
#include "kmem.h"

int main(void)
{
	void *p = CALL(alloc_pages_exact)(20 * ALLOC_PAGE_SIZE,
					  ALLOC_GFP_KERNEL);

	MUST(p);
	CALL(free_pages_exact)(bad(p), 19 * ALLOC_PAGE_SIZE);
	return 0;
}
