/*
 * mempool_destroyed.c - a pool used after alloc_mempool_exit().
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

	CALL(mempool_exit)(pool);
	if (CALL(mempool_alloc)(bad(pool), ALLOC_GFP_KERNEL))
		survived("a pool that is none");
	return 0;
}
