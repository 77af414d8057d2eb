/*
 * kmem_of_pages.c - pages are freed to a cache.
 */
#include "kmem.h"

int main(void)
{
	struct kmem_cache *s = must_cache("pears", 100, ALLOC_SLAB_NO_MERGE);

	CALL(kmem_cache_free)(s, (void *)bad_addr(must_get_pages(2)));
	return 0;
}
