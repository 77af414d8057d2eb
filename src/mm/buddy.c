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
 *       and PAGE_NONE in all its other pages, but for the last of a run.
 *   Z2. no two free buddies of one order below MAX_ORDER.
 *   Z3. list[t][1] holds exactly the blocks with a dirty bit set, list[t]
 *       those whose first pageblock has type t.
 *   Z4. nr_free and nr_free_dirty count pages and dirty bits of free blocks,
 *	 and block_free those of a pageblock in its first struct page: to count
 *	 them one by one would be a cold line for each.
 *   Z5. no row of free pages is as long as row_none: a search that found none
 *	 stays right until pages come back, as what is taken makes rows shorter.
 *	 So who is refused again and again does not walk all pages each time.
 *   Between two calls of these functions the runs of run.c are right as well.
 *
 * Pages that were never handed out lie beyond the frontier and are in no
 * list; the frontier moves by MAX_ORDER blocks or parts of the first (zone.c).
 */
#include <string.h>

#include "core/options.h"
#include "core/stats.h"
#include "mm/buddy.h"

#define COLD_TRIES	16	/* find_cold(): blocks looked at */
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
	struct section *sec = page_section(page);
	size_t pfn = (size_t)(page - sec->vmemmap);
	u64 word = READ_ONCE(sec->dirty[pfn / 64]);

	/* A block below lies in one word, where it is aligned. */
	if (likely(order < 6))
		return word >> pfn % 64 & (((u64)1 << (1u << order)) - 1);
	return word || bits_any(sec->dirty, pfn, (size_t)1 << order);
}

/* A block of @order more, or fewer, is listed (Z4). */
__fastpath void pageblock_count(struct page *head, u32 order, int sign)
{
	int nr = 1 << PAGEBLOCK_ORDER;

	if (likely(order < MAX_ORDER))
		nr = 1 << order;
	else
		WRITE_ONCE(head[nr].block_free,
			   (u16)(head[nr].block_free + sign * nr));
	WRITE_ONCE(head->block_free, (u16)(head->block_free + sign * nr));
}

static void block_list(struct zone *zone, struct page *page, u32 order,
		       bool dirty)
{
	struct free_area *area = &zone->free_area[order];
	struct page *head = pageblock_head(page);
	u32 type = head->block_type;

	WRITE_ONCE(page->type, PAGE_FREE);
	page->order = (u8)order;
	list_add(&page->lru, &area->list[type][dirty]);
	area->nr[type]++;
	pageblock_count(head, order, 1);
}

static void block_insert(struct zone *zone, struct page *page, u32 order)
{
	block_list(zone, page, order, block_is_dirty(page, order));
}

static void block_unlist(struct zone *zone, struct page *page)
{
	struct page *head = pageblock_head(page);
	u32 order = page->order;

	list_del(&page->lru);
	zone->free_area[order].nr[head->block_type]--;
	pageblock_count(head, order, -1);
}

static void block_remove(struct zone *zone, struct page *page)
{
	ASSERT(page->type == PAGE_FREE);
	block_unlist(zone, page);
	WRITE_ONCE(page->type, PAGE_NONE);
}

/* Pages that leave the lists are no longer counted (Z4). */
static void account_taken(struct zone *zone, const struct page *page, size_t nr)
{
	size_t left = zone->nr_free_dirty - range_nr_dirty(page, nr);

	ADD_ONCE(zone->nr_free, -nr);
	WRITE_ONCE(zone->nr_free_dirty, left);
	if (left < zone->idle_min)
		WRITE_ONCE(zone->idle_min, left);
	if (left < zone->nr_lazy_free)
		WRITE_ONCE(zone->nr_lazy_free, left);
}

/* The free buddy of a block, or NULL if they cannot merge. */
static struct page *block_buddy(struct section *sec, size_t pfn, u32 order)
{
	size_t buddy = pfn ^ ((size_t)1 << order);
	struct page *page = &sec->vmemmap[buddy];

	if (order == MAX_ORDER || buddy < sec->first ||
	    buddy >= sec->frontier)
		return NULL;
	if (READ_ONCE(page->type) != PAGE_FREE || page->order != order)
		return NULL;
	return page;
}

/*
 * A block of MAX_ORDER is in no run (F1).  What has been freed is in none yet,
 * between @lo and @hi; but a buddy may be of another type.
 */
static void run_leave(struct zone *zone, struct section *sec, size_t pfn,
		      size_t lo, size_t hi)
{
	size_t end = pfn + ((size_t)1 << PAGEBLOCK_ORDER), from = pfn, to;

	if (pfn >= lo && pfn < hi)
		return;
	run_take(zone, sec, &from, &to);
	run_put(zone, sec, from, pfn);
	run_put(zone, sec, end, to);
}

/* One aligned block becomes free, @dirty or perhaps; keeps Z2. */
static void buddy_free_block(struct zone *zone, struct section *sec, size_t pfn,
			     u32 order, size_t lo, size_t hi, bool dirty)
{
	struct page *buddy;

	while ((buddy = block_buddy(sec, pfn, order))) {
		if (order == MAX_ORDER - 1)
			run_leave(zone, sec, page_pfn(buddy), lo, hi);
		block_remove(zone, buddy);
		pfn &= ~((size_t)1 << order);
		order++;
	}
	block_list(zone, &sec->vmemmap[pfn], order,
		   dirty || block_is_dirty(&sec->vmemmap[pfn], order));
}

/* The largest block that begins at @pfn and has at most @nr pages. */
static u32 piece_order(size_t pfn, size_t nr)
{
	return min((u32)__builtin_ctzl(pfn | MAX_ORDER_PAGES), ilog2(nr));
}

void buddy_free_range(struct zone *zone, struct page *page, size_t nr)
{
	struct section *sec = page_section(page);
	size_t pfn = page_pfn(page), end = pfn + nr, lo = pfn, hi = end, dirty;

	if (!nr)
		return;
	dirty = bits_count_range(sec->dirty, pfn, nr);
	zone->row_none = 0;
	ADD_ONCE(zone->nr_free, nr);
	ADD_ONCE(zone->nr_free_dirty, dirty);
	WRITE_ONCE(page->type, PAGE_NONE);
	run_take_around(zone, sec, &lo, &hi);
	while (pfn < end) {
		u32 order = piece_order(pfn, end - pfn);

		buddy_free_block(zone, sec, pfn, order, lo, hi, dirty == nr);
		pfn += (size_t)1 << order;
	}
	run_put(zone, sec, lo, hi);
}

static void set_block_type(struct page *page, size_t nr, enum migratetype type)
{
	for (size_t i = 0; i < nr; i += (size_t)1 << PAGEBLOCK_ORDER)
		WRITE_ONCE(page[i].block_type, (u8)type);
}

void buddy_add_range(struct zone *zone, struct page *page, size_t nr,
		     enum migratetype type)
{
	struct page *head = pageblock_head(page);

	/* The rest of a pageblock is of its type. */
	if (page == head)
		set_block_type(page, nr, type);
	buddy_free_range(zone, page, nr);
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

/* All free blocks of a pageblock, as one call of @fn each. */
static void pageblock_each_free(struct zone *zone, struct page *head,
				void (*fn)(struct zone *, struct page *))
{
	size_t pfn = page_pfn(head), step;
	size_t nr = pageblock_end(page_section(head), pfn) - pfn;

	for (size_t i = 0; i < nr; i += step) {
		struct page *page = head + i;

		step = 1;
		if (READ_ONCE(page->type) != PAGE_FREE)
			continue;
		step = (size_t)1 << page->order;
		fn(zone, page);
	}
}

static void block_relist(struct zone *zone, struct page *page)
{
	block_insert(zone, page, page->order);
}

/*
 * A block of another type is about to be used for @type: its pageblock
 * becomes of that type if that makes sense, and true is returned: its runs are
 * others then.  The block stays listed.
 */
static bool pageblock_claim(struct zone *zone, struct page *page,
			    enum migratetype type)
{
	struct page *head = pageblock_head(page);
	u32 order = page->order;

	if (order == MAX_ORDER) {
		block_remove(zone, page);
		set_block_type(page, MAX_ORDER_PAGES, type);
		block_insert(zone, page, order);
	} else if (head->block_free >= 1u << (PAGEBLOCK_ORDER - 1)) {
		struct section *sec = page_section(page);

		run_take_pageblock(zone, sec, page_pfn(head));
		pageblock_each_free(zone, head, block_unlist);
		WRITE_ONCE(head->block_type, (u8)type);
		pageblock_each_free(zone, head, block_relist);
		run_put_pageblock(zone, sec, page_pfn(head));
	} else {
		stat_add(STAT_PAGEBLOCK_MIX, 1);
		return false;
	}
	stat_add(STAT_PAGEBLOCK_STEAL, 1);
	return true;
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
	struct section *sec = page_section(page);
	size_t lo = page_pfn(page), hi = lo + MAX_ORDER_PAGES, pfn;

	if (order == MAX_ORDER) {
		block_remove(zone, page);
		account_taken(zone, page, MAX_ORDER_PAGES);
		return page;
	}
	if (page->order == MAX_ORDER)
		run_take_around(zone, sec, &lo, &hi);
	else
		run_take(zone, sec, &lo, &hi);
	block_remove(zone, page);
	page = block_split(zone, page, order);
	account_taken(zone, page, (size_t)1 << order);
	pfn = page_pfn(page);
	run_put(zone, sec, lo, pfn);
	run_put(zone, sec, pfn + ((size_t)1 << order), hi);
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

		if (pfn >= sec->frontier || READ_ONCE(page->type) != PAGE_FREE)
			return false;
		pfn += (size_t)1 << page->order;
	}
	return true;
}

/* The rest of a block that was cut: free as it was, and no buddy is. */
static void pieces_insert(struct zone *zone, struct section *sec, size_t pfn,
			  size_t end)
{
	while (pfn < end) {
		u32 order = piece_order(pfn, end - pfn);

		block_insert(zone, &sec->vmemmap[pfn], order);
		pfn += (size_t)1 << order;
	}
}

/* The runs and MAX_ORDER blocks that [@lo, @hi) lies in, widened to them. */
static void take_runs(struct zone *zone, struct section *sec, size_t *lo,
		      size_t *hi)
{
	size_t end = *hi, at = *lo, from, to;
	bool max = false;

	while (at < end) {
		max = sec->vmemmap[at].order == MAX_ORDER;
		if (max) {
			at += MAX_ORDER_PAGES;
			continue;
		}
		from = at;
		run_take(zone, sec, &from, &to);
		*lo = min(*lo, from);
		at = to;
	}
	*hi = at;
	/* What is left of a MAX_ORDER block joins the run behind it. */
	if (max && at > end) {
		from = end;
		run_take_around(zone, sec, &from, hi);
	}
}

/* [@lo, @hi) was a run, or several with what is between. */
static void take_within(struct zone *zone, struct section *sec, size_t lo,
			size_t hi, size_t pfn, size_t nr)
{
	size_t end = pfn + nr, have;

	for (size_t at = pfn; at < end; at += have) {
		struct page *page = &sec->vmemmap[at];

		have = (size_t)1 << page->order;
		block_remove(zone, page);
		if (at + have > end)
			pieces_insert(zone, sec, end, at + have);
	}
	account_taken(zone, &sec->vmemmap[pfn], nr);
	run_put(zone, sec, lo, pfn);
	run_put(zone, sec, end, hi);
}

void buddy_take_range(struct zone *zone, struct section *sec, size_t pfn,
		      size_t nr)
{
	size_t lo = pfn, hi = pfn + nr;

	take_runs(zone, sec, &lo, &hi);
	take_within(zone, sec, lo, hi, pfn, nr);
}

/* The start of a run: known, it is not looked for in lines that are cold. */
static void take_start(struct zone *zone, struct page *head, size_t nr)
{
	size_t pfn = page_pfn(head), hi = pfn + head->run_len;

	run_forget(zone, head);
	take_within(zone, page_section(head), pfn, hi, pfn, nr);
}

/*
 * The run that fits best may be resident in a small part only, while a block
 * of MAX_ORDER, in no run, lies idle and is: that one makes nothing larger.
 */
static struct page *warmer_block(struct zone *zone, struct page *best,
				 size_t nr, enum migratetype type)
{
	struct list_head *list = &zone->free_area[MAX_ORDER].list[type][1];
	struct page *block;
	size_t have;

	if (list_empty(list) || (have = range_nr_dirty(best, nr)) == nr)
		return best;
	block = list_first(list, struct page, lru);
	return range_nr_dirty(block, nr) > have ? block : best;
}

struct page *buddy_alloc_run(struct zone *zone, size_t nr,
			     enum migratetype type)
{
	bool apart = types_matter(zone);
	struct page *page, *best;

	if (nr > MAX_ORDER_PAGES)
		return NULL;
	best = run_find(zone, nr, type);
	for (u32 i = 0; i < MIGRATE_TYPES - 1; i++) {
		if (apart && (best || ilog2(nr) < STEAL_ORDER))
			break;
		page = run_find(zone, nr, fallbacks[type][i]);
		if (page && (!best || page->run_len < best->run_len))
			best = page;
	}
	if (!best)
		return NULL;
	best = warmer_block(zone, best, nr, type);
	if (pageblock_head(best)->block_type != type &&
	    pageblock_claim(zone, best, type))
		buddy_take_range(zone, page_section(best), page_pfn(best), nr);
	else if (best->order == MAX_ORDER)
		buddy_take_range(zone, page_section(best), page_pfn(best), nr);
	else
		take_start(zone, best, nr);
	return best;
}

struct page *buddy_alloc_row(struct zone *zone, size_t nr)
{
	struct page *page;

	if (nr > zone->nr_free || (zone->row_none && nr >= zone->row_none))
		return NULL;
	page = row_find(zone, nr);
	if (page)
		buddy_take_range(zone, page_section(page), page_pfn(page), nr);
	else
		zone->row_none = nr;
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
		u32 tries = COLD_TRIES;

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
		if (page[i].type != PAGE_NONE &&
		    page[i].type != PAGE_FREE_TAIL)
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

/* Z4 of @head's pageblock: its free pages, but for a MAX_ORDER block's half. */
static bool pageblock_is_valid(const struct section *sec, size_t pfn)
{
	size_t end = pageblock_end(sec, pfn);
	const struct page *before = &sec->vmemmap[pfn & ~(MAX_ORDER_PAGES - 1)];
	size_t nr = 0;

	if (before->type == PAGE_FREE && before->order == MAX_ORDER)
		return sec->vmemmap[pfn].block_free == 1 << PAGEBLOCK_ORDER;
	for (size_t i = pfn; i < end; i++)
		if (sec->vmemmap[i].type == PAGE_FREE)
			nr += (size_t)1 << sec->vmemmap[i].order;
	return sec->vmemmap[pfn].block_free == nr;
}

static bool pageblocks_are_valid(const struct zone *zone)
{
	bool ok = true;

	for (u32 i = 0; i < nr_sections; i++) {
		const struct section *sec = sections[i];

		for (size_t pfn = sec->first;
		     sec->zone == zone && pfn < sec->frontier;
		     pfn += (size_t)1 << PAGEBLOCK_ORDER)
			if (!bit_test(sec->offline,
				      (pfn - sec->first) >> MAX_ORDER))
				ok = pageblock_is_valid(sec, pfn) && ok;
	}
	return ok;
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
	ok = ok && free == zone->nr_free && nr_dirty == zone->nr_free_dirty &&
	     pageblocks_are_valid(zone) && runs_are_valid(zone) &&
	     (!zone->row_none || !row_find(zone, zone->row_none));
	lock_exit(&zone->lock);
	return ok;
}
