/*
 * mempool_api.c - mempools, exported; see slab/mempool.c.
 */
#include <errno.h>
#include <stddef.h>

#include "api/init.h"
#include "api/malloc.h"
#include "api/pages.h"
#include "liballoc.h"
#include "mm/zone.h"
#include "slab/mempool.h"
#include "slab/slab.h"

#define SAME(field)							\
	_Static_assert(offsetof(struct alloc_mempool, field) ==		\
		       offsetof(struct mempool, field),			\
		       "liballoc/mempool.h and slab/mempool.h")
SAME(min_nr);
SAME(curr_nr);
SAME(elements);
SAME(pool_data);
SAME(alloc);
SAME(free);
SAME(state);
SAME(kind);
_Static_assert(sizeof(struct alloc_mempool) == sizeof(struct mempool),
	       "liballoc/mempool.h and slab/mempool.h");

static struct mempool *inner(struct alloc_mempool *pool)
{
	return (struct mempool *)pool;
}

/* --- allocators --------------------------------------------------------- */

EXPORT void *alloc_mempool_alloc_slab(gfp_t gfp, void *cache)
{
	return kmem_cache_alloc(cache, gfp & __GFP_BITS);
}

EXPORT void alloc_mempool_free_slab(void *element, void *cache)
{
	kmem_cache_free(cache, element);
}

EXPORT void *alloc_mempool_kmalloc(gfp_t gfp, void *size)
{
	return kmalloc_impl((size_t)size, gfp);
}

EXPORT void alloc_mempool_kfree(void *element, void *size)
{
	kfree_impl(element);
}

EXPORT void *alloc_mempool_alloc_pages(gfp_t gfp, void *order)
{
	return api_get_block(gfp, (u32)(uintptr_t)order);
}

EXPORT void alloc_mempool_free_pages(void *page, void *order)
{
	api_put_block("mempool_free_pages", page, (u32)(uintptr_t)order);
}

/* --- pools -------------------------------------------------------------- */

EXPORT int alloc___mempool_init(struct alloc_mempool *pool, int min_nr,
				alloc_mempool_alloc_t *alloc_fn,
				alloc_mempool_free_t *free_fn, void *pool_data,
				gfp_t gfp, unsigned int kind)
{
	int saved = errno, ret;

	*pool = (struct alloc_mempool){
		.min_nr = min_nr,
		.pool_data = pool_data,
		.alloc = alloc_fn,
		.free = free_fn,
		.kind = kind,
	};
	ret = alloc_init() ? mempool_init(inner(pool), gfp) : -ENOMEM;
	errno = saved;
	return ret;
}

EXPORT struct alloc_mempool *
alloc___mempool_create(int min_nr, alloc_mempool_alloc_t *alloc_fn,
		       alloc_mempool_free_t *free_fn, void *pool_data,
		       gfp_t gfp, unsigned int kind)
{
	struct mempool *pool = kmalloc_impl(sizeof(*pool), gfp | __GFP_ZERO);
	int saved = errno, ret;

	if (!pool)
		return NULL;
	pool->min_nr = min_nr;
	pool->pool_data = pool_data;
	pool->alloc = alloc_fn;
	pool->free = free_fn;
	pool->kind = kind;
	ret = mempool_init(pool, gfp);
	errno = ret ? -ret : saved;
	if (!ret)
		return (struct alloc_mempool *)pool;
	kfree_impl(pool);
	return NULL;
}

EXPORT void alloc_mempool_exit(struct alloc_mempool *pool)
{
	int saved = errno;

	mempool_exit(inner(pool));
	errno = saved;
}

EXPORT void alloc_mempool_destroy(struct alloc_mempool *pool)
{
	int saved = errno;

	if (!pool)
		return;
	mempool_exit(inner(pool));
	kfree_impl(pool);
	errno = saved;
}

EXPORT int alloc_mempool_resize(struct alloc_mempool *pool, int new_min_nr)
{
	int saved = errno, ret = mempool_resize(inner(pool), new_min_nr);

	errno = saved;
	return ret;
}

EXPORT void *alloc_mempool_alloc(struct alloc_mempool *pool, gfp_t gfp)
{
	return mempool_alloc(inner(pool), gfp);
}

EXPORT void *alloc_mempool_alloc_preallocated(struct alloc_mempool *pool)
{
	return mempool_alloc_preallocated(inner(pool));
}

EXPORT void alloc_mempool_free(void *element, struct alloc_mempool *pool)
{
	int saved = errno;

	mempool_free(element, inner(pool));
	errno = saved;
}

EXPORT int alloc_mempool_alloc_bulk(struct alloc_mempool *pool, void **elems,
				    unsigned int count, unsigned int allocated)
{
	return mempool_alloc_bulk(inner(pool), elems, count);
}

EXPORT unsigned int alloc_mempool_free_bulk(struct alloc_mempool *pool,
					    void **elems, unsigned int count)
{
	return mempool_free_bulk(inner(pool), elems, count);
}
