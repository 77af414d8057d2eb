/*
 * zone.h - the page allocator: buddies over sections.
 */
#ifndef MM_ZONE_H
#define MM_ZONE_H

#include "lib/lock.h"
#include "mm/page.h"

struct free_area {
	/*
	 * [1] blocks with at least one dirty page (P3), taken first: they
	 * are warm.  [0] blocks that are all clean.
	 */
	struct list_head list[2];
	size_t nr;
};

struct zone {
	struct lock lock;	/* of everything below; a leaf */
	struct free_area free_area[MAX_ORDER + 1];
	size_t nr_free;		/* pages in free_area */
	size_t nr_free_dirty;	/* ... with the dirty bit set */
	size_t nr_managed;	/* pages between first and frontier */
};

extern __hidden struct zone zone_normal;

void zone_init(struct zone *zone);

/* Pages that are not free; racy. */
static inline size_t zone_used_pages(const struct zone *zone)
{
	return READ_ONCE(zone->nr_managed) - READ_ONCE(zone->nr_free);
}

/* What a caller wants of alloc_pages_exact(). */
#define PAGES_ZERO	1	/* zeroed; clean pages are not written */
#define PAGES_PREFAULT	2	/* they will be touched: fault in batches */
#define PAGES_ALIGNED	4	/* set by the function itself */

/**
 * alloc_pages_exact - contiguous pages, exactly as many as asked
 * @nr: pages; more than MAX_ORDER_PAGES only out of what is free already
 * @align_order: the block starts at a multiple of 2^@align_order pages
 * @flags: PAGES_*
 *
 * What the buddy block has beyond @nr goes back at once: a 20-page request
 * costs 20 pages, not 32.  The first page's type is PAGE_LARGE on return.
 *
 * Return: the first page, or NULL (no memory, or re-entered on this thread).
 * Context: takes zone->lock.  Source of the idea: mm/page_alloc.c.
 */
struct page *alloc_pages_exact(size_t nr, u32 align_order, u32 flags);

/**
 * free_pages_exact - give @nr pages back, merging upward
 *
 * False only when re-entered on this thread: nothing was done.
 * Context: takes zone->lock.
 */
bool free_pages_exact(struct page *page, size_t nr);

/*
 * Change a PAGE_LARGE block of @old pages to @nr where it stands; false if
 * the pages behind it are not free.
 */
bool resize_pages_exact(struct page *page, size_t old, size_t nr);

/* Give free resident memory back to the OS, whole blocks of at least
 * 2^@min_order pages, keeping @keep pages; returns pages given back. */
size_t zone_discard(u32 min_order, size_t keep);

/* Every invariant of the zone holds; walks everything. */
bool zone_is_valid(struct zone *zone);

/* --- per-CPU page lists (pcp.c): blocks of order 0 to PCP_MAX_ORDER --- */

#define PCP_MAX_ORDER 3

struct page *pcp_alloc(u32 order);
bool pcp_free(struct page *page, u32 order);
/* Empty all per-CPU page lists into the buddies. */
void pcp_drain(void);

#endif
