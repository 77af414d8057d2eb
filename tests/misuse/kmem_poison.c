/*
 * kmem_poison.c - an object is written after it was freed (SLAB_POISON).
 */
#include "kmem.h"

int main(void)
{
	struct kmem_cache *s = must_cache("pears", 100, ALLOC_SLAB_POISON |
					  ALLOC_SLAB_STORE_USER);
	char *obj = bad(must_object(s));

	CALL(kmem_cache_free)(s, obj);
	obj[98] = 'A';
	CALL(kmem_cache_destroy)(s);
	return 0;
}
