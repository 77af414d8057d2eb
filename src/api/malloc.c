/*
 * malloc.c - libc's malloc family over slabs, pages and areas.
 *
 *	size <= 8 KiB		slab (slab/kmalloc.c)
 *	     <= 1 MiB		pages, some more where that is a list's (buffer.h)
 *	     <= 4 MiB		exact pages, or an area made of freed ones
 *	above			an area of its own (mm/vmalloc.c)
 *
 * An address says by itself which of them it is: a page class, else a
 * struct page, else an entry of the area tree, else it is not ours.
 *
 * Errors: NULL with ENOMEM or EINVAL as each function's standard says.  free() and
 * everything below it keep errno.  Misuse ends in one line on stderr and abort().
 *
 * Sources: C17 7.22.3, C23 7.24.3, POSIX.1-2024, malloc(3),
 * posix_memalign(3), glibc manual "Replacing malloc".
 */
#include <errno.h>
#include <malloc.h>
#include <stdlib.h>
#include <string.h>

#include "api/buffer.h"
#include "api/init.h"
#include "api/libc.h"
#include "api/malloc.h"
#include "arch/copy.h"
#include "core/options.h"
#include "core/report.h"
#include "core/stats.h"
#include "core/trace.h"
#include "mm/page_ref.h"
#include "mm/vmalloc.h"
#include "mm/zone.h"
#include "slab/harden.h"
#include "sys/sys.h"

#define PAGES_MAX_SIZE	(MAX_ORDER_PAGES << PAGE_SHIFT)
#define IDLE_AREA_SIZE	(1 * MIB)	/* least that may be made of freed areas */

#define MAX_RECLAIMS	8	/* that gave something, before NULL */

enum { ZERO = 1, GROWS = 2 };

static gfp_t gfp_of(u32 flags)
{
	return GFP_HIGHUSER_MOVABLE | __GFP_NORETRY |
	       (flags & ZERO ? __GFP_ZERO : 0);
}

static struct page *pages_alloc(size_t nr, size_t align, gfp_t gfp)
{
	return page_range_alloc(NUMA_NO_NODE, nr,
				pages_to_order(size_to_pages(align)), gfp);
}

/*
 * Freed areas are given back to the OS where pages are faulted in, so that the
 * heap does not grow by both: what they hold is better used.
 */
static __slowpath void *large_alloc_idle(size_t size, size_t align, u32 flags,
					 struct page **page)
{
	gfp_t gfp = gfp_of(flags) & ~__GFP_DIRECT_RECLAIM;

	*page = pages_alloc(size_to_pages(size), align, gfp | __GFP_WARM);
	if (*page)
		return NULL;
	return vmalloc(size, max(align, PAGE_SIZE), VMALLOC_WARM |
		       (flags & ZERO ? VMALLOC_ZERO : 0));
}

static void *large_alloc(size_t size, size_t align, u32 flags)
{
	size_t pages = size_to_pages(size), nr = pages;
	struct page *page = NULL;
	bool noted = false;
	void *ptr = NULL;

	if (size > PTRDIFF_MAX)
		return NULL;
	slab_carry();
	if (align <= PAGE_SIZE && !(flags & GROWS)) {
		nr = range_length(pages);
		page = last_take(nr);
		noted = page;
		page = page ? page : range_list_alloc(pages);
	}
	if (page && flags & ZERO)	/* what waits was somebody's */
		memset(page_address(page), 0, pages << PAGE_SHIFT);
	if (!page && !(flags & GROWS) && max(size, align) <= PAGES_MAX_SIZE) {
		if (size >= IDLE_AREA_SIZE && vmalloc_lazy_bytes() >= size)
			ptr = large_alloc_idle(size, align, flags, &page);
		if (!page && !ptr)
			page = pages_alloc(nr, align, gfp_of(flags));
	}
	if (ptr)
		return ptr;
	if (page) {
		if (align <= LARGE_COLOUR)
			set_colour(page, page->nr_pages,
				   (pages << PAGE_SHIFT) - size);
		large_set_asked(page, size, pages);
		if (!noted)
			last_note(page);
		return large_start(page);
	}
	ptr = vmalloc(size, max(align, PAGE_SIZE),
		      flags & ZERO ? VMALLOC_ZERO : 0);
	if (likely(ptr) || align > PAGES_MAX_SIZE)
		return ptr;
	/* No area, or too many mappings: pages in a row serve as well. */
	page = pages_alloc(pages, align, gfp_of(flags));
	return page ? page_address(page) : NULL;
}

static void *no_memory(void)
{
	stat_add(STAT_ENOMEM, 1);
	errno = ENOMEM;
	return NULL;
}

static void *alloc_any(size_t size, size_t align, u32 flags)
{
	void *ptr = NULL;

	if (unlikely(options.hardened))
		return harden_alloc(size, align, flags & ZERO);
	if (max(size, align) <= KMALLOC_MAX_SIZE) {
		ptr = align <= KMALLOC_MIN_SIZE ? kmalloc(size) :
						  kmalloc_aligned(size, align);
		if (ptr && flags & ZERO)
			memset(ptr, 0, size);
	}
	if (!ptr)
		ptr = large_alloc(max(size, (size_t)1), align, flags);
	return ptr;
}

static __slowpath void *alloc_again(size_t size, size_t align, u32 flags)
{
	size_t got = size <= PTRDIFF_MAX;
	void *ptr = NULL;

	/* Another thread may have had what was given back. */
	for (u32 i = 0; !ptr && got && i < MAX_RECLAIMS; i++) {
		got = reclaim_for_failed(size_to_pages(size), true);
		if (got || !i)
			ptr = alloc_any(size, align, flags);
	}
	return ptr ? ptr : no_memory();
}

static void *alloc_slow(size_t size, size_t align, u32 flags)
{
	void *ptr;

	if (unlikely(READ_ONCE(idle_armed)))
		idle_armed_poll();
	if (!alloc_init())
		return no_memory();
	ptr = alloc_any(size, align, flags);
	return likely(ptr) ? ptr : alloc_again(size, align, flags);
}

/* With trace=, every call ends here, in free_traced() or in realloc_traced(). */
static void *traced(enum trace_op op, void *ptr, size_t size, size_t align)
{
	if (trace_is_on() && ptr)
		trace_record(op, ptr, size, align);
	return ptr;
}

static __attribute__((noinline)) void *malloc_untraced(size_t size)
{
	return alloc_slow(size, 1, 0);
}

static __attribute__((noinline)) void *malloc_hardened(size_t size)
{
	SLAB_CALLER();
	return malloc_untraced(size);
}

static __attribute__((noinline)) void *malloc_plain(size_t size)
{
	SLAB_CALLER();
	return traced(TRACE_MALLOC, malloc_untraced(size), size, 1);
}

void *malloc_called(size_t size)
{
	void *ptr;

	if (unlikely(size < harden_hot.malloc_end))
		return harden_malloc(size, malloc_hardened);
	ptr = buffer_malloc(size);
	if (likely(ptr))
		return ptr;
	return traced(TRACE_MALLOC, malloc_untraced(size), size, 1);
}

/*
 * By tail calls, so that this is all that a hot path has to do beside: what is
 * likely with hardened=1 comes first, as else much follows anyway.
 */
__attribute__((noinline)) void *malloc_slow(size_t size)
{
	void *ptr;

	if (likely(size < harden_hot.malloc_end))
		return harden_malloc(size, malloc_hardened);
	ptr = buffer_malloc(size);
	if (likely(ptr))
		return ptr;
	ptr = last_malloc(size);
	return ptr ? ptr : malloc_plain(size);
}

static __attribute__((noinline)) void *calloc_slow(size_t size)
{
	if (unlikely(size < harden_hot.malloc_end))
		return harden_malloc(size, malloc_hardened);
	return traced(TRACE_CALLOC, malloc_untraced(size), size, 1);
}

/* --- misuse --- */

static __slowpath __noreturn void bad_page(const char *call, const void *ptr,
					   const struct page *page)
{
	size_t nr;
	const struct page *head = page_block(page, &nr);
	bool again = !strcmp(call, "free") && !(head && page_is_block(head));

	alloc_fatal("%s %s: %p (pages, size %zu)", again ? "double" : "invalid",
		    call, ptr, head ? nr << PAGE_SHIFT : 0);
}

static __slowpath __noreturn void bad_area(const char *call, const void *ptr,
					   enum vfree_result why, size_t size)
{
	const char *kind = why == VFREE_AGAIN && !strcmp(call, "free") ?
			   "double" : "invalid";

	if (why == VFREE_NOT_OURS)
		alloc_fatal("invalid %s: %p (not from this heap)", call, ptr);
	alloc_fatal("%s %s: %p (vmalloc area, size %zu)", kind, call, ptr,
		    size);
}

/* --- free --- */

static void free_large(void *ptr, struct page *page, bool again);

/* Not PAGE_LARGE: others have it, too, or it is no block at all. */
static __slowpath void free_shared(void *ptr, struct page *page, bool again)
{
	if (!page_is_shared(page) || ptr != large_start(page))
		bad_page("free", ptr, page);
	if (!page_ref_drop(page))
		free_large(ptr, page, again);
}

/* @again: one of its length may be asked for next. */
static void free_large(void *ptr, struct page *page, bool again)
{
	if (READ_ONCE(nr_span_caches))
		spans_prefetch();
	if (unlikely(ptr != large_start(page) || !page_take(page))) {
		free_shared(ptr, page, again);
		return;
	}
	if (likely((again && last_put(page, page->nr_pages)) ||
		   page_buffer_free(page, page->nr_pages)))
		return;
	WRITE_ONCE(page->type, PAGE_LARGE);
	free_defer(ptr);
}

static __attribute__((noinline)) void free_untraced(void *ptr)
{
	struct kmem_cache *s;
	struct page *page;
	enum vfree_result ret;
	size_t size;

	if (!ptr)
		return;
	s = class_to_cache(addr_to_class(ptr));
	if (likely(s)) {
		slab_free_slow(s, ptr);
		return;
	}
	page = addr_to_page(ptr);
	if (page) {
		free_large(ptr, page, true);
		return;
	}
	ret = vfree(ptr, &size);
	if (ret == VFREE_BUSY)
		free_defer(ptr);
	else if (unlikely(ret != VFREE_OK))
		bad_area("free", ptr, ret, size);
	else
		idle_poll();
}

static __slowpath void free_traced(enum trace_op op, void *ptr, size_t size)
{
	if (ptr)
		trace_record(op, ptr, 0, 1);
	if (harden_on)
		harden_free(ptr, size);
	else
		free_untraced(ptr);
}

static __attribute__((noinline)) void free_plain(void *ptr)
{
	SLAB_CALLER();
	if (trace_is_on())
		free_traced(TRACE_FREE, ptr, HARDEN_ANY_SIZE);
	else if (unlikely(harden_on))
		harden_free(ptr, HARDEN_ANY_SIZE);
	else
		free_untraced(ptr);
}

__attribute__((noinline)) void free_slow(void *ptr)
{
	if (likely(harden_hot.units))
		harden_free_any(ptr);
	else if (!buffer_free(ptr) && !last_free(ptr))
		free_plain(ptr);
}

static __attribute__((noinline)) void free_sized_plain(void *ptr, size_t size)
{
	SLAB_CALLER();
	if (trace_is_on())
		free_traced(TRACE_FREE_SIZED, ptr, size);
	else if (unlikely(harden_on))
		harden_free(ptr, size);
	else
		free_untraced(ptr);
}

__attribute__((noinline)) void free_sized_slow(void *ptr, size_t size)
{
	if (!buffer_free(ptr))
		free_sized_plain(ptr, size);
}

/* --- sizes --- */

/*
 * The usable size of a live block, 0 where a signal handler must not wait to
 * know; a bad pointer ends the process.
 */
static __slowpath size_t block_size_slow(const char *call, const void *ptr)
{
	struct page *page = addr_to_page(ptr);
	enum vfree_result ret;
	size_t size;

	if (page) {
		if (unlikely(!page_is_block(page) || ptr != large_start(page)))
			bad_page(call, ptr, page);
		return large_size(page);
	}
	ret = vmalloc_lookup(ptr, &size);
	if (unlikely(ret == VFREE_BUSY))
		return 0;	/* in a signal handler nobody can say */
	if (unlikely(ret != VFREE_OK))
		bad_area(call, ptr, ret, size);
	return size;
}

/*
 * Of slabs, the address is checked exactly, and whether the object is among
 * the last eight freed on this CPU; with check=1 also whether its slab has
 * it free.
 */
static __attribute__((noinline)) size_t block_size(const char *call,
						   const void *ptr)
{
	struct kmem_cache *s;

	if (unlikely(hot_is_outside(ptr) && options.hardened))
		return harden_size(call, ptr);
	s = class_to_cache(hot_class(ptr));
	if (unlikely(!s))
		return block_size_slow(call, ptr);
	if (unlikely(!slab_starts_object(s, ptr) ||
		     (percpu_is_recent(s->geo.off, ptr) &&
		      percpu_contains(s->geo.off, ptr)) ||
		     (options.check && slab_object_is_free(s, ptr))))
		alloc_fatal("invalid %s: %p (cache %s, object size %u)",
			    call, ptr, s->name, s->object_size);
	return s->object_size;
}

/*
 * The cache of a small block, after the same checks; NULL: it is none, or
 * block_size() has to look.
 */
__fastpath const struct kmem_cache *hot_block_cache(const void *ptr)
{
	const struct kmem_cache *s;
	u32 off;

	if (unlikely(hot_is_outside(ptr)))
		return NULL;
	off = hot_class(ptr);
	s = class_to_cache(off);
	if (unlikely(!s || s->nr_colours || !slab_starts_object(s, ptr) ||
		     options.check || hot_is_recent(off, ptr)))
		return NULL;
	return s;
}

/* Of a block of @size bytes, or more; NULL: it is none of pages, or shared. */
static struct page *block_large(const void *ptr, size_t size)
{
	struct page *page = size > KMALLOC_MAX_SIZE ? addr_to_page(ptr) : NULL;

	return page && READ_ONCE(page->type) == PAGE_LARGE ? page : NULL;
}

/* The whole block is its user's from now on. */
size_t block_size_of(const char *call, const void *ptr)
{
	size_t size = block_size(call, ptr);
	struct page *page = block_large(ptr, size);

	if (page)
		page->slack = 0;
	return size;
}

static __attribute__((noinline)) size_t usable_size_slow(const void *ptr)
{
	return ptr ? block_size_of("malloc_usable_size", ptr) : 0;
}

/*
 * Some programs ask at each malloc() and free(): what block_size() finds, but
 * for blocks that were freed before the last two.
 */
__attribute__((noinline)) size_t usable_size_impl(const void *ptr)
{
	u32 size = hot_size(ptr);

	return likely(size) ? size : usable_size_slow(ptr);
}

/* --- realloc --- */

/* Bytes of a block that its user may have written. */
static size_t written(void *ptr, size_t old)
{
	const struct page *page = block_large(ptr, old);

	return page ? old - page->slack : old;
}

/* One attempt, for who has a way out. */
static __attribute__((noinline)) void *malloc_once(size_t size)
{
	if (unlikely(READ_ONCE(idle_armed)))
		idle_armed_poll();
	return alloc_any(size, 1, 0);
}

/*
 * New memory for a block that cannot change where it stands.  What gets
 * smaller stays there if there is none: programs do not expect that to fail.
 */
static __attribute__((noinline)) void *realloc_move(void *ptr, size_t old,
						    size_t size)
{
	u32 flags = size > old && size >= GROW_AREA_SIZE ? GROWS : 0;
	size_t want = size;
	struct page *page;
	void *new;

	/* Growing page by page must not copy everything each time. */
	if (size > old && old > KMALLOC_MAX_SIZE)
		want = max(size, old + old / 8);
	SLAB_CALLER();
	new = flags ? alloc_any(want, 1, flags) : malloc_once(want);
	if (unlikely(!new)) {
		if (size <= old)
			return ptr;
		new = alloc_again(size, 1, flags);
		if (!new)
			return NULL;
	}
	if (want > size && (page = block_large(new, size)))
		large_set_asked(page, size, size_to_pages(size));
	memcpy(new, ptr, min(written(ptr, old), size));
	/* What it has outgrown is not what it asks for next. */
	page = block_large(ptr, old);
	if (page)
		free_large(ptr, page, false);
	else
		free_untraced(ptr);
	return new;
}

/* Whole pages that stay whole pages: grow or shrink in place if possible. */
static bool resize_in_place(struct page *page, size_t size)
{
	size_t end = page->colour * LARGE_COLOUR + size;
	size_t nr = size_to_pages(end);

	/* What is no less than before, or would be given as much, is not cut. */
	if (nr < page->nr_pages &&
	    (size + page->slack >= large_size(page) ||
	     range_length(nr) == page->nr_pages))
		nr = page->nr_pages;
	if (page->type != PAGE_LARGE || size <= KMALLOC_MAX_SIZE ||
	    end > PAGES_MAX_SIZE ||
	    !page_range_resize(page, page->nr_pages, nr))
		return false;
	large_set_asked(page, size, size_to_pages(size));
	return true;
}

static __slowpath void *realloc_hardened(void *ptr, size_t size)
{
	void *new = harden_realloc(ptr, size);

	if (!new) {
		reclaim(SIZE_MAX);
		new = harden_realloc(ptr, size);
	}
	return new ? new : no_memory();
}

/* Room enough, and not most of it in vain. */
static bool may_stay(size_t old, size_t size)
{
	return size <= old && (size > old / 2 || old <= 64);
}

/* Of a block, to a size that is not 0. */
static __attribute__((noinline)) void *resize(void *ptr, size_t size)
{
	struct page *page;
	size_t old;
	void *new;

	if (unlikely(size > PTRDIFF_MAX))
		return no_memory();
	if (unlikely(hot_is_outside(ptr) && options.hardened))
		return realloc_hardened(ptr, size);
	old = block_size("realloc", ptr);
	if (unlikely(!old))
		return no_memory();
	if (may_stay(old, size) && old <= KMALLOC_MAX_SIZE)
		return ptr;
	if (old > KMALLOC_MAX_SIZE) {
		if (unlikely(READ_ONCE(idle_armed)))
			idle_armed_poll();
		page = addr_to_page(ptr);
		if (page) {
			if (resize_in_place(page, size))
				return ptr;
		} else if (size_to_pages(size) == old >> PAGE_SHIFT) {
			return ptr;
		} else if (size > GROW_AREA_SIZE) {
			new = vrealloc_ahead(ptr, size);
			if (!new && size > old) {
				reclaim_for_failed(size_to_pages(size - old),
						   true);
				new = vrealloc_ahead(ptr, size);
			}
			if (new || size <= old)
				return new ? new : ptr;
			/* No more mappings: pages in a row serve as well. */
		}
	}
	return realloc_move(ptr, old, size);
}

static __slowpath void *realloc_traced(void *ptr, size_t size)
{
	trace_record(TRACE_REALLOC_FROM, ptr, size, 1);
	ptr = resize(ptr, size);
	trace_record(TRACE_REALLOC_TO, ptr, size, 1);
	return ptr;
}

/* What most calls are comes first: a small block stays, or becomes another. */
void *realloc_impl(void *ptr, size_t size)
{
	const struct kmem_cache *s;
	void *new;

	if (!ptr)
		return malloc_fast(size);
	if (!size) {
		free_fast(ptr);
		return NULL;
	}
	if (trace_is_on())
		return realloc_traced(ptr, size);
	s = hot_block_cache(ptr);
	if (unlikely(!s))
		return resize(ptr, size);
	if (may_stay(s->object_size, size))
		return ptr;
	new = malloc_hot(size);
	if (unlikely(!new))
		return realloc_move(ptr, s->object_size, size);
	arch_copy_object(new, ptr, min((size_t)s->object_size, size));
	if (unlikely(!free_hot(ptr))) {
		SLAB_CALLER();
		free_untraced(ptr);
	}
	return new;
}

/* --- aligned and zeroed --- */

void *memalign_called(size_t align, size_t size)
{
	void *ptr;

	if (align <= KMALLOC_MIN_SIZE) {
		ptr = malloc_hot(size);
		return likely(ptr) ? ptr : malloc_called(size);
	}
	/* As kmalloc_aligned(); hardened, what is behind the object counts. */
	if (align <= KMALLOC_MAX_SIZE && size <= KMALLOC_MAX_SIZE) {
		ptr = likely(!options.hardened) ?
		      malloc_hot(ALIGN_UP(max(size, (size_t)1), align)) :
		      harden_memalign(align, size);
		if (likely(ptr))
			return ptr;
	}
	ptr = buffer_memalign(align, size);
	if (ptr)
		return ptr;
	return traced(TRACE_ALIGNED, alloc_slow(size, align, 0), size, align);
}

__fastpath void *calloc_impl(size_t n, size_t size)
{
	size_t bytes;
	void *ptr;

	if (unlikely(__builtin_mul_overflow(n, size, &bytes)))
		return no_memory();
	if (bytes > KMALLOC_MAX_SIZE)
		return traced(TRACE_CALLOC, alloc_slow(bytes, 1, ZERO), bytes,
			      1);
	ptr = malloc_hot(bytes);
	if (unlikely(!ptr)) {
		SLAB_CALLER();
		ptr = calloc_slow(bytes);
	}
	return likely(ptr) ? memset(ptr, 0, bytes) : NULL;
}

/* --- the entry points --- */

/* Elsewhere in a cache line, a pair takes one or two cycles more of 19. */
#define HOT_ALIGNED __attribute__((aligned(64)))

EXPORT HOT_ALIGNED void *malloc(size_t size)
{
	return malloc_fast(size);
}

EXPORT HOT_ALIGNED void free(void *ptr)
{
	free_fast(ptr);
}

/* clang has no copy(), nor the warning it silences. */
#if __has_attribute(copy)
#define ALIAS(of) __attribute__((alias(#of), copy(of)))
#else
#define ALIAS(of) __attribute__((alias(#of)))
#endif

ALIAS(malloc) void *own_malloc(size_t size);
ALIAS(free) void own_free(void *ptr);

EXPORT void *calloc(size_t n, size_t size)
{
	if (unlikely(kswapd_pending) && unlikely(sys_is_threaded()))
		init_kswapd(__builtin_return_address(0));
	return calloc_impl(n, size);
}

EXPORT void *realloc(void *ptr, size_t size)
{
	return realloc_impl(ptr, size);
}

EXPORT void *reallocarray(void *ptr, size_t n, size_t size)
{
	size_t bytes;

	if (unlikely(__builtin_mul_overflow(n, size, &bytes)))
		return no_memory();
	return realloc_impl(ptr, bytes);
}

EXPORT int posix_memalign(void **out, size_t align, size_t size)
{
	int saved = errno;
	void *ptr;

	if (!is_power_of_2(align) || align % sizeof(void *))
		return EINVAL;
	ptr = memalign_impl(align, size);
	errno = saved;
	if (!ptr)
		return ENOMEM;
	*out = ptr;
	return 0;
}

/* The next power of two, or 0 if there is none. */
static size_t round_align(size_t align)
{
	return align > (size_t)1 << 63 ? 0 : roundup_pow2(align);
}

EXPORT void *memalign(size_t align, size_t size)
{
	align = round_align(align);
	if (!align) {
		errno = EINVAL;
		return NULL;
	}
	return memalign_impl(align, size);
}

EXPORT void *aligned_alloc(size_t align, size_t size)
	__attribute__((alias("memalign")));

EXPORT void *valloc(size_t size)
{
	return memalign_impl(sys_page_size(), size);
}

EXPORT void *pvalloc(size_t size)
{
	size_t page = sys_page_size();

	if (size > PTRDIFF_MAX)
		return no_memory();
	return memalign_impl(page, max(ALIGN_UP(size, page), page));
}

EXPORT size_t malloc_usable_size(void *ptr)
{
	return usable_size_impl(ptr);
}

void cfree(void *ptr);
void free_sized(void *ptr, size_t size);
void free_aligned_sized(void *ptr, size_t align, size_t size);

EXPORT void cfree(void *ptr)
{
	free_fast(ptr);
}

EXPORT void free_sized(void *ptr, size_t size)
{
	free_sized_impl(ptr, size);
}

EXPORT void free_aligned_sized(void *ptr, size_t align, size_t size)
{
	free_aligned_sized_impl(ptr, align, size);
}

EXPORT int malloc_trim(size_t pad)
{
	size_t given;

	if (!alloc_init())
		return 0;
	slab_reclaim();
	span_drain();
	given = vmalloc_purge(0) >> PAGE_SHIFT;
	given += zones_discard(0, pad >> PAGE_SHIFT);
	if (!pad)
		zones_offline();
	return given != 0;
}
