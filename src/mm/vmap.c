/*
 * vmap.c - pages from anywhere in one row of addresses.
 *
 * In the kernel a page may have many addresses.  A private page of a process
 * has one, and giving it two would need files in memory, which fork() shares
 * where it should copy.  So the contents move: page tables of each run of
 * pages that follow one another go to the new address in one call, and the
 * pages' own addresses become inaccessible, since what is read there would
 * be zeros, and what is written there would be lost.
 *
 * Invariants, under vmap_lock:
 *   V7. each segment of a PAGES area is one run; those of all areas are in
 *	 the tree of sources by their own address and do not overlap.
 *   V8. while it is there, the run's own range is PROT_NONE (unless the
 *	 kernel refused) and empty; of a lost area (V9), part of one may be
 *	 somebody else's, so it stays mapped for ever.
 */
#include "core/stats.h"
#include "mm/page.h"
#include "mm/vmap_area.h"

#define SOURCE_MAPS	2	/* what a hole in the zone adds */

static struct rb_root sources;	/* of vmap_seg by natural */

static struct vmap_seg *to_seg(const struct rb_node *node)
{
	return container_of(node, struct vmap_seg, node);
}

/* --- runs --- */

/* Enter @seg; false if part of it is mapped already. */
static bool source_insert(struct vmap_seg *seg)
{
	struct rb_node **link = &sources.node, *parent = NULL;

	while (*link) {
		const struct vmap_seg *other = to_seg(*link);

		parent = *link;
		if (seg->natural + seg->size <= other->natural)
			link = &parent->left;
		else if (seg->natural >= other->natural + other->size)
			link = &parent->right;
		else
			return false;
	}
	rb_insert(&sources, &seg->node, parent, link);
	vmap_maps_add(SOURCE_MAPS);
	return true;
}

static void source_erase(struct vmap_seg *seg)
{
	rb_erase(&sources, &seg->node);
	vmap_maps_add(-(size_t)SOURCE_MAPS);
}

bool vmap_sources_are_valid(size_t *maps)
{
	uintptr_t end = 0;

	if (!rb_is_valid(&sources))
		return false;
	for (struct rb_node *n = rb_first(&sources); n; n = rb_next(n)) {
		struct vmap_seg *seg = to_seg(n);

		if (seg->natural < end || !seg->size)
			return false;
		end = seg->natural + seg->size;
		*maps += SOURCE_MAPS;
	}
	return true;
}

/* Bytes of the run that begins at @pages[0]; 0: there is a NULL. */
static size_t run_size(struct page **pages, u32 count)
{
	u32 n = 1;

	if (!pages[0])
		return 0;
	/* Two sections' vmemmaps never touch. */
	while (n < count && pages[n] == pages[0] + n)
		n++;
	return (size_t)n << PAGE_SHIFT;
}

/* Runs in @pages; 0 if it cannot be mapped. */
static u32 count_runs(struct page **pages, u32 count)
{
	u32 nr = 0;

	for (u32 i = 0; i < count; nr++) {
		size_t size = run_size(pages + i, count - i);

		if (!size || !IS_ALIGNED(size, sys_page_size()) ||
		    !IS_ALIGNED((uintptr_t)page_address(pages[i]),
				sys_page_size()))
			return 0;
		i += (u32)(size >> PAGE_SHIFT);
	}
	return nr;
}

/* --- there and back --- */

static void *run_own(const struct vmap_seg *seg)
{
	return (void *)seg->natural;
}

static void *run_mapped(const struct vmap_seg *seg)
{
	return (void *)seg->start;
}

/* Enter all runs of @pages into @area, or none. */
static bool runs_enter(struct vmap_area *area, struct page **pages, u32 count)
{
	struct vmap_seg *seg;
	size_t size;

	for (u32 i = 0; i < count; i += (u32)(size >> PAGE_SHIFT)) {
		size = run_size(pages + i, count - i);
		seg = segs_add_pages(area, (uintptr_t)page_address(pages[i]),
				     size);
		if (source_insert(seg))
			continue;
		for_each_seg(s, area)
			if (s != seg)
				source_erase(s);
		return false;
	}
	return true;
}

/* All runs go, or none: until then both of their ranges stay committed. */
static bool runs_move_in(struct vmap_area *area)
{
	for_each_seg(seg, area) {
		if (sys_move_pages(run_own(seg), run_mapped(seg), seg->size))
			continue;
		for_each_seg(s, area) {
			if (s == seg) {
				area->lost = !sys_is_mapped(run_mapped(s),
							    s->size);
				return false;
			}
			sys_unmove_pages(run_own(s), run_mapped(s), s->size);
		}
	}
	for_each_seg(seg, area)
		sys_uncommit(run_own(seg), seg->size);	/* V8 */
	return true;
}

/* Their own ranges can be written again; or none. */
static bool runs_open(struct vmap_area *area)
{
	for_each_seg(seg, area) {
		if (sys_commit(run_own(seg), seg->size))
			continue;
		for_each_seg(s, area) {
			sys_uncommit(run_own(s), s->size);
			if (s == seg)
				return false;
		}
	}
	return true;
}

/* Of runs that are open; if one does not go back, none does. */
static bool runs_move_back(struct vmap_area *area)
{
	for_each_seg(seg, area) {
		if (sys_move_pages(run_mapped(seg), run_own(seg), seg->size))
			continue;
		for_each_seg(s, area) {
			if (s == seg)
				break;
			sys_unmove_pages(run_mapped(s), run_own(s), s->size);
		}
		area->lost = !sys_is_mapped(run_own(seg), seg->size);
		for_each_seg(s, area)
			if (s != seg || !area->lost)
				sys_uncommit(run_own(s), s->size);
		return false;
	}
	return true;
}

static void runs_leave(struct vmap_area *area)
{
	for_each_seg(seg, area)
		source_erase(seg);
}

static struct vmap_area *area_map(struct page **pages, u32 count)
{
	size_t size = (size_t)count << PAGE_SHIFT;
	u32 runs = count_runs(pages, count);
	struct vmap_area *area;

	if (!runs)
		return NULL;
	if (!lazy_make_maps(2 + (SOURCE_MAPS + 1) * (size_t)runs)) {
		stat_add(STAT_AREA_MAPS, 1);
		return NULL;
	}
	if (!vmap_reserve(4, runs + 4))
		return NULL;
	area = vmap_space_get(size + guard_size(),
			      size < HUGE_SIZE ? guard_size() : HUGE_SIZE);
	if (!area)
		return NULL;
	if (!sys_commit((void *)area->start, size) ||
	    !runs_enter(area, pages, count))
		goto out_free;
	vmap_set_state(area, VMAP_PAGES);
	if (runs_move_in(area))
		return area;
	runs_leave(area);
out_free:
	vmap_blank(area, area->start, size);
	vmap_set_free(area);
	return NULL;
}

/* --- the calls --- */

void *vmap(struct page **pages, u32 count, u32 flags)
{
	struct vmap_area *area;

	if (!count || !pages || !lock_try_enter(&vmap_lock))
		return NULL;
	area = area_map(pages, count);
	if (area) {
		vmap_info.nr_pages++;
		vmap_info.pages_bytes += area->size;
	}
	lock_exit(&vmap_lock);
	return area ? (void *)area->start : NULL;
}

static enum vfree_result area_unmap(struct vmap_area *area)
{
	if (area->lost)
		return VFREE_LOST;
	if (!runs_open(area) || !runs_move_back(area))
		return area->lost ? VFREE_LOST : VFREE_BUSY;
	runs_leave(area);
	vmap_info.nr_pages--;
	vmap_info.pages_bytes -= area->size;
	vmap_blank_area(area);
	return VFREE_OK;
}

/* @want: bytes that must have been mapped, or 0. */
static enum vfree_result unmap(void *addr, size_t want, size_t *size)
{
	enum vfree_result ret = VFREE_OK;
	struct vmap_area *area;

	*size = 0;
	if (!lock_try_enter(&vmap_lock))
		return VFREE_BUSY;
	area = vmap_find((uintptr_t)addr);
	*size = area ? area->size : 0;
	if (!area)
		ret = VFREE_NOT_OURS;
	else if (area->state == VMAP_FREE || area->state == VMAP_LAZY)
		ret = VFREE_AGAIN;
	else if (area->start != (uintptr_t)addr)
		ret = VFREE_MIDDLE;
	else if (area->state != VMAP_PAGES)
		ret = VFREE_WRONG_KIND;
	else if (want && want != area->size)
		ret = VFREE_MIDDLE;
	else
		ret = area_unmap(area);
	lock_exit(&vmap_lock);
	return ret;
}

enum vfree_result vunmap(void *addr, size_t *size)
{
	return unmap(addr, 0, size);
}

void *vm_map_ram(struct page **pages, u32 count, int node)
{
	return vmap(pages, count, 0);
}

enum vfree_result vm_unmap_ram(void *addr, u32 count)
{
	size_t size;

	return count ? unmap(addr, (size_t)count << PAGE_SHIFT, &size) :
		       VFREE_MIDDLE;
}

static uintptr_t own_address(const struct vmap_area *area, uintptr_t addr)
{
	if (!area || area->state != VMAP_PAGES ||
	    addr >= area->start + area->size)
		return 0;
	for_each_seg(seg, area)
		if (addr - seg->start < seg->size)
			return seg_natural(seg, addr);
	return 0;
}

struct page *vmalloc_to_page(const void *addr)
{
	uintptr_t own;

	if (!lock_try_enter(&vmap_lock))
		return NULL;
	own = own_address(vmap_find((uintptr_t)addr), (uintptr_t)addr);
	lock_exit(&vmap_lock);
	return own ? addr_to_page((void *)own) : NULL;
}
