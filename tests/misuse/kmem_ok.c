/*
 * kmem_ok.c - correct use of every kind of cache writes nothing.
 */
#include "kmem.h"

/* As kfree_bulk(): objects of malloc() and kmalloc(), up to 8 KiB. */
static void free_any(void)
{
	struct kmem_cache *s = must_cache("any", 200, 0);
	void *objs[32];
	int i, k;

	for (i = 0; i < 20; i++) {
		for (k = 0; k < 32; k++) {
			size_t size = 10 + (size_t)k * 8182 / 31;

			objs[k] = k % 3 == 0 ? must_object(s) :
				  k % 3 == 1 ? must_malloc(size) :
				  CALL(kmalloc)(size, ALLOC_GFP_KERNEL);
			if (!objs[k])
				_exit(5);
			memset(hide(objs[k]), 7, k % 3 ? size : 200);
		}
		CALL(kmem_cache_free_bulk)(NULL, 32, objs);
	}
	CALL(kmem_cache_destroy)(s);
}

int main(void)
{
	static const unsigned int flags[] = {
		0, ALLOC_SLAB_NO_MERGE, ALLOC_SLAB_HWCACHE_ALIGN,
		ALLOC_SLAB_RECLAIM_ACCOUNT, ALLOC_SLAB_TYPESAFE_BY_RCU,
		ALLOC_SLAB_CONSISTENCY_CHECKS | ALLOC_SLAB_RED_ZONE |
		ALLOC_SLAB_POISON | ALLOC_SLAB_STORE_USER,
	};
	static const unsigned int sizes[] = { 1, 64, 100, 1536, 40000, 300000 };
	void *objs[32];
	int i, k, n;

	for (i = 0; i < 6; i++)
		for (k = 0; k < 6; k++) {
			struct kmem_cache *s = must_cache("ok", sizes[k],
							  flags[i]);

			for (n = 0; n < 32; n++)
				objs[n] = must_object(s);
			for (n = 0; n < 16; n++)
				CALL(kmem_cache_free)(s, objs[n]);
			CALL(kmem_cache_free_bulk)(s, 15, objs + 16);
			free(objs[31]);
			CALL(kmem_cache_destroy)(s);
		}
	CALL(kmem_cache_destroy)(NULL);
	free_any();
	return 0;
}
