/*
 * mempool_free_twice.c - an element of the reserve freed twice into its pool.
 */
#include "kmem.h"

static struct alloc_mempool *pool_of(unsigned int nr, size_t size)
{
	struct alloc_mempool *pool;

	pool = CALL(__mempool_create)(nr, must_find("alloc_mempool_kmalloc"),
				      must_find("alloc_mempool_kfree"),
				      (void *)size, ALLOC_GFP_KERNEL, 2);
	if (!pool)
		_exit(5);
	return pool;
}

int main(void)
{
	struct alloc_mempool *pool = pool_of(3, 100);
	void *p = CALL(mempool_alloc_preallocated)(pool);

	CALL(mempool_free)(p, pool);
	CALL(mempool_free)(bad(p), pool);
	return 0;
}
