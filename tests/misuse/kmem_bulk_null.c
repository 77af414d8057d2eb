/*
 * kmem_bulk_null.c - one of many objects to be freed is NULL.
 */
#include "kmem.h"

int main(void)
{
	struct kmem_cache *s = must_cache("pears", 64, 0);
	void *objs[3] = { must_object(s), NULL, must_object(s) };

	CALL(kmem_cache_free_bulk)(s, 3, objs);
	return 0;
}
