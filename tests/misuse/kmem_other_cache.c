/*
 * kmem_other_cache.c - an object is freed to a cache that it is not of.
 */
#include "kmem.h"

int main(void)
{
	struct kmem_cache *a = must_cache("apples", 100, ALLOC_SLAB_NO_MERGE);
	struct kmem_cache *b = must_cache("pears", 100, ALLOC_SLAB_NO_MERGE);

	CALL(kmem_cache_free)(b, bad(must_object(a)));
	return 0;
}
