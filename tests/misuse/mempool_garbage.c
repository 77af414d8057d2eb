/*
 * mempool_garbage.c - an address of the stack freed into a pool.
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
	char on_stack[100];

	CALL(mempool_free)(bad(on_stack), pool_of(3, 100));
	return 0;
}
