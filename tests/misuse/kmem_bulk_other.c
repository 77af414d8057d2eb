/*
 * kmem_bulk_other.c - one of many objects is of another cache.
 */
#include "kmem.h"

int main(void)
{
	struct kmem_cache *s = must_cache("pears", 64, 0);
	void *objs[3] = { must_object(s), must_malloc(200), must_object(s) };

	bad(objs[1]);
	CALL(kmem_cache_free_bulk)(s, 3, objs);
	return 0;
}
