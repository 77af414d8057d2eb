/*
 * buddy.h - free lists of a zone; between the files of the page allocator.
 *
 * Everything here is called with zone->lock held.
 */
#ifndef MM_BUDDY_H
#define MM_BUDDY_H

#include "mm/zone.h"

/* First page of the pageblock of @page: vmemmap is aligned to its part. */
static inline struct page *pageblock_head(const struct page *page)
{
	size_t bytes = sizeof(struct page) << PAGEBLOCK_ORDER;

	return (struct page *)((uintptr_t)page & ~(uintptr_t)(bytes - 1));
}

static inline size_t range_nr_dirty(const struct page *page, size_t nr)
{
	return bits_count_range(page_section(page)->dirty, page_pfn(page), nr);
}

void buddy_init(struct zone *zone);
/*
 * Clean pages come online, its pageblocks of @type: MAX_ORDER blocks or a part
 * of one, of its size's alignment.
 */
void buddy_add_range(struct zone *zone, struct page *page, size_t nr,
		     enum migratetype type);
/*
 * Any range becomes free: cut into aligned blocks, merged upward.  Its dirty
 * bits are already set.
 */
void buddy_free_range(struct zone *zone, struct page *page, size_t nr);
/*
 * An aligned block of @order, warm or clean, of @type or of a pageblock that
 * becomes of @type; NULL if there is none.  Its pages are no longer free.
 */
struct page *buddy_alloc(struct zone *zone, u32 order, enum migratetype type,
			 bool warm);
/* The same out of whatever is free, where nothing else is left. */
struct page *buddy_alloc_any(struct zone *zone, u32 order);
/* @nr pages in a row, where no such block is left either. */
struct page *buddy_alloc_row(struct zone *zone, size_t nr);
/* @nr pages by best fit among runs with dirty pages, not above MAX_ORDER. */
struct page *buddy_alloc_run(struct zone *zone, size_t nr,
			     enum migratetype type);
/* The @nr pages from @pfn on are all free. */
bool buddy_range_is_free(struct section *sec, size_t pfn, size_t nr);
/* Take exactly those, which begin with the head of a free block. */
void buddy_take_range(struct zone *zone, struct section *sec, size_t pfn,
		      size_t nr);
/* A dirty block of at least 2^@min_order pages, smallest first, cut so that
 * @keep dirty pages stay; for giving back.  @order receives its order. */
struct page *buddy_take_dirty(struct zone *zone, u32 min_order, size_t keep,
			      u32 *order);
/* A dirty block of exactly @order, coldest first. */
struct page *buddy_take_exact(struct zone *zone, u32 order);
/* The largest block of at least @min_order with at most @pages dirty ones. */
struct page *buddy_take_largest(struct zone *zone, u32 min_order, size_t pages,
				u32 *order);
/* A clean block of MAX_ORDER leaves the lists; NULL if there is none. */
struct page *buddy_take_clean_block(struct zone *zone);

/*
 * Where the pageblock at @pfn ends: the first of a section comes in parts, and
 * beyond the frontier there may be no struct pages.
 */
static inline size_t pageblock_end(const struct section *sec, size_t pfn)
{
	return min(pfn + ((size_t)1 << PAGEBLOCK_ORDER), sec->frontier);
}

/* --- run.c: free pages in a row, [pfn, end) --- */

/* The pages between, all free and in no run, are runs again. */
void run_put(struct zone *zone, struct section *sec, size_t pfn, size_t end);
/*
 * A range that is in no run yet, or no longer, is extended by the runs it
 * touches; those are forgotten.
 */
void run_take_around(struct zone *zone, struct section *sec, size_t *pfn,
		     size_t *end);
/* The run in which a free block begins at @pfn is forgotten; all of it. */
void run_take(struct zone *zone, struct section *sec, size_t *pfn, size_t *end);
/* The same of one whose first page is known. */
void run_forget(struct zone *zone, struct page *head);
/* Where the run of the free block at @pfn begins. */
size_t run_start(struct section *sec, size_t pfn);
/* The same for all that is free in a pageblock, whose type may then change. */
void run_take_pageblock(struct zone *zone, struct section *sec, size_t pfn);
void run_put_pageblock(struct zone *zone, struct section *sec, size_t pfn);
/* A run of @type with at least @nr pages, nearly the shortest, or NULL. */
struct page *run_find(struct zone *zone, size_t nr, u32 type);
/*
 * The shortest row of at least @nr free pages, warm or clean, of any type, or
 * NULL.  A walk over all that is free, for who would fail otherwise.
 */
struct page *row_find(struct zone *zone, size_t nr);
bool runs_are_valid(struct zone *zone);

/* --- zone.c --- */

/* More pages, of @type if a pageblock begins with them; false: no memory. */
bool zone_grow(struct zone *zone, enum migratetype type);
/* The rest of a first block that came in parts; false: no memory. */
bool section_grow_whole(struct zone *zone, struct section *sec,
			enum migratetype type);
/* @nr pages at the end of a section, neighbours; free on return. */
struct page *zone_grow_contig(struct zone *zone, size_t nr);

/* --- khugepaged.c --- */

/* Fault a pageblock in, as one huge page if that is wanted; BLOCK_* flags. */
u32 thp_populate(void *addr);

#endif
