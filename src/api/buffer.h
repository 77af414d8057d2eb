/*
 * buffer.h - malloc() and free() of 8 KiB to 1 MiB where ranges of their length
 * are at hand (mm/pcp_range.c): the hot paths, but for a struct page in the
 * place of an object.
 *
 * They are what malloc_slow() and free_slow() try first, and what serves C++'s
 * operators and free_sized().  There is no atomic operation, nor, up to 64 KiB, a
 * call: either would wait for, or use up, the room that the CPU has for stores
 * which have not found their lines yet, and who fills one buffer after the other
 * has many of these.
 */
#ifndef API_BUFFER_H
#define API_BUFFER_H

#include "api/malloc.h"
#include "core/trace.h"
#include "mm/zone.h"

/*
 * Programs look at the first words of their buffers, and at those of each page:
 * if all began with a page, these lines would crowd in one of 64 sets of the
 * CPU's caches.  Some of what the last page has to spare, @spare bytes, goes in
 * front.  Ranges that are used again as they are have a colour each; of others,
 * a pageblock has: who gets pages that were a buffer's finds its lines again.
 * Where there is not enough to spare, it has none rather than the most that there
 * is, which would be another one, and cold, for each size.
 */
static inline u8 range_colour(const struct page *page)
{
	u32 pfn = (u32)((uintptr_t)page / sizeof(*page));

	return (u8)(pfn * 0x9e3779b1u >> 27);
}

static inline void set_colour(struct page *page, u32 nr, size_t spare)
{
	u32 most = (u32)(spare / LARGE_COLOUR);
	size_t block = (uintptr_t)page / (sizeof(*page) << PAGEBLOCK_ORDER);
	u32 colour = nr <= RANGE_EXACT ? range_colour(page) :
					 (u32)(block % LARGE_COLOURS);

	page->colour = colour <= most ? (u8)colour : 0;
}

/* One that waits, of @nr pages, of which @asked were. */
__fastpath void *buffer_pop(size_t align, size_t size, u32 asked, u32 nr)
{
	struct page *page = arch_pop_guess_cid(hot.base, hot.rseq,
					       range_off(nr));

	if (!page)
		return NULL;
	if (unlikely(!range_is_free(page, nr)))
		range_is_twice(page);
	page->colour = 0;
	if (likely(align <= LARGE_COLOUR))
		set_colour(page, nr, (asked << PAGE_SHIFT) - size);
	large_set_asked(page, size, asked);
	WRITE_ONCE(page->type, PAGE_LARGE);
	return large_start(page);
}

/* Apart from the others, which need fewer registers, and so fewer stores. */
static __attribute__((noinline, unused)) void *
buffer_pop_long(size_t align, size_t size)
{
	u32 asked = (u32)size_to_pages(size);

	return buffer_pop(align, size, asked, (u32)range_round(asked));
}

/*
 * NULL: none is at hand, or that takes more than this, as every few hundred calls
 * of a thread, when what lies idle in the heap is looked at (range_get()).
 */
__fastpath void *buffer_memalign(size_t align, size_t size)
{
	u32 nr = (u32)size_to_pages(size);

	if (likely(size >= READ_ONCE(ranges_end)) || size <= HOT_MAX_SIZE ||
	    unlikely(align > PAGE_SIZE) || unlikely(READ_ONCE(idle_armed)) ||
	    unlikely(--range_calls_left < 0))
		return NULL;
	return nr <= RANGE_EXACT ? buffer_pop(align, size, nr, nr) :
				   buffer_pop_long(align, size);
}

__fastpath void *buffer_malloc(size_t size)
{
	return buffer_memalign(1, size);
}

/*
 * Not of a slab, whose struct page would be a cold line: free() has looked at the
 * class.
 */
__fastpath bool hot_is_pages(const void *ptr)
{
	return !hot_is_outside(ptr) && !hot_class(ptr);
}

__fastpath bool buffer_push(struct page *page, u32 nr)
{
	WRITE_ONCE(page->type, PAGE_QUICK);
	if (arch_push_cid(hot.base, hot.rseq, range_off(nr), page))
		return true;
	WRITE_ONCE(page->type, PAGE_LARGE);
	return false;
}

static __attribute__((noinline, unused)) bool
buffer_push_long(struct page *page, u32 nr)
{
	return range_has_list(nr) && buffer_push(page, nr);
}

/*
 * False: it is none, not whole, or there is no room.  What is not outside is of the
 * first section, which is ZONE_NORMAL's (pcp_range.c, G4).
 */
__fastpath bool buffer_free(void *ptr)
{
	struct page *page;
	u32 nr;

	if (likely(!READ_ONCE(ranges_end)) || !hot_is_pages(ptr) ||
	    !(page = addr_to_page(ptr)) || READ_ONCE(page->type) != PAGE_LARGE ||
	    ptr != large_start(page))
		return false;
	nr = page->nr_pages;
	if (nr > RANGE_EXACT)
		return buffer_push_long(page, nr);
	return nr >= RANGE_MIN && buffer_push(page, nr);
}

/*
 * The same by way of the one that waits on this CPU (mm/last.c).  NULL: it will not
 * do, or somebody is to see this call.
 */
__fastpath void *last_malloc(size_t size)
{
	size_t asked = size_to_pages(size);	/* 0 of the largest sizes */
	struct page *page;

	if (!READ_ONCE(nr_last) || size <= HOT_MAX_SIZE ||
	    size > LAST_MAX << PAGE_SHIFT ||
	    unlikely(READ_ONCE(idle_armed)) || trace_is_on())
		return NULL;
	page = last_take(range_length(asked));
	if (!page)
		return NULL;
	set_colour(page, page->nr_pages, (asked << PAGE_SHIFT) - size);
	large_set_asked(page, size, asked);
	return large_start(page);
}

/* False: it is none, not whole, or better placed elsewhere. */
__fastpath bool last_free(void *ptr)
{
	struct page *page;

	return READ_ONCE(nr_last) && !trace_is_on() && hot_is_pages(ptr) &&
	       (page = addr_to_page(ptr)) &&
	       READ_ONCE(page->type) == PAGE_LARGE &&
	       ptr == large_start(page) && last_give(page);
}

#endif
