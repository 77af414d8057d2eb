/*
 * kmalloc_api.c - kmalloc() and its kin, exported.
 *
 * One heap with malloc: the same hot paths, the same objects.  What is added
 * is what the kernel documents beside: GFP flags, the alignment of large
 * objects, a limit of 4 MiB, and an object of no bytes that is not NULL.
 *
 * What __GFP_ZERO clears is the whole object, not the bytes asked for: so
 * krealloc() can let it grow where it stands without knowing how much of it
 * was asked for.
 *
 * Errors: NULL with ENOMEM or EINVAL.  Frees keep errno.
 */
#include <errno.h>
#include <string.h>

#include "api/init.h"
#include "api/malloc.h"
#include "api/pages.h"
#include "core/trace.h"
#include "liballoc.h"
#include "mm/vmalloc.h"
#include "mm/zone.h"
#include "slab/harden.h"
#include "sys/sys.h"

#define PAGES_MAX_SIZE	(MAX_ORDER_PAGES << PAGE_SHIFT)

_Static_assert(ALLOC_KMALLOC_MAX_SIZE == PAGES_MAX_SIZE, "as documented");
_Static_assert(ALLOC_KMALLOC_MIN_SIZE == KMALLOC_MIN_SIZE, "as documented");

/* These are not for the hot path, nor is a size of 0. */
#define GFP_SPECIAL	(__GFP_ZERO | __GFP_DMA32)

/* --- allocation --- */

/* With trace=, the hot paths are closed, and every call comes by here. */
static void *traced(void *p, size_t size)
{
	if (trace_is_on())
		trace_record(TRACE_MALLOC, p, size, 1);
	return p;
}

/* What the whole object must be a multiple of, in pages (see kmalloc.h). */
static u32 natural_order(size_t size)
{
	u32 log = (u32)__builtin_ctzl(size);

	return log > PAGE_SHIFT ? min(log - PAGE_SHIFT, (u32)MAX_ORDER) : 0;
}

/* Large ones are buffers, as malloc's are, unless a shrinker has them. */
static void *get_pages(size_t size, int node, gfp_t gfp)
{
	struct page *page;

	if (!(gfp & __GFP_RECLAIMABLE))
		gfp |= __GFP_MOVABLE;
	page = page_range_alloc(node, size_to_pages(size),
				natural_order(size), gfp);
	return page ? page_address(page) : NULL;
}

/* Of the class that malloc would use now. */
static struct kmem_cache *size_to_cache(size_t size)
{
	u32 off = READ_ONCE(hot.size_class[(size + 15) / 16]);

	return kmalloc_cache(kmalloc_off_to_index(off));
}

/* For a caller that says where from or how hard. */
static void *get_object_gfp(size_t size, int node, gfp_t gfp)
{
	struct kmem_cache *s = size_to_cache(size);
	void *obj = s ? slab_alloc_gfp(s, node, gfp & ~__GFP_ZERO) : NULL;

	if (obj && gfp & __GFP_THISNODE && node != NUMA_NO_NODE &&
	    object_to_nid(obj) != (u32)node) {
		slab_free_slow(s, obj);
		return NULL;
	}
	return obj;
}

static void *get_object(size_t size, int node, gfp_t gfp)
{
	void *obj = node == NUMA_NO_NODE && (gfp & ~__GFP_ZERO) == GFP_KERNEL ?
		    kmalloc_natural(size) : get_object_gfp(size, node, gfp);

	if (obj && gfp & __GFP_ZERO)
		memset(obj, 0, class_to_cache(addr_to_class(obj))->object_size);
	return obj;
}

/* With hardened=1 a node is wanted, not promised; kfree() is free(). */
static __slowpath void *get_hardened(size_t size, gfp_t gfp)
{
	/* The largest power of two that it is a multiple of (kmalloc.h). */
	size_t align = max(size & -size, (size_t)KMALLOC_MIN_SIZE);

	return harden_alloc(size, align, gfp & __GFP_ZERO);
}

/* One attempt; without slabs (re-entered), small ones are pages, too. */
static void *get(size_t size, int node, gfp_t gfp)
{
	void *p = NULL;

	if (unlikely(harden_on))
		return gfp & (__GFP_DMA32 | __GFP_THISNODE) ?
		       get_pages(size, node, gfp) : get_hardened(size, gfp);
	if (size <= KMALLOC_MAX_SIZE && !(gfp & __GFP_DMA32))
		p = get_object(size, node, gfp);
	return p ? p : get_pages(size, node, gfp);
}

/* For who has said who called (SLAB_CALLER()). */
static __slowpath void *kmalloc_called(size_t size, int node, gfp_t gfp)
{
	u32 tries = 0;
	bool nowait;
	void *p;

	if (!size)
		return ALLOC_ZERO_SIZE_PTR;
	gfp &= __GFP_BITS;
	if (size > PAGES_MAX_SIZE || !alloc_init())
		return api_no_memory(size, gfp);
	nowait = reclaim_nowait(gfp);
	if (unlikely(idle_armed))
		idle_armed_poll();
	do
		p = get(size, node, gfp);
	while (unlikely(!p) && api_may_retry(size, gfp, &tries));
	reclaim_waits_not = nowait;
	return p ? traced(p, size) : api_no_memory(size, gfp);
}

static __slowpath void *kmalloc_slow(size_t size, gfp_t gfp)
{
	SLAB_CALLER();
	return kmalloc_called(size, NUMA_NO_NODE, gfp);
}

/* NULL: the slow path has to do it. */
__fastpath void *kmalloc_hot(size_t size, gfp_t gfp)
{
	return size && !(gfp & GFP_SPECIAL) ? malloc_hot(size) : NULL;
}

/* Where what follows keeps kmalloc_slow() from being called last. */
__fastpath void *kmalloc_within(size_t size, gfp_t gfp)
{
	void *p = kmalloc_hot(size, gfp);

	if (likely(p))
		return p;
	SLAB_CALLER();
	return kmalloc_called(size, NUMA_NO_NODE, gfp);
}

/* Zeroed and small is common, and worth the hot path. */
static __attribute__((noinline)) void *kmalloc_special(size_t size, gfp_t gfp)
{
	void *p = NULL;

	if (size && !(gfp & __GFP_DMA32))
		p = malloc_hot(size);
	if (unlikely(!p))
		return kmalloc_slow(size, gfp);
	return memset(p, 0, class_to_cache(hot_class(p))->object_size);
}

__fastpath void *kmalloc_fast(size_t size, gfp_t gfp)
{
	void *p;

	if (unlikely(!size || gfp & GFP_SPECIAL))
		return kmalloc_special(size, gfp);
	p = malloc_hot(size);
	return likely(p) ? p : kmalloc_slow(size, gfp);
}

EXPORT void *alloc_kmalloc(size_t size, gfp_t gfp)
{
	return kmalloc_fast(size, gfp);
}

void *kmalloc_impl(size_t size, u32 gfp)
{
	return kmalloc_fast(size, gfp);
}

EXPORT void *alloc_kmalloc_node(size_t size, gfp_t gfp, int nid)
{
	int node;

	if (!api_node(nid, gfp, &node))
		return NULL;
	SLAB_CALLER();
	return kmalloc_called(size, node, gfp);
}

/* --- free --- */

static __slowpath void kfree_slow(void *p)
{
	if (p != ALLOC_ZERO_SIZE_PTR)
		free_slow(p);
}

EXPORT void alloc_kfree(const void *p)
{
	free_fast_else((void *)p, kfree_slow);
}

void kfree_impl(const void *p)
{
	free_fast_else((void *)p, kfree_slow);
}

EXPORT void alloc_kvfree(const void *p)
{
	free_fast_else((void *)p, kfree_slow);
}

static size_t size_of(const char *call, const void *p)
{
	return ALLOC_ZERO_OR_NULL_PTR(p) ? 0 : block_size_of(call, p);
}

EXPORT void alloc_kfree_sensitive(const void *p)
{
	size_t size = size_of("kfree_sensitive", p);

	if (size)
		memset((void *)p, 0, size);
	/* Not to be left out because nobody reads it. */
	__asm__ volatile("" : : "r" (p) : "memory");
	free_fast_else((void *)p, kfree_slow);
}

EXPORT size_t alloc_ksize(const void *p)
{
	return size_of("ksize", p);
}

EXPORT size_t alloc_kmalloc_size_roundup(size_t size)
{
	u32 off;

	/* With hardened=1 there is nothing behind what was asked for. */
	if (!size || size > PAGES_MAX_SIZE || !alloc_init() || harden_on)
		return size;
	if (size > KMALLOC_MAX_SIZE)
		return size_to_pages(size) << PAGE_SHIFT;
	off = READ_ONCE(hot.size_class[(size + 15) / 16]);
	return kmalloc_class_size(kmalloc_off_to_index(off));
}

/* --- other sizes --- */

/* Bytes behind the object's end are always zero with __GFP_ZERO. */
static void *zero_from(void *p, size_t from, gfp_t gfp)
{
	size_t size;

	if (p && gfp & __GFP_ZERO) {
		size = block_size_of("krealloc", p);
		if (size > from)
			memset((char *)p + from, 0, size - from);
	}
	return p;
}

/* Where the object stands; false if it has to move, or should. */
static bool resize(const void *p, size_t old, size_t size)
{
	struct page *page = addr_to_page(p);

	if (size <= old && (size > old / 2 || old <= 64) &&
	    (old <= KMALLOC_MAX_SIZE ||
	     size_to_pages(size) == size_to_pages(old)))
		return true;
	return !harden_on && old > KMALLOC_MAX_SIZE && size > KMALLOC_MAX_SIZE &&
	       size <= PAGES_MAX_SIZE && page && page->type == PAGE_LARGE &&
	       IS_ALIGNED((uintptr_t)p, PAGE_SIZE << natural_order(size)) &&
	       page_range_resize(page, old >> PAGE_SHIFT,
				 size_to_pages(size));
}

/* Of what stays where it is. */
static bool is_low_enough(const void *p, gfp_t gfp)
{
	return !(gfp & __GFP_DMA32) || !((uintptr_t)p >> 32);
}

static void *resize_or_move(const void *p, size_t size, gfp_t gfp,
			    void *(*get_new)(size_t size, gfp_t gfp))
{
	size_t old = block_size_of("krealloc", p);
	int saved = errno;
	void *new;

	/*
	 * In a handler that cannot know; of a small block everybody does, and
	 * with hardened=1 it may have been asked for without a byte.
	 */
	if (unlikely(!old) && !addr_to_page(p))
		return api_no_memory(size, gfp);
	if (is_low_enough(p, gfp) && resize(p, old, size))
		return zero_from((void *)p, min(size, old), gfp);
	if (size <= old)
		gfp = (gfp & ~__GFP_NOFAIL) | __GFP_NORETRY | __GFP_NOWARN;
	SLAB_CALLER();
	new = get_new(size, gfp & ~__GFP_ZERO);
	if (!new && size > old)
		return NULL;
	if (!new) {	/* smaller does not fail */
		errno = saved;
		return zero_from((void *)p, size, gfp);
	}
	memcpy(new, p, min(old, size));
	free_fast((void *)p);
	return zero_from(new, min(old, size), gfp);
}

static void *krealloc_new(size_t size, gfp_t gfp)
{
	void *p = kmalloc_hot(size, gfp);

	return p ? p : kmalloc_called(size, NUMA_NO_NODE, gfp);
}

EXPORT void *alloc_krealloc(const void *p, size_t size, gfp_t gfp)
{
	if (ALLOC_ZERO_OR_NULL_PTR(p))
		return kmalloc_fast(size, gfp);
	if (!size) {
		free_fast((void *)p);
		return ALLOC_ZERO_SIZE_PTR;
	}
	return resize_or_move(p, size, gfp, krealloc_new);
}

static void *get_area(size_t size, gfp_t gfp)
{
	u32 flags = gfp & __GFP_ZERO ? VMALLOC_ZERO_END : 0, tries = 0;
	void *p;

	if (size > PTRDIFF_MAX || !alloc_init())
		return api_no_memory(size, gfp);
	do
		p = vmalloc(size, PAGE_SIZE, flags);
	while (unlikely(!p) && api_may_retry(size, gfp, &tries));
	return p ? traced(p, size) : api_no_memory(size, gfp);
}

/* Pages in a row, however many: areas lie where the addresses are. */
static void *get_low(size_t size, int node, gfp_t gfp)
{
	u32 tries = 0;
	void *p;

	if (size > UINT32_MAX || !alloc_init())
		return api_no_memory(size, gfp);
	do
		p = get_pages(size, node, gfp);
	while (unlikely(!p) && api_may_retry(size, gfp, &tries));
	return p ? traced(p, size) : api_no_memory(size, gfp);
}

static void *kvmalloc_node(size_t size, int node, gfp_t gfp)
{
	int saved = errno;
	void *p;

	if (size > PAGES_MAX_SIZE && gfp & __GFP_DMA32)
		return get_low(size, node, gfp & __GFP_BITS);
	if (size <= PAGE_SIZE || gfp & __GFP_DMA32)
		return kmalloc_called(size, node, gfp);
	if (size > PAGES_MAX_SIZE)
		return get_area(size, gfp);
	/* Not in vain: an area needs no pages in a row. */
	p = kmalloc_called(size, node, (gfp & ~__GFP_NOFAIL) | __GFP_NORETRY |
				       __GFP_NOWARN);
	if (p)
		return p;
	errno = saved;
	return get_area(size, gfp);
}

static void *kvrealloc_new(size_t size, gfp_t gfp)
{
	void *p = kmalloc_hot(size, gfp);

	return p ? p : kvmalloc_node(size, NUMA_NO_NODE, gfp);
}

static __slowpath void *kvmalloc_slow(size_t size, gfp_t gfp)
{
	SLAB_CALLER();
	return kvmalloc_node(size, NUMA_NO_NODE, gfp);
}

__fastpath void *kvmalloc(size_t size, gfp_t gfp)
{
	void *p = kmalloc_hot(size, gfp);

	return likely(p) ? p : kvmalloc_slow(size, gfp);
}

EXPORT void *alloc_kvmalloc(size_t size, gfp_t gfp)
{
	return kvmalloc(size, gfp);
}

EXPORT void *alloc_kvmalloc_node(size_t size, gfp_t gfp, int nid)
{
	int node;

	if (!api_node(nid, gfp, &node))
		return NULL;
	SLAB_CALLER();
	return kvmalloc_node(size, node, gfp);
}

/* An area that stays one grows in place, or by page tables. */
static void *area_resize(const void *p, size_t size, gfp_t gfp)
{
	size_t old = block_size_of("kvrealloc", p);
	u32 tries = 0;
	void *new;

	if (unlikely(!old) || size > PTRDIFF_MAX)
		return api_no_memory(size, gfp);
	do
		new = gfp & __GFP_ZERO ? vrealloc_zero((void *)p, size) :
					 vrealloc((void *)p, size);
	while (unlikely(!new) && api_may_retry(size, gfp, &tries));
	return new ? new : api_no_memory(size, gfp);
}

EXPORT void *alloc_kvrealloc(const void *p, size_t size, gfp_t gfp)
{
	if (ALLOC_ZERO_OR_NULL_PTR(p))
		return kvmalloc(size, gfp);
	if (!size) {
		free_fast((void *)p);
		return ALLOC_ZERO_SIZE_PTR;
	}
	/* With hardened=1 an area has an end that its block must know of. */
	if (size > PAGES_MAX_SIZE && !addr_to_page(p) && !options.hardened &&
	    !(gfp & __GFP_DMA32))
		return area_resize(p, size, gfp);
	return resize_or_move(p, size, gfp, kvrealloc_new);
}

/* --- copies --- */

EXPORT void *alloc_kmemdup(const void *src, size_t len, gfp_t gfp)
{
	void *p = kmalloc_within(len, gfp & ~__GFP_ZERO);

	return p && len ? memcpy(p, src, len) : p;
}

static char *dup_text(const char *s, size_t len, gfp_t gfp)
{
	char *p = len < PTRDIFF_MAX ?
		  kmalloc_within(len + 1, gfp & ~__GFP_ZERO) :
		  api_no_memory(len, gfp);

	if (!p)
		return NULL;
	memcpy(p, s, len);
	p[len] = '\0';
	return p;
}

EXPORT char *alloc_kmemdup_nul(const char *s, size_t len, gfp_t gfp)
{
	return s ? dup_text(s, len, gfp) : NULL;
}

EXPORT char *alloc_kstrdup(const char *s, gfp_t gfp)
{
	return s ? dup_text(s, strlen(s), gfp) : NULL;
}

EXPORT char *alloc_kstrndup(const char *s, size_t max_len, gfp_t gfp)
{
	return s ? dup_text(s, strnlen(s, max_len), gfp) : NULL;
}

EXPORT const char *alloc_kstrdup_const(const char *s, gfp_t gfp)
{
	if (!s || sys_is_rodata(s))
		return s;
	return dup_text(s, strlen(s), gfp);
}

EXPORT void alloc_kfree_const(const void *p)
{
	if (!sys_is_rodata(p))
		free_fast_else((void *)p, kfree_slow);
}
