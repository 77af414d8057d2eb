/*
 * kmem_free_twice_large.c - an object of more than 32 KiB is freed twice.  With
 * check=1 its slab has gone back by then, and the address is of no cache.
 */
#include "kmem.h"

int main(void)
{
	struct kmem_cache *s = must_cache("melons", 100000, 0);
	void *obj = must_object(s);

	CALL(kmem_cache_free)(s, obj);
	CALL(kmem_cache_free)(s, bad(obj));
	return 0;
}
