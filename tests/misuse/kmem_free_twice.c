/*
 * kmem_free_twice.c - an object is freed twice in a row.
 */
#include "kmem.h"

int main(void)
{
	struct kmem_cache *s = must_cache("pears", 100, 0);
	void *obj = must_object(s);

	CALL(kmem_cache_free)(s, obj);
	CALL(kmem_cache_free)(s, bad(obj));
	return 0;
}
