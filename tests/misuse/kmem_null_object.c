/*
 * kmem_null_object.c - NULL is freed to a cache.
 */
#include "kmem.h"

int main(void)
{
	CALL(kmem_cache_free)(must_cache("pears", 64, 0), NULL);
	return 0;
}
