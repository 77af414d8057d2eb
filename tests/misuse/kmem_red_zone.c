/*
 * kmem_red_zone.c - a byte behind an object is written (SLAB_RED_ZONE).
 */
#include "kmem.h"

int main(void)
{
	struct kmem_cache *s = must_cache("pears", 100, ALLOC_SLAB_RED_ZONE);
	char *obj = bad(must_object(s));

	obj[100] = 'A';
	CALL(kmem_cache_free)(s, obj);
	return 0;
}
