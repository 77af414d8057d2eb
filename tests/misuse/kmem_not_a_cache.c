/*
 * kmem_not_a_cache.c - memory that is no cache is used as one.
 */
#include "kmem.h"

int main(void)
{
	CALL(kmem_cache_destroy)(bad(must_malloc(1000)));
	return 0;
}
