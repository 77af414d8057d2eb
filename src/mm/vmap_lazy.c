/*
 * vmap_lazy.c - freed areas: warm memory that waits for the next request.
 *
 * A page fault costs a thousand times more than anything done here, so no
 * page is faulted in anew while a freed area has one to spare.  A request that
 * one freed area can hold is cut from it; the next larger ones let the largest
 * grow where it stands; any other gets fresh address space.  What is fresh is
 * filled: pages of other freed areas are moved in by page tables, two MiB in
 * 3 us, where as many page faults take 700 us; then the zone's warm free
 * blocks; the rest stays untouched.
 *
 * Moving is cheap where whole page tables move, so address space is given out
 * at multiples of 2 MiB.  First come bodies: as much of a freed area as lies
 * in whole page tables.  For less than 2 MiB there are tails, which are what
 * areas have above their last whole page table.
 *
 * Each piece is a mapping for ever, or until it goes back to the OS, and what
 * is filled is later used to fill.  So pieces must not get smaller and smaller:
 * none is below 64 KiB, where it costs as much as its page faults would; one
 * tail at most goes into one page table's worth; and one of many segments goes
 * back to the OS instead.  Past half of the cap on mappings nothing is moved.
 * Freed neighbours are merged, which keeps most work in place: without that,
 * large buffers of random sizes took 26 calls each, and now take 2.
 *
 * Invariants, under vmap_lock:
 *   V3. lazy_bytes and nr_lazy count the LAZY areas, all of which are in
 *	 lazy_list, oldest last.
 */
#include "core/options.h"
#include "core/stats.h"
#include "mm/page.h"
#include "mm/vmap_area.h"
#include "mm/zone.h"

#define MAX_LAZY	512	/* areas in lazy_list */
#define PIECE_MIN	(64 * KIB)
#define MAX_TAIL_SEGS	4

static struct list_head lazy_list = LIST_HEAD_INIT(lazy_list);

/* @after: what is younger, or the list. */
static void lazy_add(struct vmap_area *area, struct list_head *after)
{
	vmap_set_state(area, VMAP_LAZY);
	list_add(&area->list, after);
	ADD_ONCE(vmap_info.nr_lazy, 1);
	ADD_ONCE(vmap_info.lazy_bytes, area->size);
}

void lazy_del(struct vmap_area *area)
{
	list_del(&area->list);
	ADD_ONCE(vmap_info.nr_lazy, -1);
	ADD_ONCE(vmap_info.lazy_bytes, -area->size);
	vmap_set_state(area, VMAP_BUSY);
}

static struct vmap_area *oldest(void)
{
	return list_last(&lazy_list, struct vmap_area, list);
}

/* Neighbours were merged when they came in: there is nothing to batch. */
static void purge_one(struct vmap_area *area)
{
	lazy_del(area);
	vmap_blank_area(area);
	stat_add(STAT_AREA_PURGE, 1);
}

/* --- coming in --- */

/* By age: most are the youngest of all. */
static void lazy_add_sorted(struct vmap_area *area)
{
	struct list_head *after = &lazy_list;

	list_for_each(other, &lazy_list, struct vmap_area, list) {
		if (other->stamp <= area->stamp)
			break;
		after = &other->list;
	}
	lazy_add(area, after);
}

/*
 * Two neighbours become one, the guard between them is committed.  What was
 * most of it decides how old it is.
 */
static void lazy_merge(struct vmap_area *low, struct vmap_area *high)
{
	uintptr_t hole = low->start + low->size;

	if (low->lost || !vmap_reserve(0, 2) ||
	    !sys_commit((void *)hole, high->start - hole))
		return;
	if (high->size > low->size)
		low->stamp = high->stamp;
	lazy_del(low);
	lazy_del(high);
	segs_grow(low, high->start - low->start);
	vmap_join(low, high);
	lazy_add_sorted(low);
}

/* A quarter of what the heap may hold, or less. */
static size_t lazy_limit(void)
{
	return min(options.lazy, wmark_limit / 4 << PAGE_SHIFT);
}

void lazy_put(struct vmap_area *area, u64 stamp)
{
	struct vmap_area *prev = vmap_prev(area);
	struct vmap_area *next = vmap_next(area);

	area->huge = false;
	area->stamp = stamp;
	lazy_add_sorted(area);
	if (next && next->state == VMAP_LAZY && next->nid == area->nid)
		lazy_merge(area, next);
	if (prev && prev->state == VMAP_LAZY && prev->nid == area->nid)
		lazy_merge(prev, area);
	lazy_purge(lazy_limit());
}

/* --- finding --- */

/* Is @size better than @best to serve @need? */
static bool fits_better(size_t size, size_t best, size_t need)
{
	return best < need ? size > best : size >= need && size < best;
}

struct vmap_area *lazy_find(size_t size, size_t align)
{
	struct vmap_area *best = NULL;
	u32 nid = numa_node_id();

	list_for_each(area, &lazy_list, struct vmap_area, list)
		if (IS_ALIGNED(area->start, align) && area->nid == nid &&
		    (!best || fits_better(area->size, best->size, size)))
			best = area;
	return best;
}

/* Bytes of @area that lie in whole page tables. */
static size_t body_size(const struct vmap_area *area)
{
	uintptr_t start = ALIGN_UP(area->start, HUGE_SIZE);
	uintptr_t end = ALIGN_DOWN(area->start + area->size, HUGE_SIZE);

	return end > start ? end - start : 0;
}

/* Bytes of @area above the last page table that it has whole, or all. */
static size_t tail_size(const struct vmap_area *area)
{
	uintptr_t end = area->start + area->size;

	return end - max(area->start, ALIGN_DOWN(end - 1, HUGE_SIZE));
}

/* The smallest that has @need to give, else the largest that has @least. */
static struct vmap_area *pick(size_t need, size_t least,
			      size_t (*part)(const struct vmap_area *area))
{
	struct vmap_area *best = NULL;
	size_t best_size = 0;
	u32 nid = numa_node_id();

	list_for_each(area, &lazy_list, struct vmap_area, list) {
		size_t size = part(area);

		if (size >= least && area->nid == nid &&
		    (!best || fits_better(size, best_size, need))) {
			best = area;
			best_size = size;
		}
	}
	return best;
}

/* --- cutting --- */

/* Cut @area at @at: two areas of the same age, with a guard between. */
static struct vmap_area *lazy_split(struct vmap_area *area, uintptr_t at)
{
	struct list_head *after = area->list.prev;
	struct vmap_area *upper;

	lazy_del(area);
	upper = vmap_cut(area, at - guard_size() - area->start);
	upper->stamp = area->stamp;
	lazy_add(area, after);
	lazy_add(upper, after);
	return upper;
}

/* @area without what lies before its body; that is another, if worth it. */
static struct vmap_area *lazy_body(struct vmap_area *area)
{
	uintptr_t at = ALIGN_UP(area->start, HUGE_SIZE);

	return at - area->start < guard_size() + PIECE_MIN ? area :
							lazy_split(area, at);
}

/* [start, start + size) of @area was moved away: its lower end or all. */
static void drop_lower(struct vmap_area *area, size_t size)
{
	struct list_head *after = area->list.prev;
	struct vmap_area *upper = NULL;

	lazy_del(area);
	if (area->size - size >= PIECE_MIN) {
		upper = vmap_split(area, area->start + size);
		upper->stamp = area->stamp;
		lazy_add(upper, after);
	}
	vmap_blank_area(area);
}

/* ... or its upper end. */
static void drop_upper(struct vmap_area *area, size_t size)
{
	struct list_head *after = area->list.prev;
	size_t left = area->size - size;

	if (left < PIECE_MIN) {
		drop_lower(area, area->size);
		return;
	}
	lazy_del(area);
	vmap_blank_above(area, left);
	lazy_add(area, after);
}

/* --- giving back --- */

/* No more than is asked for, in pieces of 2 MiB: an area may be very large. */
size_t lazy_purge(size_t keep)
{
	size_t before = vmap_info.lazy_bytes;

	while (vmap_info.nr_lazy > MAX_LAZY)
		purge_one(oldest());
	while (vmap_info.lazy_bytes > keep) {
		size_t more = ALIGN_UP(vmap_info.lazy_bytes - keep, HUGE_SIZE);

		if (oldest()->size > more && vmap_reserve(2, 4))
			drop_upper(oldest(), more);
		else
			purge_one(oldest());
	}
	return before - vmap_info.lazy_bytes;
}

bool lazy_make_maps(size_t more)
{
	while (!vmap_maps_allow(more, false) && vmap_info.nr_lazy)
		purge_one(oldest());
	return vmap_maps_allow(more, false);
}

/* The same without the lock. */

size_t vmalloc_lazy_bytes(void)
{
	return READ_ONCE(vmap_info.lazy_bytes);
}

size_t vmalloc_purge(size_t keep)
{
	size_t given;

	if (!lock_try_enter(&vmap_lock))
		return 0;
	given = lazy_purge(keep);
	lock_exit(&vmap_lock);
	return given;
}

size_t vmalloc_purge_idle(u64 now_ms, u32 age_ms)
{
	size_t given;

	if (now_ms < age_ms || !READ_ONCE(vmap_info.nr_lazy) ||
	    !lock_try_enter(&vmap_lock))
		return 0;
	given = vmap_info.lazy_bytes;
	while (vmap_info.nr_lazy && oldest()->stamp <= now_ms - age_ms)
		purge_one(oldest());
	given -= vmap_info.lazy_bytes;
	lock_exit(&vmap_lock);
	return given;
}

/*
 * No less than 2 MiB goes at once: what that is too much is to the credit of
 * the next growths.  With a limit of our own, each makes room for itself.
 */
void vmalloc_make_room(size_t bytes)
{
	static size_t credit;	/* atomic; of two threads one may lose some */
	size_t lazy = READ_ONCE(vmap_info.lazy_bytes), have, given;

	if (!lazy)
		return;
	have = options.limit ? 0 : READ_ONCE(credit);
	if (have < bytes) {
		bytes -= have;
		given = vmalloc_purge(lazy > bytes ? lazy - bytes : 0);
		have = bytes + min(max(given, bytes) - bytes, HUGE_SIZE);
	}
	WRITE_ONCE(credit, have - bytes);
}

/* --- filling --- */

struct fill {
	struct vmap_area *area;
	uintptr_t at, end;	/* still to be filled */
	uintptr_t warm;		/* above which all is fresh */
	bool lost;
};

static void fill_done(struct fill *f, size_t size)
{
	f->at += size;
	f->warm = f->at;
	vmap_info.moved_bytes += size;
}

/* Descriptors and mappings for one more piece. */
static bool fill_may(void)
{
	return vmap_reserve(8, 8) && vmap_maps_allow(8, true);
}

/* Move one piece of one mapping to where @f is. */
static bool fill_move(struct fill *f, uintptr_t from, size_t size,
		      uintptr_t natural, u64 origin)
{
	enum sys_moved ret;

	if (!fill_may())
		return false;
	mapping_settle(from);
	ret = sys_move_warm((void *)from, (void *)f->at, size);
	f->lost = ret == SYS_LOST || ret == SYS_NO_ACCESS;
	f->area->lost |= ret == SYS_LOST;
	if (ret != SYS_MOVED)
		return false;
	segs_replace(f->area, f->at, f->at + size, natural, origin);
	fill_done(f, size);
	return true;
}

/* The same of [from, from + size) in a lazy area, segment by segment. */
static bool fill_from(struct fill *f, struct vmap_area *area, uintptr_t from,
		      size_t size)
{
	uintptr_t end = from + size;

	for_each_seg(seg, area) {
		uintptr_t start = max(seg->start, from);
		uintptr_t stop = min(seg_end(area, seg), end);

		if (start < stop &&
		    !fill_move(f, start, stop - start,
			       seg_natural(seg, start), seg->origin))
			return false;
	}
	return vmap_reserve(4, 4);
}

/* Whole page tables out of a freed area. */
static bool fill_body(struct fill *f)
{
	size_t need = ALIGN_DOWN(f->end - f->at, HUGE_SIZE), size;
	struct vmap_area *area;
	uintptr_t from;

	if (!need || !IS_ALIGNED(f->at, HUGE_SIZE))
		return false;
	area = pick(need, HUGE_SIZE, body_size);
	if (!area)
		return false;
	area = lazy_body(area);
	from = ALIGN_UP(area->start, HUGE_SIZE);
	size = min(need, body_size(area));
	if (!fill_from(f, area, from, size))
		return false;
	drop_lower(area, from + size - area->start);
	return true;
}

/* A warm free block of the zone. */
static bool fill_block(struct fill *f)
{
	size_t need = f->end - f->at;
	u32 order = need < PAGE_SIZE << MAX_ORDER ? PAGEBLOCK_ORDER : MAX_ORDER;
	struct page *page = NULL;
	bool ok;

	if (need < HUGE_SIZE || !IS_ALIGNED(f->at, HUGE_SIZE))
		return false;
	while (!(page = zone_take_warm(order)))
		if (--order < PAGEBLOCK_ORDER)
			return false;
	ok = fill_move(f, (uintptr_t)page_address(page), PAGE_SIZE << order,
		       (uintptr_t)page_address(page), seg_new_origin());
	zone_put_warm(page, order, ok);
	return ok;
}

/* Segments of @area above @from. */
static u32 count_segs(const struct vmap_area *area, uintptr_t from)
{
	u32 nr = 0;

	for_each_seg(seg, area)
		nr += seg_end(area, seg) > from;
	return nr;
}

/*
 * For less than 2 MiB: the tail of a freed area, which lies anywhere.  Each
 * makes one more mapping of what was one, so a page table's worth of memory
 * gets one tail only, and what was made of too many goes back to the OS.
 */
static bool fill_tail(struct fill *f)
{
	uintptr_t next = min(ALIGN_UP(f->at + 1, HUGE_SIZE), f->end);
	size_t need = next - f->at, size;
	struct vmap_area *area = NULL;
	uintptr_t from;

	if (need >= PIECE_MIN)
		area = pick(need, PIECE_MIN, tail_size);
	if (area) {
		size = min(need, tail_size(area));
		from = area->start + area->size - size;
		if (count_segs(area, from) <= MAX_TAIL_SEGS &&
		    !fill_from(f, area, from, size))
			return false;
		drop_upper(area, size);
	}
	f->at = next;
	return true;
}

static bool fill_step(struct fill *f)
{
	return fill_may() &&
	       (fill_body(f) ||
		(!f->lost && fill_block(f)) ||
		(!f->lost && fill_tail(f)));
}

bool lazy_fill(struct vmap_area *area, size_t from, size_t *warm)
{
	struct fill f = {
		.area = area,
		.at = area->start + from,
		.end = area->start + area->size,
		.warm = area->start + from,
	};

	while (f.at < f.end && fill_step(&f))
		;
	*warm = f.warm - area->start;
	return !f.lost;
}
