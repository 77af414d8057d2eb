/*
 * page_alloc.c - which zone serves a request, warm or fresh, and what a heap
 * that grows gives up for it.
 *
 * A range of pages comes from the first of these that has it:
 *   1. what is at hand of this CPU, for buffers: the one freed last, a range of
 *	that length or somewhat longer, a span (last.c, pcp_range.c: asked
 *	before; span.c);
 *   2. warm free pages of the nearest zone, by best fit among runs for
 *	buffers, an aligned block for slabs; then, for buffers, a span of
 *	another CPU; and the zone again, once some of these have gone back to it;
 *   3. fresh pages, once the watermarks agree: they cost a fault each, or,
 *	where all of them will be touched, one call for a batch;
 *   4. anything that is free, of whatever type: a block or, for buffers, a row
 *	of pages; farther zones.
 * Only fresh pages make the process larger, so only they are checked against
 * the watermarks, and what lies idle makes room for them.
 *
 * Locking: zone locks, one at a time; watermarks and reclaim without any.
 */
#include <string.h>

#include "core/options.h"
#include "core/stats.h"
#include "mm/buddy.h"
#include "mm/shrinker.h"
#include "mm/vmalloc.h"
#include "sys/sys.h"

#define RUN_MIN		3	/* best fit for requests of this many pages on */
#define DRAIN_LAST	(4 * LAST_MAX)	/* pages: more are worth last_drain() */
#define GIVES		4	/* ranges_give() before the heap grows */
#define SPAN_MIN	3	/* ranges that the spans take */
#define MAX_RECLAIMS	3	/* rounds before a request fails */
#define IDLE_ORDER	0	/* make_room(): smallest blocks given back */
#define IDLE_ORDER_SHARED 2	/* ... where other threads run */
#define IDLE_SHARE_LARGE 2	/* ... and the share of the heap they may be */
#define IDLE_SHARE_SLAB	64
#define PARTLY_SHARE	8	/* of the heap, see make_room_partly() */
#define IDLE_PAGES	64	/* ... and pages that may always lie idle */

/* --- fresh pages, faulted in by batches --- */

/*
 * How many pages to fault in at once: 1/64 of the heap, and a huge page where
 * that is a sixteenth (khugepaged.c) or less.  So a small heap stays small, and
 * a large one faults rarely.  Less than a page of the kernel is nothing.
 */
static u32 prefault_order(u32 order)
{
	u32 least = ilog2(max(sys_page_size(), PAGE_SIZE) >> PAGE_SHIFT);
	size_t used = zones_used_pages();
	u32 want = used >= (size_t)16 << PAGEBLOCK_ORDER ? PAGEBLOCK_ORDER :
		   used >= 64 ? ilog2(used / 64) : 0;

	if (!options.prefault || locks_held > 1)
		return order;
	/* Not near the limit, for what nobody has asked for. */
	if (mm_resident_pages() + ((size_t)2 << PAGEBLOCK_ORDER) >
	    wmark_limit - wmark[WMARK_MIN])
		return order;
	return want < least ? order : max(order, min(want, (u32)PAGEBLOCK_ORDER));
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
	u32 flags = 0;

	if (have == PAGEBLOCK_ORDER)
		flags = thp_populate(page_address(page));
	else
		sys_populate(page_address(page), nr << PAGE_SHIFT);
	stat_add(STAT_PAGES_PREFAULT, nr);
	lock_enter(&zone->lock);
	if (flags)
		pageblock_head(page)->block_flags |= (u8)flags;
	bits_set_range(page_section(page)->dirty, page_pfn(page) + keep,
		       nr - keep);
	buddy_free_range(zone, page + keep, nr - keep);
	lock_exit(&zone->lock);
}

/*
 * Each block that goes back interrupts the CPUs of all other threads, for some
 * microseconds: single pages are not worth that.
 */
static u32 idle_order(void)
{
	return sys_is_threaded() ? IDLE_ORDER_SHARED : IDLE_ORDER;
}

/*
 * The heap is about to grow by @nr fresh pages: what lies idle makes room,
 * first freed areas, then free pages that no request has fitted, down to
 * 1/@share of the heap: large blocks come and go, slabs grow and stay.
 */
static void make_room(struct zone *zone, size_t nr, gfp_t gfp)
{
	u32 share = gfp & __GFP_PREFAULT ? IDLE_SHARE_SLAB : IDLE_SHARE_LARGE;
	size_t keep = zones_used_pages() / share + IDLE_PAGES;
	size_t idle = READ_ONCE(zone->nr_free_dirty);

	vmalloc_make_room(nr << PAGE_SHIFT);
	if (idle > keep)
		zones_discard(idle_order(),
			      max(keep, idle > nr ? idle - nr : 0));
}

size_t partly_fresh;

/*
 * The same for @nr pages of a block that is warm in part, up to an eighth of the
 * heap in all.  What goes merges with what stays: who takes and gives slabs by
 * turns would get a block to fault in, and give others for it, for ever.
 */
static void make_room_partly(struct zone *zone, size_t nr, gfp_t gfp)
{
	size_t sum = READ_ONCE(partly_fresh) + nr;

	if (sum > mm_resident_pages() / PARTLY_SHARE)
		return;
	WRITE_ONCE(partly_fresh, sum);
	make_room(zone, nr, gfp);
}

/*
 * The same for @nr fresh pages of an area.  Whole pageblocks that lay idle have
 * been moved into it; what is smaller serves none, and neither do the spans.
 * These go if most of what they had can go to the OS: slabs would but spread
 * over the pageblocks of buffers.
 */
void zone_make_room(size_t nr)
{
	struct zone *zone = &node_data[numa_node_id()]->zones[ZONE_NORMAL];
	size_t keep, idle;

	last_drain();
	if ((READ_ONCE(nr_span_caches) || READ_ONCE(ranges_open)) &&
	    span_pages() <= 2 * nr)
		span_drain();
	keep = zones_used_pages() / IDLE_SHARE_SLAB + IDLE_PAGES;
	idle = READ_ONCE(zone->nr_free_dirty);
	if (idle > keep)
		zones_discard(IDLE_ORDER, max(keep, idle > nr ? idle - nr : 0));
}

/* --- one zone --- */

struct request {
	size_t nr;
	u32 order;		/* of the block that holds it, aligned */
	bool aligned;
	gfp_t gfp;
	enum migratetype type;
};

/* Best fit among runs is for buffers that nobody wants aligned. */
static bool by_run(const struct request *req)
{
	return !req->aligned && req->nr >= RUN_MIN &&
	       !(req->gfp & __GFP_PREFAULT);
}

/* What a block of @order has beyond the request goes back at once. */
static struct page *trim(struct zone *zone, struct page *page, u32 order,
			 size_t nr)
{
	size_t have = (size_t)1 << order;

	if (page && nr < have)
		buddy_free_range(zone, page + nr, have - nr);
	return page;
}

static struct page *take_warm(struct zone *zone, const struct request *req)
{
	struct page *page = NULL;

	if (by_run(req)) {
		page = buddy_alloc_run(zone, req->nr, req->type);
		if (page || req->order > MAX_ORDER)
			return page;
	}
	page = buddy_alloc(zone, req->order, req->type, true);
	return trim(zone, page, req->order, req->nr);
}

/* A clean block of @order; the zone grows until there is one. */
static struct page *take_clean(struct zone *zone, u32 order,
			       enum migratetype type)
{
	struct page *page = buddy_alloc(zone, order, type, false);

	while (!page && zone_grow(zone, type))
		page = buddy_alloc(zone, order, type, false);
	return page;
}

/* @have: the order of what was taken; what is above the request's is whole. */
static struct page *take_fresh(struct zone *zone, const struct request *req,
			       u32 *have)
{
	struct page *page = NULL;

	*have = req->order;
	if (req->order > MAX_ORDER) {
		/* What it begins with is aligned to MAX_ORDER. */
		page = zone_grow_contig(zone, req->nr);
		return page || req->aligned ? page :
					      buddy_alloc_row(zone, req->nr);
	}
	if (req->gfp & __GFP_PREFAULT) {
		*have = prefault_order(req->order);
		page = take_clean(zone, *have, req->type);
		if (page && *have > req->order)
			return page;
		/* The zone does not grow: that has just been asked. */
		if (!page)
			page = buddy_alloc(zone, req->order, req->type, false);
		*have = req->order;
	} else {
		page = take_clean(zone, req->order, req->type);
	}
	if (!page)
		page = buddy_alloc_any(zone, req->order);
	/* A clean run is in no list, and what lies in it may not be aligned. */
	if (!page && by_run(req))
		return buddy_alloc_row(zone, req->nr);
	return trim(zone, page, req->order, req->nr);
}

static void set_large(struct page *page, size_t nr)
{
	WRITE_ONCE(page->type, PAGE_LARGE);
	page->nr_pages = (u32)nr;
	large_is_whole(page);
}

/*
 * A run around a warm block may be clean in part, and the watermarks have a
 * word on that.  False: they refuse, and it is free again.  For buffers nothing
 * makes room: what this run has used was idle itself a moment ago.
 */
static bool admit_fresh(struct zone *zone, const struct request *req,
			struct page *page, size_t fresh)
{
	if (!fresh || lock_is_reentry() || watermark_ok(fresh, req->gfp))
		return true;
	lock_enter(&zone->lock);
	buddy_free_range(zone, page, req->nr);
	lock_exit(&zone->lock);
	return false;
}

static struct page *zone_alloc_warm(struct zone *zone,
				    const struct request *req)
{
	struct page *page;
	size_t fresh = 0, dirty;

	if (!READ_ONCE(zone->nr_free_dirty))
		return NULL;
	if (!lock_try_enter(&zone->lock)) {
		stat_add(STAT_REENTER, 1);
		return NULL;
	}
	dirty = zone->nr_free_dirty;
	page = take_warm(zone, req);
	if (page) {
		set_large(page, req->nr);
		/* It has been counted; what was cut off is back (Z4). */
		fresh = req->nr - (dirty - zone->nr_free_dirty);
	}
	lock_exit(&zone->lock);
	if (!page || !admit_fresh(zone, req, page, fresh))
		return NULL;
	if (fresh && req->gfp & __GFP_PREFAULT && !lock_is_reentry())
		make_room_partly(zone, fresh, req->gfp);
	return page;
}

static struct page *zone_alloc_fresh(struct zone *zone,
				     const struct request *req)
{
	struct page *page;
	size_t fresh = 0;
	u32 have;

	if (!lock_try_enter(&zone->lock)) {
		stat_add(STAT_REENTER, 1);
		return NULL;
	}
	page = take_fresh(zone, req, &have);
	if (page) {
		set_large(page, req->nr);
		fresh = have > req->order ? (size_t)1 << have :
			req->nr - range_nr_dirty(page, req->nr);
	}
	lock_exit(&zone->lock);
	if (!page)
		return NULL;
	if (fresh && !lock_is_reentry())
		make_room(zone, fresh, req->gfp);
	if (have > req->order)
		prefault(zone, page, have, req->nr);
	return page;
}

/* --- zonelists --- */

/* The zones that may serve @gfp, from node @nid on: number @i of them. */
static struct zone *zonelist_next(u32 nid, gfp_t gfp, u32 *i)
{
	struct pglist_data *pgdat = node_data[nid];
	u32 nr = gfp & __GFP_THISNODE ? 1 : pgdat->nr_fallback;
	struct zone *zone;

	for (; *i < 2 * nr; ++*i) {
		u32 at = *i < nr ? *i : *i - nr;
		struct pglist_data *node = node_data[pgdat->fallback[at]];

		if (*i < nr && !(gfp & __GFP_DMA32)) {
			zone = &node->zones[ZONE_NORMAL];
		} else {
			zone = &node->zones[ZONE_DMA32];
			/* Others get what DMA32 has, but do not make it. */
			if (!(gfp & __GFP_DMA32) &&
			    !READ_ONCE(zone->nr_managed))
				continue;
		}
		++*i;
		return zone;
	}
	return NULL;
}

/*
 * Before the heap grows for a buffer, what the spans hold may serve, joined.
 * Slabs would but spread over the pageblocks of buffers.
 */
static bool spans_give(const struct zone *zone, const struct request *req)
{
	return zone->type == ZONE_NORMAL && req->nr <= MAX_ORDER_PAGES &&
	       req->type == MIGRATE_MOVABLE && spans_drain_for(req->nr);
}

static bool (*slab_make_room)(size_t pages);	/* constant after start-up */

void page_alloc_set_slab_room(bool (*make_room)(size_t pages))
{
	slab_make_room = make_room;
}

/* The same for what slabs keep for their next wave; some may stay per CPU. */
static bool slabs_give(const struct zone *zone, const struct request *req)
{
	return zone->type == ZONE_NORMAL && slab_make_room &&
	       slab_make_room(req->nr);
}

/* A range of the spans; what it holds nobody knows. */
static struct page *spans_steal(const struct zone *zone,
				const struct request *req)
{
	if (zone->type != ZONE_NORMAL || req->type != MIGRATE_MOVABLE ||
	    req->aligned || req->nr < SPAN_MIN || req->gfp & __GFP_ZERO)
		return NULL;
	return span_steal(req->nr);
}

static struct page *get_page_from_freelist(u32 nid, const struct request *req)
{
	bool grows = !(req->gfp & __GFP_WARM), room = grows;
	struct zone *zone;
	struct page *page;
	u32 i = 0;

	/* What is much larger than all that may wait there finds it joined. */
	if (req->nr > DRAIN_LAST && grows)
		last_drain();
	/* Warm memory of the nearest zone, then growth, zone by zone. */
	while ((zone = zonelist_next(nid, req->gfp, &i))) {
		page = zone_alloc_warm(zone, req);
		if (!page && grows && last_drain())
			page = zone_alloc_warm(zone, req);
		if (!page)
			page = spans_steal(zone, req);
		/* Not all that waits: one call would pay for it. */
		for (u32 n = 0; !page && grows && n < GIVES &&
				zone->type == ZONE_NORMAL &&
				ranges_give(zone->node); n++)
			page = zone_alloc_warm(zone, req);
		/* What others keep goes for growth alone: they would, next. */
		if (!page && grows && spans_give(zone, req))
			page = zone_alloc_warm(zone, req);
		while (!page && grows && slabs_give(zone, req))
			page = zone_alloc_warm(zone, req);
		if (page)
			return page;
		/* All nodes grow below one limit: refused once is refused. */
		room = room && watermark_ok(req->nr, req->gfp);
		if (!room)
			continue;
		page = zone_alloc_fresh(zone, req);
		if (page)
			return page;
	}
	return NULL;
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

/* Large buffers of the local node go by way of the spans. */
static bool spans_serve(int nid, size_t nr, u32 align_order, gfp_t gfp)
{
	return nr >= SPAN_MIN && nr <= MAX_ORDER_PAGES && !align_order &&
	       nid == NUMA_NO_NODE && gfp & __GFP_MOVABLE &&
	       !(gfp & __GFP_DMA32);
}

/* After a failure: reclaim, and say whether that makes it worth a retry. */
static bool try_again(size_t nr, gfp_t gfp, u32 *tries)
{
	u32 most = gfp & __GFP_NORETRY ? 1 : MAX_RECLAIMS;
	gfp_t forbade;
	size_t got;

	if (!(gfp & __GFP_DIRECT_RECLAIM) || lock_is_reentry() ||
	    (reclaim_is_inside() && !(gfp & __GFP_NOFAIL)))
		return false;
	if (++*tries > most && !(gfp & __GFP_NOFAIL))
		return false;
	forbade = shrink_for(gfp);
	got = reclaim_for_failed(nr, !(gfp & __GFP_NORETRY));
	shrink_forbids = forbade;
	if (!got && gfp & __GFP_NOFAIL)
		sys_pause(*tries);
	return got || gfp & __GFP_NOFAIL;
}

struct page *page_range_alloc(int nid, size_t nr, u32 align_order, gfp_t gfp)
{
	struct request req = {
		.nr = nr,
		.order = max(pages_to_order(nr), align_order),
		.aligned = align_order > 0,
		.gfp = gfp,
		.type = gfp_migratetype(gfp),
	};
	struct page *page;
	u32 tries = 0;

	if (!nr || align_order > MAX_ORDER || nr >> 32)
		return NULL;
	if (nr > MAX_ORDER_PAGES && watermark_is_beyond(nr << PAGE_SHIFT))
		return NULL;
	if (spans_serve(nid, nr, align_order, gfp)) {
		page = span_alloc(nr);
		if (page) {
			if (gfp & __GFP_ZERO)
				memset(page_address(page), 0,
				       nr << PAGE_SHIFT);
			return page;
		}
	}
	if (nid < 0 || (u32)nid >= nr_nodes)
		nid = (int)numa_node_id();
	do
		page = get_page_from_freelist((u32)nid, &req);
	while (!page && try_again(nr, gfp, &tries));
	if (!page)
		return NULL;
	if (gfp & __GFP_ZERO)
		zero_dirty(page, nr);
	stat_add(STAT_PAGES_ALLOC, 1);
	return page;
}

static bool zone_free_range(struct page *page, size_t nr)
{
	struct zone *zone = page_zone(page);

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

static bool range_free(struct page *page, size_t nr, bool buffer)
{
	bool done;

	if (buffer && range_list_free(page, nr))
		return true;
	if (nr >= SPAN_MIN && nr <= MAX_ORDER_PAGES &&
	    (buffer || READ_ONCE(pageblock_head(page)->block_type) ==
			       MIGRATE_MOVABLE) &&
	    span_free(page, nr))
		return true;
	done = zone_free_range(page, nr);
	if (done)
		idle_poll();
	return done;
}

bool page_range_free(struct page *page, size_t nr)
{
	return range_free(page, nr, false);
}

bool page_buffer_free(struct page *page, size_t nr)
{
	return range_free(page, nr, true);
}

/* The page with that number, and it is not beyond what there is; racy. */
static bool in_use(const struct section *sec, size_t pfn)
{
	return pfn < READ_ONCE(sec->frontier) &&
	       READ_ONCE(sec->vmemmap[pfn].type) != PAGE_FREE;
}

bool page_range_resize(struct page *page, size_t old, size_t nr)
{
	struct zone *zone = page_zone(page);
	struct section *sec = page_section(page);
	size_t pfn = page_pfn(page);
	bool done = true;

	if (nr == old)
		return true;
	if (nr > old && span_extend(page, old, nr))
		return true;
	if (nr > old && (in_use(sec, pfn + old) ||
			 !watermark_ok(nr - old, GFP_KERNEL)))
		return false;
	if (!lock_try_enter(&zone->lock))
		return false;
	if (pfn + nr > sec->frontier)
		section_grow_whole(zone, sec, MIGRATE_MOVABLE);
	if (nr < old) {
		bits_set_range(sec->dirty, pfn + nr, old - nr);
		buddy_free_range(zone, page + nr, old - nr);
	} else if (buddy_range_is_free(sec, pfn + old, nr - old)) {
		buddy_take_range(zone, sec, pfn + old, nr - old);
	} else {
		done = false;
	}
	if (done) {
		page->nr_pages = (u32)nr;
		page->slack = 0;
		page->extra = 0;
	}
	lock_exit(&zone->lock);
	if (done && nr < old)
		idle_poll();
	return done;
}
