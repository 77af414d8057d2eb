/*
 * buddy.c - binary buddies over the pages of a zone's sections.
 *
 * A free block of order k starts at a multiple of 2^k pages and is listed in
 * free_area[k]; its links live in its first struct page.  Two buddies of the
 * same order that are both free become one block of the next order.
 *
 * Pageblocks of one huge page have a migratetype.  A request is served out of
 * pageblocks of its own type; if there is nothing, it takes the largest block
 * of another type and, where at least half of that pageblock is free, the
 * whole pageblock with it.  So lifetimes do not mix, and what becomes free
 * becomes free in whole pageblocks.  A heap too small for huge pages takes
 * warm memory wherever it is: there, a page saved is worth more.
 *
 * Invariants, under zone->lock:
 *   Z1. a block in free_area[k] has type PAGE_FREE and order k in its head,
 *       and PAGE_NONE in all its other pages.
 *   Z2. no two free buddies of one order below MAX_ORDER.
 *   Z3. list[t][1] holds exactly the blocks with a dirty bit set, list[t]
 *       those whose first pageblock has type t.
 *   Z4. nr_free and nr_free_dirty count pages and dirty bits of free blocks.
 *
 * Pages that were never handed out lie beyond the frontier and are in no
 * list; the frontier moves by MAX_ORDER blocks (zone.c).
 */
#include <string.h>

#include "core/options.h"
#include "core/stats.h"
#include "mm/buddy.h"

#define RUN_TRIES	16	/* buddy_alloc_run(): blocks looked at */
#define STEAL_ORDER	4	/* least block taken from another type */

void buddy_init(struct zone *zone)
{
	for (u32 order = 0; order <= MAX_ORDER; order++)
		for (u32 type = 0; type < MIGRATE_TYPES; type++)
			for (u32 dirty = 0; dirty < 2; dirty++)
				list_init(&zone->free_area[order]
						   .list[type][dirty]);
}

static bool block_is_dirty(const struct page *page, u32 order)
{
	return bits_any(page_section(page)->dirty, page_pfn(page),
			(size_t)1 << order);
}

static void block_insert(struct zone *zone, struct page *page, u32 order)
{
	struct free_area *area = &zone->free_area[order];
	u32 type = pageblock_head(page)->block_type;

	page->type = PAGE_FREE;
	page->order = (u8)order;
	list_add(&page->lru, &area->list[type][block_is_dirty(page, order)]);
	area->nr[type]++;
}

static void block_remove(struct zone *zone, struct page *page)
{
	ASSERT(page->type == PAGE_FREE);
	list_del(&page->lru);
	zone->free_area[page->order].nr[pageblock_head(page)->block_type]--;
	page->type = PAGE_NONE;
}

/* Pages that leave the lists are no longer counted (Z4). */
static void account_taken(struct zone *zone, const struct page *page, size_t nr)
{
	ADD_ONCE(zone->nr_free, -nr);
	ADD_ONCE(zone->nr_free_dirty, -range_nr_dirty(page, nr));
	if (zone->nr_free_dirty < zone->idle_min)
		WRITE_ONCE(zone->idle_min, zone->nr_free_dirty);
	zone->nr_lazy_free = min(zone->nr_lazy_free, zone->nr_free_dirty);
}

/* The free buddy of a block, or NULL if they cannot merge. */
static struct page *block_buddy(struct section *sec, size_t pfn, u32 order)
{
	size_t buddy = pfn ^ ((size_t)1 << order);
	struct page *page = &sec->vmemmap[buddy];

	if (order == MAX_ORDER || buddy < sec->first ||
	    buddy >= sec->frontier)
		return NULL;
	if (page->type != PAGE_FREE || page->order != order)
		return NULL;
	return page;
}

/* One aligned block becomes free; keeps Z2. */
static void buddy_free_block(struct zone *zone, struct page *page, u32 order)
{
	struct section *sec = page_section(page);
	size_t pfn = page_pfn(page);
	struct page *buddy;

	while ((buddy = block_buddy(sec, pfn, order))) {
		block_remove(zone, buddy);
		pfn &= ~((size_t)1 << order);
		order++;
	}
	block_insert(zone, &sec->vmemmap[pfn], order);
}

void buddy_free_range(struct zone *zone, struct page *page, size_t nr)
{
	size_t pfn = page_pfn(page);

	ADD_ONCE(zone->nr_free, nr);
	ADD_ONCE(zone->nr_free_dirty, range_nr_dirty(page, nr));
	page->type = PAGE_NONE;
	while (nr) {
		u32 order = min((u32)__builtin_ctzl(pfn | MAX_ORDER_PAGES),
				ilog2(nr));

		buddy_free_block(zone, page, order);
		page += (size_t)1 << order;
		pfn += (size_t)1 << order;
		nr -= (size_t)1 << order;
	}
}

static void set_block_type(struct page *page, size_t nr, enum migratetype type)
{
	for (size_t i = 0; i < nr; i += (size_t)1 << PAGEBLOCK_ORDER)
		page[i].block_type = (u8)type;
}

void buddy_add_block(struct zone *zone, struct page *page,
		     enum migratetype type)
{
	set_block_type(page, MAX_ORDER_PAGES, type);
	ADD_ONCE(zone->nr_free, MAX_ORDER_PAGES);
	block_insert(zone, page, MAX_ORDER);
}

/* --- taking blocks --- */

/* The smallest listed block of at least @order. */
static struct page *find_block(struct zone *zone, u32 order,
			       enum migratetype type, bool dirty)
{
	for (; order <= MAX_ORDER; order++) {
		struct list_head *list =
			&zone->free_area[order].list[type][dirty];

		if (!list_empty(list))
			return list_first(list, struct page, lru);
	}
	return NULL;
}

/* Where a type looks when it has nothing of its own. */
static const u8 fallbacks[MIGRATE_TYPES][MIGRATE_TYPES - 1] = {
	[MIGRATE_UNMOVABLE] = { MIGRATE_RECLAIMABLE, MIGRATE_MOVABLE },
	[MIGRATE_MOVABLE] = { MIGRATE_RECLAIMABLE, MIGRATE_UNMOVABLE },
	[MIGRATE_RECLAIMABLE] = { MIGRATE_UNMOVABLE, MIGRATE_MOVABLE },
};

/* The largest block of another type, of at least @order. */
static struct page *find_fallback(struct zone *zone, u32 order,
				  enum migratetype type, bool dirty)
{
	for (int k = MAX_ORDER; k >= (int)order; k--)
		for (u32 i = 0; i < MIGRATE_TYPES - 1; i++) {
			struct list_head *list =
				&zone->free_area[k]
					 .list[fallbacks[type][i]][dirty];

			if (!list_empty(list))
				return list_first(list, struct page, lru);
		}
	return NULL;
}

/* All free blocks of a pageblock, as one call of @fn each; returns pages. */
static size_t pageblock_each_free(struct zone *zone, struct page *head,
				  void (*fn)(struct zone *, struct page *))
{
	size_t nr = (size_t)1 << PAGEBLOCK_ORDER, free = 0, step;

	for (size_t i = 0; i < nr; i += step) {
		struct page *page = head + i;

		step = 1;
		if (page->type != PAGE_FREE)
			continue;
		step = (size_t)1 << page->order;
		free += step;
		if (fn)
			fn(zone, page);
	}
	return free;
}

size_t pageblock_nr_free(struct zone *zone, struct page *head)
{
	return pageblock_each_free(zone, head, NULL);
}

static void block_unlist(struct zone *zone, struct page *page)
{
	list_del(&page->lru);
	zone->free_area[page->order].nr[pageblock_head(page)->block_type]--;
}

static void block_relist(struct zone *zone, struct page *page)
{
	block_insert(zone, page, page->order);
}

/*
 * A block of another type is about to be used for @type: its pageblock
 * becomes of that type if that makes sense.  The block stays listed.
 */
static void pageblock_claim(struct zone *zone, struct page *page,
			    enum migratetype type)
{
	struct page *head = pageblock_head(page);
	u32 order = page->order;

	if (order >= PAGEBLOCK_ORDER) {
		block_remove(zone, page);
		set_block_type(page, (size_t)1 << order, type);
		block_insert(zone, page, order);
	} else if (pageblock_nr_free(zone, head) >=
		   (size_t)1 << (PAGEBLOCK_ORDER - 1)) {
		pageblock_each_free(zone, head, block_unlist);
		head->block_type = (u8)type;
		pageblock_each_free(zone, head, block_relist);
	} else {
		stat_add(STAT_PAGEBLOCK_MIX, 1);
		return;
	}
	stat_add(STAT_PAGEBLOCK_STEAL, 1);
}

/* Cut @page down to @order; of two halves keep the warm one. */
static struct page *block_split(struct zone *zone, struct page *page, u32 order)
{
	u32 have = page->order;

	while (have > order) {
		struct page *upper = page + ((size_t)1 << --have);

		if (!block_is_dirty(page, have) && block_is_dirty(upper, have))
			block_insert(zone, page, have), page = upper;
		else
			block_insert(zone, upper, have);
	}
	return page;
}

static struct page *block_take(struct zone *zone, struct page *page, u32 order)
{
	block_remove(zone, page);
	page = block_split(zone, page, order);
	account_taken(zone, page, (size_t)1 << order);
	return page;
}

/* Types are kept apart once the heap is worth huge pages. */
static bool types_matter(const struct zone *zone)
{
	return zone->nr_managed << PAGE_SHIFT > options.thp_start;
}

/* The smallest block of any type that holds @order; of its own type first. */
static struct page *find_any(struct zone *zone, u32 order,
			     enum migratetype type, bool dirty)
{
	for (; order <= MAX_ORDER; order++)
		for (u32 i = 0; i < MIGRATE_TYPES; i++) {
			u32 t = i ? fallbacks[type][i - 1] : type;
			struct list_head *list =
				&zone->free_area[order].list[t][dirty];

			if (!list_empty(list))
				return list_first(list, struct page, lru);
		}
	return NULL;
}

static struct page *find_for(struct zone *zone, u32 order,
			     enum migratetype type, bool dirty)
{
	/* Clean pages save nothing: rather grow than mix. */
	u32 least = dirty ? STEAL_ORDER : PAGEBLOCK_ORDER;
	struct page *page;

	if (!types_matter(zone))
		return find_any(zone, order, type, dirty);
	page = find_block(zone, order, type, dirty);
	return page ? page : find_fallback(zone, max(order, least), type,
					   dirty);
}

struct page *buddy_alloc(struct zone *zone, u32 order, enum migratetype type,
			 bool warm)
{
	struct page *page = find_for(zone, order, type, warm);

	if (!page)
		return NULL;
	if (pageblock_head(page)->block_type != type)
		pageblock_claim(zone, page, type);
	return block_take(zone, page, order);
}

struct page *buddy_alloc_any(struct zone *zone, u32 order)
{
	struct page *page = NULL;

	for (u32 i = 0; i < 2 * MIGRATE_TYPES && !page; i++)
		page = find_block(zone, order, i / 2, !(i & 1));
	return page ? block_take(zone, page, order) : NULL;
}

/* --- runs --- */

bool buddy_range_is_free(struct section *sec, size_t pfn, size_t nr)
{
	size_t end = pfn + nr;

	while (pfn < end) {
		struct page *page = &sec->vmemmap[pfn];

		if (pfn >= sec->frontier || page->type != PAGE_FREE)
			return false;
		pfn += (size_t)1 << page->order;
	}
	return true;
}

void buddy_take_range(struct zone *zone, struct section *sec, size_t pfn,
		      size_t nr)
{
	size_t end = pfn + nr;

	while (pfn < end) {
		struct page *page = &sec->vmemmap[pfn];
		size_t have = (size_t)1 << page->order;

		block_remove(zone, page);
		account_taken(zone, page, have);
		if (pfn + have > end)
			buddy_free_range(zone, &sec->vmemmap[end],
					 pfn + have - end);
		pfn += have;
	}
}

/* The free block that ends where @pfn begins, or NULL. */
static struct page *block_before(struct section *sec, size_t pfn)
{
	for (u32 order = 0; order <= MAX_ORDER; order++) {
		size_t head = pfn - ((size_t)1 << order);
		struct page *page = &sec->vmemmap[head];

		if (pfn < sec->first + ((size_t)1 << order) ||
		    head & (((size_t)1 << order) - 1))
			return NULL;
		if (page->type == PAGE_FREE && page->order == order)
			return page;
	}
	return NULL;
}

/* @type is that of the page's pageblock, or MIGRATE_TYPES for any. */
static bool type_fits(const struct page *page, u32 type)
{
	return type == MIGRATE_TYPES ||
	       pageblock_head(page)->block_type == type;
}

/*
 * The free pages around a free block, of pageblocks of @type; @pfn is moved
 * to the first of them.  More than @enough are not looked for.
 */
static size_t run_around(struct section *sec, size_t *pfn, size_t enough,
			 u32 type)
{
	size_t start = *pfn, end = start;
	struct page *page;

	while (end < sec->frontier && end - start < enough &&
	       sec->vmemmap[end].type == PAGE_FREE &&
	       type_fits(&sec->vmemmap[end], type))
		end += (size_t)1 << sec->vmemmap[end].order;
	while (end - start < enough && (page = block_before(sec, start)) &&
	       type_fits(page, type))
		start -= (size_t)1 << page->order;
	*pfn = start;
	return end - start;
}

struct run {
	struct section *sec;
	size_t pfn, len;
	u32 tries;
};

/* Look around the blocks of one list; true when that is enough. */
static bool run_search(struct list_head *list, size_t nr, u32 type,
		       struct run *best)
{
	list_for_each(page, list, struct page, lru) {
		struct section *sec = page_section(page);
		size_t pfn = page_pfn(page);
		size_t len = run_around(sec, &pfn, best->len, type);

		if (len >= nr && len < best->len) {
			best->sec = sec;
			best->pfn = pfn;
			best->len = len;
		}
		if (!--best->tries || best->len == nr)
			return true;
	}
	return false;
}

/* Runs around blocks of @type, if @best is not good enough already. */
static void run_search_type(struct zone *zone, size_t nr, u32 type, bool dirty,
			    struct run *best)
{
	u32 order = min(ilog2(nr), (u32)MAX_ORDER);
	u32 within = types_matter(zone) ? type : MIGRATE_TYPES;

	best->tries = RUN_TRIES;
	for (u32 k = order > 1 ? order - 1 : 0; k <= MAX_ORDER; k++)
		if (best->len == nr ||
		    run_search(&zone->free_area[k].list[type][dirty], nr,
			       within, best))
			break;
}

/*
 * Large blocks are placed by best fit among runs of free pages, whatever
 * buddies these consist of: powers of two would leave holes that no later
 * request fits.  A run of @nr pages contains an aligned block of at least a
 * quarter of that, so all runs are found by looking around the blocks from
 * that order up; of a long list, only the first RUN_TRIES.
 */
struct page *buddy_alloc_run(struct zone *zone, size_t nr,
			     enum migratetype type, bool warm)
{
	struct run best = { .len = SIZE_MAX };
	bool apart = types_matter(zone);
	struct page *page;

	run_search_type(zone, nr, type, warm, &best);
	for (u32 i = 0; i < MIGRATE_TYPES - 1; i++) {
		if (apart && (best.sec || ilog2(nr) < STEAL_ORDER))
			break;
		run_search_type(zone, nr, fallbacks[type][i], warm, &best);
	}
	if (!best.sec)
		return NULL;
	page = &best.sec->vmemmap[best.pfn];
	if (pageblock_head(page)->block_type != type)
		pageblock_claim(zone, page, type);
	buddy_take_range(zone, best.sec, best.pfn, nr);
	return page;
}

/* --- taking what goes back to the OS or moves away --- */

struct page *buddy_take_exact(struct zone *zone, u32 order)
{
	for (u32 type = 0; type < MIGRATE_TYPES; type++) {
		struct list_head *list = &zone->free_area[order].list[type][1];

		if (!list_empty(list))
			return block_take(zone, list_last(list, struct page,
							  lru), order);
	}
	return NULL;
}

struct page *buddy_take_largest(struct zone *zone, u32 min_order, size_t pages,
				u32 *order)
{
	for (int k = MAX_ORDER; k >= (int)min_order; k--)
		for (u32 type = 0; type < MIGRATE_TYPES; type++) {
			struct list_head *list =
				&zone->free_area[k].list[type][1];
			struct page *page;

			if (list_empty(list))
				continue;
			page = list_last(list, struct page, lru);
			*order = (u32)k;
			if (range_nr_dirty(page, (size_t)1 << k) <= pages)
				return block_take(zone, page, *order);
		}
	/* All have more: a part of the smallest does. */
	*order = pages ? ilog2(pages) : 0;
	if (!pages || *order < min_order)
		return NULL;
	for (u32 k = *order; k <= MAX_ORDER; k++)
		for (u32 type = 0; type < MIGRATE_TYPES; type++) {
			struct list_head *list =
				&zone->free_area[k].list[type][1];

			if (!list_empty(list))
				return block_take(zone,
						  list_last(list, struct page,
							    lru), *order);
		}
	return NULL;
}

/* Of a block that is part of a whole huge page nothing is given back. */
static struct page *find_cold(struct zone *zone, u32 order)
{
	for (u32 type = 0; type < MIGRATE_TYPES; type++) {
		struct list_head *list = &zone->free_area[order].list[type][1];
		u32 tries = RUN_TRIES;

		for (struct list_head *at = list->prev; at != list && tries;
		     at = at->prev, tries--) {
			struct page *page = list_entry(at, struct page, lru);

			if (order >= PAGEBLOCK_ORDER ||
			    !(pageblock_head(page)->block_flags & BLOCK_HUGE))
				return page;
		}
	}
	return NULL;
}

/*
 * A part of @page that leaves @keep dirty pages; NULL if it is not to split,
 * or not so far (an OS page may be several of ours).
 */
static struct page *take_part(struct zone *zone, struct page *page,
			      u32 min_order, size_t keep, u32 *order)
{
	*order = min((u32)page->order, ilog2(zone->nr_free_dirty - keep));
	if (*order < min_order)
		return NULL;
	if (*order < PAGEBLOCK_ORDER &&
	    pageblock_head(page)->block_flags & BLOCK_HUGE)
		return NULL;
	return block_take(zone, page, *order);
}

struct page *buddy_take_dirty(struct zone *zone, u32 min_order, size_t keep,
			      u32 *order)
{
	for (u32 k = min_order; k <= MAX_ORDER; k++) {
		struct page *page;

		if (zone->nr_free_dirty <= keep)
			return NULL;
		/* Where nothing is to be kept, huge pages are split too. */
		*order = k;
		page = keep ? find_cold(zone, k) : buddy_take_exact(zone, k);
		if (page && keep)
			page = take_part(zone, page, min_order, keep, order);
		if (page)
			return page;
	}
	return NULL;
}

struct page *buddy_take_clean_block(struct zone *zone)
{
	for (u32 type = 0; type < MIGRATE_TYPES; type++) {
		struct list_head *list =
			&zone->free_area[MAX_ORDER].list[type][0];

		if (!list_empty(list))
			return block_take(zone, list_first(list, struct page,
							   lru), MAX_ORDER);
	}
	return NULL;
}

/* --- validity --- */

static bool block_is_valid(const struct page *page, u32 order, u32 type,
			   bool dirty)
{
	size_t pfn = page_pfn(page);

	if (page->type != PAGE_FREE || page->order != order ||
	    pfn & (((size_t)1 << order) - 1) ||
	    pageblock_head(page)->block_type != type ||
	    block_is_dirty(page, order) != dirty)
		return false;
	for (size_t i = 1; i < (size_t)1 << order; i++)
		if (page[i].type != PAGE_NONE)
			return false;
	return !block_buddy(page_section(page), pfn, order);
}

static bool list_is_valid(struct zone *zone, u32 order, u32 type, size_t *free,
			  size_t *nr_dirty)
{
	struct free_area *area = &zone->free_area[order];
	size_t nr = 0;
	bool ok = true;

	for (u32 dirty = 0; dirty < 2; dirty++)
		list_for_each(page, &area->list[type][dirty], struct page,
			      lru) {
			ok = ok && block_is_valid(page, order, type, dirty);
			*nr_dirty += range_nr_dirty(page, (size_t)1 << order);
			nr++;
		}
	*free += nr << order;
	return ok && nr == area->nr[type];
}

bool zone_is_valid(struct zone *zone)
{
	size_t free = 0, nr_dirty = 0;
	bool ok = true;

	lock_try_enter(&zone->lock);
	for (u32 order = 0; order <= MAX_ORDER; order++)
		for (u32 type = 0; type < MIGRATE_TYPES; type++)
			ok = list_is_valid(zone, order, type, &free,
					   &nr_dirty) && ok;
	ok = ok && free == zone->nr_free && nr_dirty == zone->nr_free_dirty;
	lock_exit(&zone->lock);
	return ok;
}
