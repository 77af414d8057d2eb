/*
 * kmem_interior.c - a pointer into an object is freed.
 */
#include "kmem.h"

int main(void)
{
	struct kmem_cache *s = must_cache("pears", 100, 0);

	CALL(kmem_cache_free)(s, bad((char *)must_object(s) + 8));
	CALL(kmem_cache_shrink)(s);
	return 0;
}
