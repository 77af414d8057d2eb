/*
 * kmem_interior_large.c - the second page of a large object is freed.
 */
#include "kmem.h"

int main(void)
{
	struct kmem_cache *s = must_cache("melons", 100000, 0);

	CALL(kmem_cache_free)(s, bad((char *)must_object(s) + 4096));
	return 0;
}
