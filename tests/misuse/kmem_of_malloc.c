/*
 * kmem_of_malloc.c - an object of malloc is freed to a cache of another kind.
 */
#include "kmem.h"

int main(void)
{
	struct kmem_cache *s = must_cache("pears", 100, ALLOC_SLAB_NO_MERGE);

	CALL(kmem_cache_free)(s, bad(must_malloc(100)));
	return 0;
}
