/*
 * kmem_destroyed_free.c - an object is freed to a cache that was destroyed.
 */
#include "kmem.h"

int main(void)
{
	struct kmem_cache *s = must_cache("pears", 64, 0);
	void *obj = must_object(s);

	CALL(kmem_cache_free)(s, obj);
	CALL(kmem_cache_destroy)(s);
	CALL(kmem_cache_free)(bad(s), obj);
	return 0;
}
