/*
 * mempool_ok.c - a pool with no minimum, NULL pools and elements are no misuse.
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
	struct alloc_mempool *pool = pool_of(0, 100);
	void *p = CALL(mempool_alloc)(pool, ALLOC_GFP_KERNEL);

	MUST(p && !CALL(mempool_alloc_preallocated)(pool));
	CALL(mempool_free)(p, pool);
	CALL(mempool_free)(NULL, pool);
	CALL(mempool_destroy)(pool);
	CALL(mempool_destroy)(NULL);
	pool = pool_of(5, 0);
	MUST(CALL(mempool_alloc)(pool, ALLOC_GFP_KERNEL) ==
	     ALLOC_ZERO_SIZE_PTR);
	CALL(mempool_destroy)(pool);
	return 0;
}
