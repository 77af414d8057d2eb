/*
 * kmem.c - the kernel's object caches, exported.
 *
 * The hot paths are malloc's (api/malloc.h) with the cache in place of the
 * size: a handle knows the offset of its sheaves.  Nobody is asked whether the
 * cache is NULL, destroyed, debugged or of large objects: the first is the
 * only one with a test here, the others have the null sheaf's offset, or one
 * whose sheaves never open.
 *
 * Errors: NULL with ENOMEM or EINVAL.  Frees keep errno.
 */
#include <errno.h>
#include <string.h>

#include "api/init.h"
#include "api/malloc.h"
#include "api/pages.h"
#include "core/report.h"
#include "core/stats.h"
#include "core/trace.h"
#include "liballoc.h"
#include "mm/zone.h"
#include "slab/harden.h"
#include "slab/slab.h"

#define SAME(name) _Static_assert(ALLOC_##name == name, "kmem_cache.h, slab.h")
SAME(SLAB_CONSISTENCY_CHECKS);
SAME(SLAB_RED_ZONE);
SAME(SLAB_POISON);
SAME(SLAB_STORE_USER);
SAME(SLAB_TRACE);
SAME(SLAB_HWCACHE_ALIGN);
SAME(SLAB_PANIC);
SAME(SLAB_RECLAIM_ACCOUNT);
SAME(SLAB_ACCOUNT);
SAME(SLAB_NO_MERGE);
SAME(SLAB_TYPESAFE_BY_RCU);
SAME(SLAB_CACHE_DMA32);

#define BULK_STEP 64	/* objects checked at once */

/* --- making and destroying --- */

static struct kmem_cache *create_failed(int err)
{
	if (err == ENOMEM)
		stat_add(STAT_ENOMEM, 1);
	errno = err;
	return NULL;
}

EXPORT struct kmem_cache *
alloc___kmem_cache_create_args(const char *name, unsigned int size,
			       const struct alloc_kmem_cache_args *from,
			       alloc_slab_flags_t flags)
{
	struct kmem_cache_args args = { 0 };
	struct kmem_cache *h;
	int saved = errno;

	if (from)
		args = (struct kmem_cache_args){
			.align = from->align,
			.useroffset = from->useroffset,
			.usersize = from->usersize,
			.sheaf_capacity = from->sheaf_capacity,
			.ctor = from->ctor,
			.dtor = from->dtor,
		};
	if (!alloc_init())
		return create_failed(ENOMEM);
	h = kmem_cache_create(name, size, &args, flags);
	errno = saved;
	if (likely(h))
		return h;
	return create_failed(kmem_cache_bad_args(name, size, &args, flags) ?
			     EINVAL : ENOMEM);
}

EXPORT void alloc_kmem_cache_destroy(struct kmem_cache *s)
{
	int saved = errno;

	kmem_cache_destroy(s);
	errno = saved;
}

EXPORT int alloc_kmem_cache_shrink(struct kmem_cache *s)
{
	return kmem_cache_shrink(s) != 0;
}

EXPORT unsigned int alloc_kmem_cache_size(struct kmem_cache *s)
{
	kmem_cache_root(s, "kmem_cache_size");
	return s->object_size;
}

/* --- one object --- */

static __attribute__((noinline)) void *cache_alloc_slow(struct kmem_cache *s,
							gfp_t gfp)
{
	int saved = errno;
	void *obj;

	SLAB_CALLER();
	obj = kmem_cache_alloc(s, gfp & __GFP_BITS);

	errno = saved;
	return likely(obj) ? obj : api_no_memory(s->object_size, gfp);
}

EXPORT void *alloc_kmem_cache_alloc(struct kmem_cache *s, alloc_gfp_t gfp)
{
	void *obj;

	if (unlikely((uintptr_t)s <= hot.cache_none))
		return cache_alloc_slow(s, gfp);
	obj = arch_pop_guess_cid(hot.base, hot.rseq, s->alloc_off);
	if (unlikely(!obj))
		return cache_alloc_slow(s, gfp);
	if (unlikely(gfp & __GFP_ZERO))
		return memset(obj, 0, s->object_size);
	return obj;
}

EXPORT void *alloc_kmem_cache_alloc_node(struct kmem_cache *s, alloc_gfp_t gfp,
					 int nid)
{
	int saved = errno, node;
	void *obj;

	if (nid == NUMA_NO_NODE)
		return alloc_kmem_cache_alloc(s, gfp);
	if (!alloc_init())
		return api_no_memory(0, gfp);
	if (!api_node(nid, gfp, &node))
		return NULL;
	SLAB_CALLER();
	obj = kmem_cache_alloc_node(s, gfp & __GFP_BITS, node);
	errno = saved;
	return likely(obj) ? obj : api_no_memory(s->object_size, gfp);
}

static __attribute__((noinline)) void cache_free_slow(struct kmem_cache *s,
						      void *obj)
{
	int saved = errno;

	SLAB_CALLER();
	kmem_cache_free(s, obj);
	errno = saved;
}

/*
 * The class is compared in memory, and the push has its offset from the
 * cache: so it need not wait for the look-up of the page.
 */
EXPORT void alloc_kmem_cache_free(struct kmem_cache *s, void *obj)
{
	uintptr_t below = hot.base - (uintptr_t)obj;

	if (unlikely(!s || below < hot.neg_size ||
		     *(const u16 *)(hot.base + 2 * below_page(below) +
				    PERCPU_BIAS) != s->free_off ||
		     !arch_push_cid(hot.base, hot.rseq,
				    READ_ONCE(s->free_off), obj)))
		cache_free_slow(s, obj);
}

/* --- many --- */

EXPORT int alloc_kmem_cache_alloc_bulk(struct kmem_cache *s, alloc_gfp_t gfp,
				       size_t n, void **p)
{
	struct kmem_cache *root = kmem_cache_root(s, "kmem_cache_alloc_bulk");
	int saved = errno;

	SLAB_CALLER();
	if (!n)
		return 0;
	if (unlikely(n > INT32_MAX ||
		     !kmem_cache_alloc_bulk(root, gfp & __GFP_BITS, p,
					    (u32)n))) {
		api_no_memory(n * s->object_size, gfp);
		return 0;
	}
	errno = saved;
	if (unlikely(gfp & __GFP_ZERO))
		for (size_t i = 0; i < n; i++)
			memset(p[i], 0, s->object_size);
	return (int)n;
}

/* With hardened=1, malloc() of 8 KiB has no room for its canary in a slab. */
static bool is_hardened_block(const void *p)
{
	const struct page *page = harden_on ? addr_to_page(p) : NULL;

	return page && page->type == PAGE_HARDENED;
}

/*
 * As kfree_bulk(): each object belongs where it belongs.  What is malloc()'s
 * goes by free() if it is traced or, with hardened=1, no whole object; else
 * not, as free() would be its caller for slab_debug.
 */
static void free_any(size_t n, void **p)
{
	bool by_free = harden_on || trace_is_on();

	for (size_t i = 0; i < n; i++) {
		struct kmem_cache *root = class_to_cache(hot_class(p[i]));

		if (unlikely(!root && !is_hardened_block(p[i])))
			alloc_fatal("invalid kmem_cache_free_bulk: %p (no "
				    "object of a cache)", p[i]);
		if (!root || (by_free && root->state == CACHE_KMALLOC))
			free_slow(p[i]);
		else
			slab_free_slow(root, p[i]);
	}
}

EXPORT void alloc_kmem_cache_free_bulk(struct kmem_cache *s, size_t n, void **p)
{
	static const char call[] = "kmem_cache_free_bulk";
	struct kmem_cache *root;
	int saved = errno;

	SLAB_CALLER();
	if (!s) {
		free_any(n, p);
		errno = saved;
		return;
	}
	root = kmem_cache_root(s, call);
	for (size_t i = 0; i < n; i++) {
		if (unlikely(hot_class(p[i]) != root->geo.off))
			kmem_cache_bad_free(s, call, p[i]);
		if (unlikely(!slab_starts_object(root, p[i])))
			slab_bad_free(root, "invalid free", p[i]);
	}
	while (n) {
		u32 step = (u32)min(n, (size_t)BULK_STEP);

		slab_free_bulk(root, p, step);
		p += step;
		n -= step;
	}
	errno = saved;
}

/* --- objects taken beforehand --- */

static struct slab_sheaf *no_sheaf(int err)
{
	errno = err;
	return NULL;
}

EXPORT struct slab_sheaf *
alloc_kmem_cache_prefill_sheaf(struct kmem_cache *s, alloc_gfp_t gfp,
			       unsigned int size)
{
	int saved = errno;
	struct slab_sheaf *sheaf;

	SLAB_CALLER();
	kmem_cache_root(s, "kmem_cache_prefill_sheaf");
	if (size > SLAB_SHEAF_MAX)
		return no_sheaf(EINVAL);
	sheaf = kmem_cache_prefill_sheaf(s, gfp & __GFP_BITS, size);
	errno = saved;
	if (unlikely(!sheaf))
		api_no_memory((size_t)size * s->object_size, gfp);
	return sheaf;
}

EXPORT int alloc_kmem_cache_refill_sheaf(struct kmem_cache *s, alloc_gfp_t gfp,
					 struct slab_sheaf **sheafp,
					 unsigned int size)
{
	int saved = errno;
	bool done;

	SLAB_CALLER();
	if (size > SLAB_SHEAF_MAX)
		return -EINVAL;
	done = kmem_cache_refill_sheaf(s, gfp & __GFP_BITS, sheafp, size);
	errno = saved;
	return done ? 0 : -ENOMEM;
}

EXPORT void *alloc_kmem_cache_alloc_from_sheaf(struct kmem_cache *s,
					       alloc_gfp_t gfp,
					       struct slab_sheaf *sheaf)
{
	return kmem_cache_alloc_from_sheaf(s, gfp, sheaf);
}

EXPORT void alloc_kmem_cache_return_sheaf(struct kmem_cache *s,
					  alloc_gfp_t gfp __unused,
					  struct slab_sheaf *sheaf)
{
	int saved = errno;

	SLAB_CALLER();
	kmem_cache_return_sheaf(s, sheaf);
	errno = saved;
}

EXPORT unsigned int alloc_kmem_cache_sheaf_size(struct slab_sheaf *sheaf)
{
	return kmem_cache_sheaf_size(sheaf);
}
