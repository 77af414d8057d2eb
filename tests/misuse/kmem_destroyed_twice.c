/*
 * kmem_destroyed_twice.c - a cache is destroyed twice.
 */
#include "kmem.h"

int main(void)
{
	struct kmem_cache *s = must_cache("pears", 64, 0);

	must_cache("alike", 64, 0);
	CALL(kmem_cache_destroy)(s);
	CALL(kmem_cache_destroy)(bad(s));
	return 0;
}
