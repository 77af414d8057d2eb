/*
 * vmap_seg.c - what the kernel has mapped in an area.
 *
 * The kernel moves page tables of one mapping at a time, and a process may
 * have only so many mappings.  So each area knows its own as segments:
 * committed space is one mapping until part of another is moved in, which
 * keeps its page offsets and so stays a mapping of its own.
 *
 * What a mapping is one with is settled when its first page is touched: two
 * halves of an untouched one go separate ways, and an untouched one that is
 * moved takes the page offsets of its new place.  So before a mapping is cut
 * or moved, one page of it is touched (mapping_settle()).
 *
 * Invariants, under vmap_lock:
 *   V5. the segments of an area are sorted and cover [start, start + size);
 *	 wherever one mapping ends in there, a segment ends.
 *   V6. nr_maps counts each segment, each used area (what is blank behind
 *	 it), each own_guard, each window and what vmap_maps_add() says: no
 *	 fewer than the kernel has.
 *
 * They trust that the program leaves our mappings alone and that the kernel
 * merges what it can.  A program that calls madvise() on its buffers, a child
 * after fork(), or a kernel without MADV_POPULATE_WRITE (Linux 5.14) has
 * more; then moves are slower, not wrong, and nr_maps is a little low.
 */
#include "core/options.h"
#include "mm/memblock.h"
#include "mm/page.h"
#include "mm/vmap_area.h"

#define POOL_STEP 8	/* descriptors made at once: few programs need more */

static struct list_head unused_segs = LIST_HEAD_INIT(unused_segs);
static u32 nr_unused_segs;

bool segs_reserve(u32 nr)
{
	while (nr_unused_segs < nr) {
		struct vmap_seg *s = memblock_alloc(POOL_STEP * sizeof(*s));

		for (u32 i = 0; s && i < POOL_STEP; i++)
			list_add_tail(&s[i].list, &unused_segs);
		if (!s)
			return false;
		nr_unused_segs += POOL_STEP;
	}
	return true;
}

static struct vmap_seg *seg_new(struct vmap_area *area, uintptr_t start,
				uintptr_t natural, u64 origin)
{
	struct vmap_seg *seg = list_first(&unused_segs, struct vmap_seg, list);

	if (unlikely(!nr_unused_segs))
		__builtin_trap();	/* segs_reserve() was forgotten */
	list_del(&seg->list);
	nr_unused_segs--;
	*seg = (struct vmap_seg){ .start = start, .natural = natural,
				  .origin = origin };
	area->nr_segs++;
	vmap_info.nr_maps++;
	return seg;
}

static void seg_delete(struct vmap_area *area, struct vmap_seg *seg)
{
	list_del(&seg->list);
	list_add(&seg->list, &unused_segs);
	nr_unused_segs++;
	area->nr_segs--;
	vmap_info.nr_maps--;
}

/* --- mappings --- */

static size_t maps_cap(void)
{
	size_t cap = options.maps ? options.maps : sys_max_map_count() / 2;

	return cap - min(cap, (size_t)VMAP_OTHER_MAPS);
}

bool vmap_maps_allow(size_t more, bool filling)
{
	size_t cap = filling ? maps_cap() / 2 : maps_cap();

	return vmap_info.nr_maps + more <= cap;
}

void vmap_maps_add(size_t nr)
{
	vmap_info.nr_maps += nr;
}

void mapping_settle(uintptr_t addr)
{
	sys_populate((void *)addr, sys_page_size());
}

/* --- segments --- */

static u64 last_origin;

u64 seg_new_origin(void)
{
	return ++last_origin;
}

struct vmap_seg *seg_after(const struct vmap_area *area,
			   const struct vmap_seg *seg)
{
	return seg->list.next == &area->segs ? NULL :
	       list_entry(seg->list.next, struct vmap_seg, list);
}

uintptr_t seg_end(const struct vmap_area *area, const struct vmap_seg *seg)
{
	struct vmap_seg *next = seg_after(area, seg);

	return next ? next->start : area->start + area->size;
}

struct vmap_seg *seg_last(const struct vmap_area *area)
{
	return list_empty(&area->segs) ? NULL :
	       list_last(&area->segs, struct vmap_seg, list);
}

bool segs_are_one(const struct vmap_seg *low, const struct vmap_seg *high)
{
	return low->natural && low->origin == high->origin &&
	       high->natural == seg_natural(low, high->start);
}

static void segs_add(struct vmap_area *area, uintptr_t start,
		     uintptr_t natural, u64 origin)
{
	struct vmap_seg new = { .start = start, .natural = natural,
				.origin = origin };
	struct vmap_seg *last = seg_last(area), *seg;

	if (last && segs_are_one(last, &new))
		return;
	seg = seg_new(area, start, natural, origin);
	list_add_tail(&seg->list, &area->segs);
}

void seg_pass(struct vmap_area *from, struct vmap_seg *seg,
	      struct vmap_area *to)
{
	list_del(&seg->list);
	from->nr_segs--;
	list_add_tail(&seg->list, &to->segs);
	to->nr_segs++;
}

struct vmap_seg *segs_cut(struct vmap_area *area, uintptr_t at)
{
	struct vmap_seg *seg = seg_last(area), *upper;

	if (at >= area->start + area->size)
		return NULL;
	/* From behind: areas are filled from the front. */
	while (seg->start > at)
		seg = list_entry(seg->list.prev, struct vmap_seg, list);
	if (seg->start == at)
		return seg;
	upper = seg_new(area, at, seg_natural(seg, at), seg->origin);
	list_insert(&upper->list, &seg->list, seg->list.next);
	return upper;
}

bool seg_is_natural(const struct vmap_seg *seg)
{
	return seg && seg->natural == seg->start;
}

void area_set_own_guard(struct vmap_area *area, bool own)
{
	vmap_info.nr_maps += own - (size_t)area->own_guard;
	area->own_guard = own;
}

/*
 * Committed space that was blank merges with the mapping below, unless the
 * page offsets there are those of another place; a guard of its own does.
 */
void segs_grow(struct vmap_area *area, size_t size)
{
	uintptr_t at = area->start + area->size;
	struct vmap_seg *last = seg_last(area);

	if (size <= area->size)
		return;
	if (area->own_guard)
		at += guard_size();
	area_set_own_guard(area, false);
	if (at < area->start + size)
		segs_add(area, at, at, seg_is_natural(last) ?
				       last->origin : seg_new_origin());
	area->size = size;
}

struct vmap_seg *segs_add_pages(struct vmap_area *area, uintptr_t natural,
				size_t size)
{
	struct vmap_seg *seg = seg_new(area, area->start + area->size, natural,
				       seg_new_origin());

	list_add_tail(&seg->list, &area->segs);
	seg->size = size;
	area->size += size;
	return seg;
}

void segs_truncate(struct vmap_area *area, size_t size)
{
	struct vmap_seg *seg = segs_cut(area, area->start + size);

	while (seg) {
		struct vmap_seg *next = seg_after(area, seg);

		seg_delete(area, seg);
		seg = next;
	}
	area->size = size;
}

void segs_merge(struct vmap_area *area, struct vmap_seg *low)
{
	struct vmap_seg *high = seg_after(area, low);

	if (high && segs_are_one(low, high))
		seg_delete(area, high);
}

void segs_replace(struct vmap_area *area, uintptr_t start, uintptr_t end,
		  uintptr_t natural, u64 origin)
{
	struct vmap_seg *seg = segs_cut(area, start), *next;
	struct vmap_seg *above = segs_cut(area, end);

	/* Below and above were one, but not settled: they may not be again. */
	if (above && seg_is_natural(above))
		above->origin = seg_new_origin();
	while ((next = seg_after(area, seg)) && next->start < end)
		seg_delete(area, next);
	seg->natural = natural;
	seg->origin = origin;
	segs_merge(area, seg);
	if (seg->list.prev != &area->segs)
		segs_merge(area, list_entry(seg->list.prev, struct vmap_seg,
					    list));
}

void segs_set_odd(struct vmap_area *area)
{
	for_each_seg(seg, area)
		seg->natural = 0;
}
