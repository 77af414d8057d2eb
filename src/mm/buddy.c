/*
 * buddy.c - binary buddies over the pages of a zone's sections.
 *
 * A free block of order k starts at a multiple of 2^k pages and is listed in
 * free_area[k]; its links live in its first struct page.  Two buddies of the
 * same order that are both free become one block of the next order.
 *
 * Invariants, under zone->lock:
 *   Z1. a block in free_area[k] has type PAGE_FREE and order k in its head,
 *       and PAGE_NONE in all its other pages.
 *   Z2. no two free buddies of one order below MAX_ORDER.
 *   Z3. list[1] holds exactly the blocks with a dirty bit set.
 *   Z4. nr_free and nr_free_dirty count pages and dirty bits of free blocks.
 *
 * Pages that were never handed out lie beyond the frontier and are in no
 * list; the frontier moves by MAX_ORDER blocks.
 *
 * Locking: zone->lock is a leaf.  No system call is made under it except
 * the commit that moves the frontier.
 */
#include <string.h>

#include "core/options.h"
#include "core/stats.h"
#include "mm/vmalloc.h"
#include "mm/zone.h"
#include "sys/sys.h"

#define RUN_TRIES	16	/* run_alloc(): blocks looked at */
#define RUN_MIN		3	/* ... for requests of this many pages on */
#define IDLE_ORDER	0	/* make_room(): smallest blocks given back */
#define IDLE_SHARE_LARGE 2	/* ... and the share of the heap they may be */
#define IDLE_SHARE_SLAB	8
#define IDLE_PAGES	64	/* ... and pages that may always lie idle */

struct zone zone_normal = { .lock = LOCK_INITIALIZER(LOCK_ZONE) };

void zone_init(struct zone *zone)
{
	for (u32 order = 0; order <= MAX_ORDER; order++) {
		list_init(&zone->free_area[order].list[0]);
		list_init(&zone->free_area[order].list[1]);
	}
}

static bool block_is_dirty(const struct page *page, u32 order)
{
	return bits_any(page_section(page)->dirty, page_pfn(page),
			(size_t)1 << order);
}

static size_t block_nr_dirty(const struct page *page, size_t nr)
{
	return bits_count_range(page_section(page)->dirty, page_pfn(page), nr);
}

static void block_insert(struct zone *zone, struct page *page, u32 order)
{
	struct free_area *area = &zone->free_area[order];

	page->type = PAGE_FREE;
	page->order = (u8)order;
	list_add(&page->lru, &area->list[block_is_dirty(page, order)]);
	area->nr++;
}

static void block_remove(struct zone *zone, struct page *page)
{
	ASSERT(page->type == PAGE_FREE);
	list_del(&page->lru);
	zone->free_area[page->order].nr--;
	page->type = PAGE_NONE;
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

/* Any range: cut into aligned blocks.  The dirty bits are already set. */
static void buddy_free_range(struct zone *zone, struct page *page, size_t nr)
{
	size_t pfn = page_pfn(page);

	ADD_ONCE(zone->nr_free, nr);
	ADD_ONCE(zone->nr_free_dirty, block_nr_dirty(page, nr));
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

/* One more MAX_ORDER block from beyond the frontier; false: no memory. */
static bool zone_grow_section(struct zone *zone, struct section *sec)
{
	size_t start = sec->frontier, end = start + MAX_ORDER_PAGES;

	if (end > sec->nr_pages || !section_commit(sec, end))
		return false;
	for (size_t pfn = start; pfn < end && sec->id; pfn++)
		sec->vmemmap[pfn].section = sec->id;
	WRITE_ONCE(sec->frontier, end);
	ADD_ONCE(zone->nr_managed, MAX_ORDER_PAGES);
	ADD_ONCE(zone->nr_free, MAX_ORDER_PAGES);
	block_insert(zone, &sec->vmemmap[start], MAX_ORDER);
	stat_add(STAT_PAGES_GROW, 1);
	return true;
}

static bool zone_grow(struct zone *zone)
{
	struct section *sec;

	for (u32 i = 0; i < nr_sections; i++)
		if (zone_grow_section(zone, sections[i]))
			return true;
	sec = section_add(MAX_ORDER_PAGES);
	return sec && zone_grow_section(zone, sec);
}

static struct page *find_block(struct zone *zone, u32 order, bool dirty)
{
	for (; order <= MAX_ORDER; order++) {
		struct list_head *list = &zone->free_area[order].list[dirty];

		if (!list_empty(list))
			return list_first(list, struct page, lru);
	}
	return NULL;
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

/*
 * A block of @order for the caller: warm if there is one, else fresh.
 * Its pages are no longer counted free.
 */
static struct page *buddy_alloc(struct zone *zone, u32 order)
{
	struct page *page = find_block(zone, order, true);

	if (!page)
		page = find_block(zone, order, false);
	if (!page) {
		if (!zone_grow(zone))
			return NULL;
		page = find_block(zone, order, false);
	}
	block_remove(zone, page);
	page = block_split(zone, page, order);
	ADD_ONCE(zone->nr_free, -((size_t)1 << order));
	ADD_ONCE(zone->nr_free_dirty,
		 -block_nr_dirty(page, (size_t)1 << order));
	return page;
}

/* The @nr pages from @pfn on are all free. */
static bool range_is_free(struct section *sec, size_t pfn, size_t nr)
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

/* Take exactly those pages, which begin with the head of a free block. */
static void range_take(struct zone *zone, struct section *sec, size_t pfn,
		       size_t nr)
{
	size_t end = pfn + nr;

	while (pfn < end) {
		struct page *page = &sec->vmemmap[pfn];
		size_t have = (size_t)1 << page->order;

		block_remove(zone, page);
		ADD_ONCE(zone->nr_free, -have);
		ADD_ONCE(zone->nr_free_dirty, -block_nr_dirty(page, have));
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

/*
 * The free pages around a free block; @pfn is moved to the first of them.
 * More than @enough are not looked for.
 */
static size_t run_around(struct section *sec, size_t *pfn, size_t enough)
{
	size_t start = *pfn, end = start;
	struct page *page;

	while (end < sec->frontier && end - start < enough &&
	       sec->vmemmap[end].type == PAGE_FREE)
		end += (size_t)1 << sec->vmemmap[end].order;
	while (end - start < enough && (page = block_before(sec, start)))
		start -= (size_t)1 << page->order;
	*pfn = start;
	return end - start;
}

/*
 * Large blocks are placed by best fit among runs of free pages, whatever
 * buddies these consist of: powers of two would leave holes that no later
 * request fits.  A run of @nr pages contains an aligned block of at least a
 * quarter of that, so all runs are found by looking around the warm blocks
 * from that order up; of a long list, only the first RUN_TRIES.
 */
static struct page *run_alloc(struct zone *zone, size_t nr, bool dirty)
{
	u32 order = min(ilog2(nr), (u32)MAX_ORDER), tries = RUN_TRIES;
	struct section *best = NULL;
	size_t best_pfn = 0, best_len = SIZE_MAX;

	for (u32 k = order > 1 ? order - 1 : 0; k <= MAX_ORDER; k++)
		list_for_each(page, &zone->free_area[k].list[dirty],
			      struct page, lru) {
			struct section *sec = page_section(page);
			size_t pfn = page_pfn(page);
			size_t len = run_around(sec, &pfn, best_len);

			if (len >= nr && len < best_len) {
				best = sec;
				best_pfn = pfn;
				best_len = len;
			}
			if (!--tries || best_len == nr)
				goto found;
		}
found:
	if (!best)
		return NULL;
	range_take(zone, best, best_pfn, nr);
	return &best->vmemmap[best_pfn];
}

/*
 * How many pages to fault in at once: a sixteenth of the heap, at most a
 * huge page.  So a small heap stays small, and a large one faults rarely.
 */
static u32 prefault_order(struct zone *zone, u32 order)
{
	size_t used = zone_used_pages(zone);
	u32 want = used < 32 ? 0 : ilog2(used / 16);

	if (!options.prefault || locks_held > 1)
		return order;
	return clamp(want, order, (u32)PAGEBLOCK_ORDER);
}

/*
 * @page is a fresh block of order @have, out of the buddies, whose first
 * @keep pages will be touched: fault all of it in with one call and free the
 * rest, which is warm now.
 */
static void prefault(struct zone *zone, struct page *page, u32 have,
		     size_t keep)
{
	size_t nr = (size_t)1 << have;
	void *addr = page_address(page);
	size_t heap = zone_used_pages(zone) << PAGE_SHIFT;

	if (have == PAGEBLOCK_ORDER && options.thp == THP_ALWAYS && heap >= options.thp_start)
		sys_huge(addr, nr << PAGE_SHIFT, true);
	sys_populate(addr, nr << PAGE_SHIFT);
	stat_add(STAT_PAGES_PREFAULT, nr);
	lock_try_enter(&zone->lock);
	bits_set_range(page_section(page)->dirty, page_pfn(page) + keep,
		       nr - keep);
	buddy_free_range(zone, page + keep, nr - keep);
	lock_exit(&zone->lock);
}

/*
 * The heap is about to grow by @nr fresh pages: what lies idle makes room,
 * first freed areas, then free pages that no request has fitted, down to
 * 1/@share of the heap: large blocks come and go, slabs grow and stay.
 */
static void make_room(struct zone *zone, size_t nr, u32 share)
{
	size_t used = zone_used_pages(zone);
	size_t keep = used / share + IDLE_PAGES;
	size_t idle = READ_ONCE(zone->nr_free_dirty);

	vmalloc_make_room(nr << PAGE_SHIFT);
	if (idle > keep)
		zone_discard(IDLE_ORDER, max(keep, idle > nr ? idle - nr : 0));
}

/*
 * @nr pages out of a block of @order; they are no longer counted free.  A
 * caller that will touch them may be given more, for prefault() to share.
 */
static struct page *block_alloc(struct zone *zone, u32 order, size_t nr,
				u32 flags, u32 *have)
{
	struct page *page = NULL;

	*have = order;
	if (flags & PAGES_PREFAULT) {
		if (!find_block(zone, order, true))
			*have = prefault_order(zone, order);
	} else if (!(flags & PAGES_ALIGNED) && nr >= RUN_MIN) {
		page = run_alloc(zone, nr, true);
		if (!page && order > MAX_ORDER)
			page = run_alloc(zone, nr, false);
		if (page || order > MAX_ORDER)
			return page;
	}
	page = buddy_alloc(zone, *have);
	if (!page && *have > order)
		page = buddy_alloc(zone, *have = order);
	if (page && *have == order && nr < (size_t)1 << order)
		buddy_free_range(zone, page + nr, ((size_t)1 << order) - nr);
	return page;
}

/* Zero what may not be zero (P3). */
static void zero_dirty(struct page *page, size_t nr)
{
	const u64 *dirty = page_section(page)->dirty;
	size_t pfn = page_pfn(page), end = pfn + nr;
	char *base = (char *)page_section(page)->base;

	while ((pfn = bits_find(dirty, pfn, end, true)) < end) {
		size_t stop = bits_find(dirty, pfn, end, false);

		memset(base + (pfn << PAGE_SHIFT), 0,
		       (stop - pfn) << PAGE_SHIFT);
		pfn = stop;
	}
}

struct page *alloc_pages_exact(size_t nr, u32 align_order, u32 flags)
{
	struct zone *zone = &zone_normal;
	u32 order = max(pages_to_order(nr), align_order), have;
	struct page *page;
	size_t fresh = 0;

	if (align_order > MAX_ORDER)
		return NULL;
	flags |= align_order ? PAGES_ALIGNED : 0;
	if (!lock_try_enter(&zone->lock)) {
		stat_add(STAT_REENTER, 1);
		return NULL;
	}
	page = block_alloc(zone, order, nr, flags, &have);
	if (page) {
		page->type = PAGE_LARGE;
		page->nr_pages = (u32)nr;
		fresh = have > order ? (size_t)1 << have :
			nr - block_nr_dirty(page, nr);
	}
	lock_exit(&zone->lock);
	if (!page)
		return NULL;
	if (fresh)
		make_room(zone, fresh, flags & PAGES_PREFAULT ?
				       IDLE_SHARE_SLAB : IDLE_SHARE_LARGE);
	if (have > order)
		prefault(zone, page, have, nr);
	if (flags & PAGES_ZERO)
		zero_dirty(page, nr);
	stat_add(STAT_PAGES_ALLOC, 1);
	return page;
}

bool free_pages_exact(struct page *page, size_t nr)
{
	struct zone *zone = &zone_normal;

	if (!lock_try_enter(&zone->lock)) {
		stat_add(STAT_REENTER, 1);
		return false;
	}
	bits_set_range(page_section(page)->dirty, page_pfn(page), nr);
	buddy_free_range(zone, page, nr);
	lock_exit(&zone->lock);
	stat_add(STAT_PAGES_FREE, 1);
	return true;
}

bool resize_pages_exact(struct page *page, size_t old, size_t nr)
{
	struct zone *zone = &zone_normal;
	struct section *sec = page_section(page);
	size_t pfn = page_pfn(page);
	bool done = true;

	if (nr == old)
		return true;
	if (!lock_try_enter(&zone->lock))
		return false;
	if (nr < old) {
		bits_set_range(sec->dirty, pfn + nr, old - nr);
		buddy_free_range(zone, page + nr, old - nr);
	} else if (range_is_free(sec, pfn + old, nr - old)) {
		range_take(zone, sec, pfn + old, nr - old);
	} else {
		done = false;
	}
	if (done)
		page->nr_pages = (u32)nr;
	lock_exit(&zone->lock);
	return done;
}

/*
 * Blocks on their way to the OS are out of the buddies meanwhile, so that no
 * system call is made under the lock.
 */
static struct page *take_dirty(struct zone *zone, u32 min_order, size_t keep,
			       u32 *order)
{
	for (u32 k = min_order; k <= MAX_ORDER; k++) {
		struct list_head *list = &zone->free_area[k].list[1];
		struct page *page;

		if (list_empty(list) || zone->nr_free_dirty <= keep)
			continue;
		page = list_last(list, struct page, lru);
		block_remove(zone, page);
		k = min(k, ilog2(zone->nr_free_dirty - keep));
		page = block_split(zone, page, k);
		ADD_ONCE(zone->nr_free, -((size_t)1 << k));
		ADD_ONCE(zone->nr_free_dirty,
			 -block_nr_dirty(page, (size_t)1 << k));
		*order = k;
		return page;
	}
	return NULL;
}

size_t zone_discard(u32 min_order, size_t keep)
{
	struct zone *zone = &zone_normal;
	u32 os_order = pages_to_order(sys_page_size() >> PAGE_SHIFT);
	size_t given = 0;

	if (lock_is_reentry())
		return 0;
	min_order = max(min_order, os_order);
	for (;;) {
		struct page *page;
		size_t nr, dirty;
		u32 order = 0;
		bool ok;

		if (!lock_try_enter(&zone->lock))
			break;
		page = take_dirty(zone, min_order, keep, &order);
		lock_exit(&zone->lock);
		if (!page)
			break;
		nr = (size_t)1 << order;
		ok = sys_discard(page_address(page), nr << PAGE_SHIFT);
		lock_try_enter(&zone->lock);
		dirty = block_nr_dirty(page, nr);
		if (ok)
			bits_clear_range(page_section(page)->dirty,
					 page_pfn(page), nr);
		buddy_free_range(zone, page, nr);
		lock_exit(&zone->lock);
		if (!ok)
			break;
		given += dirty;
	}
	stat_add(STAT_PAGES_DISCARD, given);
	return given;
}

static bool block_is_valid(const struct page *page, u32 order, bool dirty)
{
	size_t pfn = page_pfn(page);
	struct page *buddy;

	if (page->type != PAGE_FREE || page->order != order ||
	    pfn & (((size_t)1 << order) - 1) ||
	    block_is_dirty(page, order) != dirty)
		return false;
	for (size_t i = 1; i < (size_t)1 << order; i++)
		if (page[i].type != PAGE_NONE)
			return false;
	buddy = block_buddy(page_section(page), pfn, order);
	return !buddy;
}

bool zone_is_valid(struct zone *zone)
{
	size_t free = 0, nr_dirty = 0;
	bool ok = true;

	lock_try_enter(&zone->lock);
	for (u32 order = 0; order <= MAX_ORDER; order++) {
		struct free_area *area = &zone->free_area[order];
		size_t nr = 0;

		for (int dirty = 0; dirty < 2; dirty++)
			list_for_each(page, &area->list[dirty], struct page,
				      lru) {
				ok = ok && block_is_valid(page, order, dirty);
				nr_dirty += block_nr_dirty(page,
							   (size_t)1 << order);
				nr++;
			}
		ok = ok && nr == area->nr;
		free += nr << order;
	}
	ok = ok && free == zone->nr_free && nr_dirty == zone->nr_free_dirty;
	lock_exit(&zone->lock);
	return ok;
}
