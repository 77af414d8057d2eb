/*
 * mempool_write_after_free.c - an element written to after it went back to the reserve.
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
	char *p = CALL(mempool_alloc_preallocated)(pool);

	CALL(mempool_free)(p, pool);
	((char *)bad(p))[60] = 120;
	if (CALL(mempool_alloc_preallocated)(pool))
		survived("a write after free");
	return 0;
}
