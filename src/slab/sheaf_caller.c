/*
 * sheaf_caller.c - objects taken beforehand, for a caller that may not fail.
 *
 * A caller that knows how many objects it may need, at the most, takes them
 * while it can still fail; later each is there without asking anybody.  What
 * it did not need goes back.  To the slabs these objects are allocated.
 *
 * Invariants:
 *   C1. objs[0 .. size) are objects of cache, which is the caller's handle;
 *	 size <= 1 << log.
 *   C2. a sheaf whose cache is NULL is nobody's: in a spare place or list.
 *	 Its memory is never anything else.
 *
 * Locking: spare places are exchanged atomically, so getting and returning
 * one takes no lock as a rule; the lists are under LOCK_CACHES.  A sheaf
 * itself is its caller's.
 *
 * Source of the idea: kmem_cache_prefill_sheaf(), mm/slub.c.
 */
#include <string.h>

#include "core/report.h"
#include "mm/memblock.h"
#include "slab/slab.h"

#define MIN_LOG		3
#define NR_LOGS		(SLAB_SHEAF_MAX_LOG + 1)
#define NR_SPARE	4	/* of each capacity, without a lock */

struct slab_sheaf {
	struct slab_sheaf *next;	/* in a list (C2) */
	struct kmem_cache *cache;
	u32 size, log;
	void *objs[];
};

static struct slab_sheaf *spare[NR_LOGS][NR_SPARE];	/* atomic */
static struct slab_sheaf *unused[NR_LOGS];		/* under LOCK_CACHES */

static __slowpath struct slab_sheaf *sheaf_make(u32 log)
{
	struct slab_sheaf *sheaf;

	if (!kmem_caches_lock())
		return NULL;
	sheaf = unused[log];
	if (sheaf)
		unused[log] = sheaf->next;
	else
		sheaf = memblock_alloc(sizeof(*sheaf) +
				       ((size_t)1 << log) * sizeof(void *));
	kmem_caches_unlock();
	return sheaf;
}

static struct slab_sheaf *sheaf_get(u32 size, gfp_t gfp)
{
	u32 log = max(size > 1 ? ilog2(size - 1) + 1 : 0u, (u32)MIN_LOG);
	struct slab_sheaf *sheaf = NULL;
	u32 tries = 0;

	for (u32 i = 0; i < NR_SPARE && !sheaf; i++)
		if (READ_ONCE(spare[log][i]))
			sheaf = __atomic_exchange_n(&spare[log][i], NULL,
						    __ATOMIC_ACQUIRE);
	while (!sheaf) {
		sheaf = sheaf_make(log);
		if (!sheaf && !kmem_cache_must_not_fail(gfp, tries++))
			break;
	}
	if (sheaf) {
		sheaf->log = log;
		sheaf->size = 0;
	}
	return sheaf;
}

static void sheaf_put(struct slab_sheaf *sheaf)
{
	u32 log = sheaf->log;

	store_release(&sheaf->cache, NULL);
	for (u32 i = 0; i < NR_SPARE; i++) {
		struct slab_sheaf *none = NULL;

		if (__atomic_compare_exchange_n(&spare[log][i], &none, sheaf,
						false, __ATOMIC_RELEASE,
						__ATOMIC_RELAXED))
			return;
	}
	if (!kmem_caches_lock())
		return;		/* in a handler: lost, a few bytes */
	sheaf->next = unused[log];
	unused[log] = sheaf;
	kmem_caches_unlock();
}

/* The cache behind @h, of which @sheaf is. */
static struct kmem_cache *sheaf_root(const struct kmem_cache *h,
				     const struct slab_sheaf *sheaf,
				     const char *call)
{
	struct kmem_cache *root = kmem_cache_root(h, call);
	const struct kmem_cache *of = sheaf ? load_acquire(&sheaf->cache) :
					      NULL;

	if (likely(of == h))
		return root;
	if (!sheaf)
		alloc_fatal("invalid %s: NULL sheaf (cache %s)", call, h->name);
	if (!of)
		alloc_fatal("invalid %s: %p (sheaf that was returned, cache "
			    "%s)", call, (const void *)sheaf, h->name);
	alloc_fatal("invalid %s: %p (sheaf of cache %s, not of %s)", call,
		    (const void *)sheaf, of->name, h->name);
}

struct slab_sheaf *kmem_cache_prefill_sheaf(struct kmem_cache *h, gfp_t gfp,
					    u32 size)
{
	struct kmem_cache *root = kmem_cache_root(h,
						  "kmem_cache_prefill_sheaf");
	struct slab_sheaf *sheaf = sheaf_get(size, gfp);

	if (!sheaf)
		return NULL;
	if (size && !kmem_cache_alloc_bulk(root, gfp, sheaf->objs, size)) {
		sheaf_put(sheaf);
		return NULL;
	}
	sheaf->size = size;
	store_release(&sheaf->cache, h);
	return sheaf;
}

bool kmem_cache_refill_sheaf(struct kmem_cache *h, gfp_t gfp,
			     struct slab_sheaf **sheafp, u32 size)
{
	struct slab_sheaf *old = *sheafp, *sheaf = old;
	struct kmem_cache *root = sheaf_root(h, old,
					     "kmem_cache_refill_sheaf");
	u32 have = old->size;

	if (have >= size)
		return true;
	if (size > 1u << old->log) {
		sheaf = sheaf_get(size, gfp);
		if (!sheaf)
			return false;
	}
	if (!kmem_cache_alloc_bulk(root, gfp, sheaf->objs + have,
				   size - have)) {
		if (sheaf != old)
			sheaf_put(sheaf);
		return false;
	}
	sheaf->size = size;
	if (sheaf != old) {
		memcpy(sheaf->objs, old->objs, have * sizeof(*old->objs));
		store_release(&sheaf->cache, h);
		sheaf_put(old);
		*sheafp = sheaf;
	}
	return true;
}

void *kmem_cache_alloc_from_sheaf(struct kmem_cache *h, gfp_t gfp,
				  struct slab_sheaf *sheaf)
{
	void *obj;

	sheaf_root(h, sheaf, "kmem_cache_alloc_from_sheaf");
	if (!sheaf->size)
		return NULL;
	obj = sheaf->objs[--sheaf->size];
	return gfp & __GFP_ZERO ? memset(obj, 0, h->object_size) : obj;
}

void kmem_cache_return_sheaf(struct kmem_cache *h, struct slab_sheaf *sheaf)
{
	struct kmem_cache *root = sheaf_root(h, sheaf,
					     "kmem_cache_return_sheaf");

	if (sheaf->size)
		slab_free_bulk(root, sheaf->objs, sheaf->size);
	sheaf->size = 0;
	sheaf_put(sheaf);
}

u32 kmem_cache_sheaf_size(const struct slab_sheaf *sheaf)
{
	return sheaf ? sheaf->size : 0;
}
