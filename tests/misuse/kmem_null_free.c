/*
 * kmem_null_free.c - an object is freed to no cache.
 */
#include "kmem.h"

int main(void)
{
	struct kmem_cache *s = must_cache("pears", 64, 0);

	CALL(kmem_cache_free)(NULL, must_object(s));
	return 0;
}
