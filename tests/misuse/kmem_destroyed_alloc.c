/*
 * kmem_destroyed_alloc.c - a cache is used after it was destroyed.
 */
#include "kmem.h"

int main(void)
{
	struct kmem_cache *s = must_cache("pears", 64, 0);

	CALL(kmem_cache_free)(s, must_object(s));
	CALL(kmem_cache_destroy)(s);
	must_object(bad(s));
	return 0;
}
