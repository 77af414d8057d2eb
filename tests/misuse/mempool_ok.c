/*
 * mempool_ok.c - a pool with no minimum, NULL pools and elements are no misuse,
 * and elements may be as large as kmalloc() has them.
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

static void go_round(size_t size)
{
	struct alloc_mempool *pool = pool_of(4, size);
	void *e[8];
	int i;

	for (i = 0; i < 8; i++) {
		e[i] = CALL(mempool_alloc)(pool, ALLOC_GFP_KERNEL);
		MUST(e[i]);
		memset(hide(e[i]), 3, size);
	}
	for (i = 0; i < 8; i++)
		CALL(mempool_free)(e[i], pool);
	CALL(mempool_destroy)(pool);
}

int main(void)
{
	static const size_t sizes[] = { 1, 100, 8192, 9000, 40000, 100000,
					3 << 20, (4 << 20) - 1, 4 << 20 };
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
	for (unsigned int i = 0; i < sizeof(sizes) / sizeof(*sizes); i++)
		go_round(sizes[i]);
	return 0;
}
