/*
 * kmem_free_by_free_twice.c - an object is freed to its cache, then by free().
 */
#include "kmem.h"

int main(void)
{
	struct kmem_cache *s = must_cache("pears", 100, 0);
	void *obj = must_object(s);

	CALL(kmem_cache_free)(s, obj);
	free(bad(obj));
	return 0;
}
