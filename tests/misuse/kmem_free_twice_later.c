/*
 * kmem_free_twice_later.c - an object is freed again after others.
 */
#include "kmem.h"

int main(void)
{
	struct kmem_cache *s = must_cache("pears", 100, 0);
	void *obj = must_object(s), *other = must_object(s);

	CALL(kmem_cache_free)(s, obj);
	CALL(kmem_cache_free)(s, other);
	CALL(kmem_cache_free)(s, bad(obj));
	CALL(kmem_cache_shrink)(s);
	return 0;
}
