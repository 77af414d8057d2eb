/*
 * vmap_area.c - the address space of vmalloc and the mappings in it.
 *
 * Address space is one red-black tree of vmap_areas by address.  An area is
 *   FREE  reserved and nothing else; the tree knows the largest free area of
 *	   every subtree, so a search is one walk down;
 *   BUSY  [start, start + size) is committed and the user's; what is left up
 *	   to end is its guard;
 *   LAZY  as BUSY, but freed: warm memory for the next request;
 *   PAGES as BUSY, but the memory is pages of a zone that were moved here;
 *   STACK as BUSY, but what is lowest is a guard, too;
 *   HELD  nothing is committed, as in FREE space, but nobody gets it: for
 *	   ever, if it is lost (V9).
 *
 * Free space is always mapped anew, not only emptied.  What was never touched
 * merges with what is around it; what was, never does, whatever it is now.
 *
 * Placement: in the middle of the largest free area, as long as that leaves
 * room to grow in place many times over; else at the lowest address that fits.
 *
 * Invariants, under vmap_lock:
 *   V1. areas do not overlap; neighbours in one window touch, and two FREE
 *	 neighbours have been merged.
 *   V2. start and size are multiples of the OS page; a used area has
 *	 size + one OS page <= end - start: the guard; size is 0 if HELD.
 *   V4. FREE space and guards are not committed, hold no pages, and are one
 *	 mapping with the FREE space next to them ("blank"); but a guard
 *	 that own_guard speaks of is part of the mapping below, less access.
 *	 Above a limit on address space that was lowered the kernel makes
 *	 no mapping: then what has no access and no pages must do.
 *   V9. all space that is not lost is mapped, so that the kernel gives it to
 *	 nobody else.  Where it has unmapped some of an area, and refuses to
 *	 map it again, the area is lost: something of the program's may be
 *	 there by now.  It is never FREE, and nothing of it is blanked; what
 *	 it has committed stays usable.
 * V3 is of vmap_lazy.c, V5 and V6 of vmap_seg.c, V7 and V8 of vmap.c.
 */
#include "mm/memblock.h"
#include "mm/page.h"
#include "mm/vmap_area.h"

#define WINDOW_MAX	((size_t)16 << 40)
#define GROWTH_ROOM	64	/* times its size is where an area can grow */
#define BLANK_SIZE	GIB	/* of the space that vmap_blank() copies */
#define POOL_STEP	8	/* descriptors made at once: few programs need more */

static void area_update(struct rb_node *node);

struct lock vmap_lock = LOCK_INITIALIZER(LOCK_VMAP);
struct rb_root vmap_tree = { .update = area_update };
struct vmalloc_info vmap_info;

static size_t free_bytes(const struct vmap_area *area)
{
	return area->state == VMAP_FREE ? area->end - area->start : 0;
}

static size_t subtree_max(const struct rb_node *node)
{
	return node ? to_area(node)->subtree_max : 0;
}

static void area_update(struct rb_node *node)
{
	struct vmap_area *area = to_area(node);

	size_t below = max(subtree_max(node->left), subtree_max(node->right));

	area->subtree_max = max(free_bytes(area), below);
}

/* --- descriptors --- */

static struct list_head unused_areas = LIST_HEAD_INIT(unused_areas);
static u32 nr_unused_areas;

bool vmap_reserve(u32 areas, u32 segs)
{
	while (nr_unused_areas < areas) {
		struct vmap_area *a = memblock_alloc(POOL_STEP * sizeof(*a));

		for (u32 i = 0; a && i < POOL_STEP; i++)
			list_add_tail(&a[i].list, &unused_areas);
		if (!a)
			return false;
		nr_unused_areas += POOL_STEP;
	}
	return segs_reserve(segs);
}

/* After vmap_reserve(): there is one. */
static struct vmap_area *area_new(uintptr_t start, uintptr_t end)
{
	struct vmap_area *area = list_first(&unused_areas, struct vmap_area,
					    list);

	if (unlikely(!nr_unused_areas))
		__builtin_trap();	/* vmap_reserve() was forgotten */
	list_del(&area->list);
	nr_unused_areas--;
	*area = (struct vmap_area){ .start = start, .end = end };
	list_init(&area->segs);
	return area;
}

static void area_delete(struct vmap_area *area)
{
	list_add(&area->list, &unused_areas);
	nr_unused_areas++;
}

/* --- the tree --- */

static void tree_insert(struct vmap_area *area)
{
	struct rb_node **link = &vmap_tree.node, *parent = NULL;

	while (*link) {
		parent = *link;
		link = area->start < to_area(parent)->start ? &parent->left :
							      &parent->right;
	}
	rb_insert(&vmap_tree, &area->node, parent, link);
}

struct vmap_area *vmap_find(uintptr_t addr)
{
	struct rb_node *node = vmap_tree.node;

	while (node) {
		struct vmap_area *area = to_area(node);

		if (addr < area->start)
			node = node->left;
		else if (addr >= area->end)
			node = node->right;
		else
			return area;
	}
	return NULL;
}

struct vmap_area *vmap_next(struct vmap_area *area)
{
	struct rb_node *node = rb_next(&area->node);
	struct vmap_area *next = node ? to_area(node) : NULL;

	return next && next->start == area->end && !next->window_start ?
	       next : NULL;
}

struct vmap_area *vmap_prev(struct vmap_area *area)
{
	struct rb_node *node = rb_prev(&area->node);
	struct vmap_area *prev = node ? to_area(node) : NULL;

	return prev && prev->end == area->start && !area->window_start ?
	       prev : NULL;
}

void vmap_set_state(struct vmap_area *area, enum vmap_state state)
{
	vmap_info.nr_maps += (state != VMAP_FREE) -
			     (size_t)(area->state != VMAP_FREE);
	area->state = state;
	rb_update(&vmap_tree, &area->node);
}

struct vmap_area *vmap_split(struct vmap_area *area, uintptr_t at)
{
	struct vmap_area *upper = area_new(at, area->end);
	struct vmap_seg *seg = segs_cut(area, at);

	while (seg) {
		struct vmap_seg *next = seg_after(area, seg);

		seg_pass(area, seg, upper);
		seg = next;
	}
	if (area->start + area->size > at) {
		upper->size = area->start + area->size - at;
		area->size = at - area->start;
	}
	area->end = at;
	upper->lost = area->lost;
	area_set_own_guard(upper, area->own_guard && upper->size);
	if (upper->size)
		area_set_own_guard(area, false);
	rb_update(&vmap_tree, &area->node);
	tree_insert(upper);
	vmap_set_state(upper, upper->size ? area->state : VMAP_FREE);
	return upper;
}

void vmap_join(struct vmap_area *area, struct vmap_area *next)
{
	struct vmap_seg *last = seg_last(area);

	list_for_each_safe(seg, tmp, &next->segs, struct vmap_seg, list)
		seg_pass(next, seg, area);
	if (last)
		segs_merge(area, last);
	area->size += next->size;
	next->size = 0;
	if (next->own_guard) {
		area_set_own_guard(next, false);
		area_set_own_guard(area, true);
	}
	vmap_set_state(next, VMAP_FREE);
	rb_erase(&vmap_tree, &next->node);
	area->end = next->end;
	rb_update(&vmap_tree, &area->node);
	area_delete(next);
}

/* --- blank space --- */

/* Of what is not blank. */
static size_t used_size(const struct vmap_area *area)
{
	return area->size + (area->own_guard ? guard_size() : 0);
}

static uintptr_t blank;		/* BLANK_SIZE bytes that nobody ever gets; 0 */
static uintptr_t named_end;	/* of the window that has a name; from blank */

/*
 * Moving a mapping without pages makes one like it, name and all; mapping
 * anew makes one without the name, which would not merge with the others.
 */
static enum sys_moved blank_copy(uintptr_t start, size_t *size)
{
	if (start < blank || start >= named_end || !sys_spare_left())
		return SYS_NOT_MOVED;
	*size = min(*size, sys_spare_left());
	return sys_move_warm((void *)blank, (void *)start, *size);
}

void vmap_blank(struct vmap_area *area, uintptr_t start, size_t size)
{
	enum sys_moved ret = SYS_MOVED;

	for (size_t n = size; size && !area->lost; n = size) {
		ret = blank_copy(start, &n);
		if (ret != SYS_MOVED)
			break;
		start += n;
		size -= n;
	}
	if (!size || area->lost)
		return;
	area->lost = ret == SYS_LOST;
	if (!area->lost && !sys_forget((void *)start, size)) {
		sys_protect((void *)start, size, false);
		area->lost = !sys_is_mapped((void *)start, size);
	}
}

void vmap_blank_area(struct vmap_area *area)
{
	vmap_blank(area, area->start, used_size(area));
	vmap_set_free(area);
}

static void hold(struct vmap_area *area)
{
	segs_truncate(area, 0);
	area_set_own_guard(area, false);
	vmap_set_state(area, VMAP_HELD);
}

void vmap_hold(struct vmap_area *area)
{
	vmap_blank(area, area->start, used_size(area));
	hold(area);
}

void vmap_blank_above(struct vmap_area *area, size_t size)
{
	uintptr_t end = area->start + size + guard_size();

	vmap_blank(area, area->start + size, used_size(area) - size);
	area_set_own_guard(area, false);
	segs_truncate(area, size);
	if (area->end > end)
		vmap_set_free(vmap_split(area, end));
}

/*
 * The guard of a mapping that came from elsewhere must stay part of it: else
 * the three would never be one again, however often they meet.  Any other
 * becomes blank.
 */
struct vmap_area *vmap_cut(struct vmap_area *area, size_t size)
{
	uintptr_t guard = area->start + size;
	struct vmap_seg *seg = segs_cut(area, guard);
	struct vmap_seg *below = list_entry(seg->list.prev, struct vmap_seg,
					    list);
	bool own = seg->list.prev != &area->segs && !seg_is_natural(below) &&
		   segs_are_one(below, seg);
	struct vmap_area *upper;

	mapping_settle(guard);
	upper = vmap_split(area, guard + guard_size());
	upper->nid = area->nid;
	segs_truncate(area, size);
	if (own)
		sys_uncommit((void *)guard, guard_size());
	else
		vmap_blank(area, guard, guard_size());
	area_set_own_guard(area, own);
	return upper;
}

static bool scarce;	/* the kernel has refused a large one */

/*
 * Under a limit on address space a window is no larger than what is asked
 * for, and goes back whole once nothing is left in it.
 */
static bool windows_are_scarce(void)
{
	return scarce || sys_limit_as() != SIZE_MAX;
}

void vmap_set_free(struct vmap_area *area)
{
	struct vmap_area *next = vmap_next(area), *prev = vmap_prev(area);

	area->huge = false;
	if (unlikely(area->lost)) {	/* V9 */
		hold(area);
		return;
	}
	segs_truncate(area, 0);
	area_set_own_guard(area, false);
	vmap_set_state(area, VMAP_FREE);
	if (next && next->state == VMAP_FREE)
		vmap_join(area, next);
	if (prev && prev->state == VMAP_FREE) {
		vmap_join(prev, area);
		area = prev;
	}
	if (area->window_start && !vmap_next(area) && windows_are_scarce()) {
		sys_release((void *)area->start, area->end - area->start);
		rb_erase(&vmap_tree, &area->node);
		area_delete(area);
		vmap_info.nr_maps--;
	}
}

void vmap_set_busy(struct vmap_area *area, size_t size)
{
	segs_grow(area, size);
	vmap_set_state(area, VMAP_BUSY);
}

/* --- windows and places --- */

static bool window_add(size_t need)
{
	size_t usual = clamp(16 * sys_ram_bytes(), (size_t)1 << 38, WINDOW_MAX);
	size_t size = windows_are_scarce() ? need : max(usual, need);
	struct vmap_area *area;
	void *mem;

	if (!vmap_reserve(4, 0))
		return false;
	mem = sys_reserve(size, HUGE_SIZE);
	/* What nobody can have says nothing about the usual window. */
	if (!mem && size == usual) {
		scarce = true;
		size = need;
		mem = size ? sys_reserve(size, HUGE_SIZE) : NULL;
	}
	if (!mem)
		return false;
	area = area_new((uintptr_t)mem, (uintptr_t)mem + size);
	area->window_start = true;
	tree_insert(area);
	vmap_info.nr_maps++;
	return true;
}

/*
 * The first window is there from the start, so that it has its name: later
 * the program may have installed a filter that does not know prctl().  In a
 * program that locks all its memory it has none: what is moved from is no
 * longer locked, but what is mapped anew is.
 */
void vmalloc_init(void)
{
	struct vmap_area *area;

	if (windows_are_scarce() || !window_add(0) || !vmap_tree.node ||
	    sys_born_locked())
		return;
	area = to_area(vmap_tree.node);
	sys_name((void *)area->start, area->end - area->start,
		 "liballoc:vmalloc");
	blank = area->start;
	named_end = area->end;
	sys_spare((void *)blank, BLANK_SIZE);
	area->start += BLANK_SIZE;
	rb_update(&vmap_tree, &area->node);
}

static uintptr_t fit_in(const struct vmap_area *area, size_t size, size_t align)
{
	uintptr_t at = ALIGN_UP(area->start, align);

	if (area->state != VMAP_FREE || at < area->start || at > area->end ||
	    area->end - at < size)
		return 0;
	return at;
}

/* The lowest free area that fits.  The walk may look at areas that are long
 * enough but badly aligned; alignments are rare, so they are few. */
static struct vmap_area *find_lowest(struct rb_node *node, size_t size,
				     size_t align)
{
	struct vmap_area *found;

	if (!node || subtree_max(node) < size)
		return NULL;
	found = find_lowest(node->left, size, align);
	if (found)
		return found;
	if (fit_in(to_area(node), size, align))
		return to_area(node);
	return find_lowest(node->right, size, align);
}

static struct vmap_area *find_largest(void)
{
	struct rb_node *node = vmap_tree.node;
	size_t best = subtree_max(node);

	while (node && free_bytes(to_area(node)) != best)
		node = subtree_max(node->left) == best ? node->left :
							 node->right;
	return node ? to_area(node) : NULL;
}

/* Where in @area: with room to grow, if there is plenty. */
static uintptr_t place_in(const struct vmap_area *area, size_t size,
			  size_t align)
{
	size_t room = area->end - area->start;
	uintptr_t middle = ALIGN_DOWN(area->start + room / 2,
				      max(align, HUGE_SIZE));

	if (room / GROWTH_ROOM < size || middle < area->start ||
	    area->end - middle < size)
		return fit_in(area, size, align);
	return middle;
}

static struct vmap_area *space_get(size_t size, size_t align, bool low)
{
	struct vmap_area *area = NULL;
	size_t want = size;
	uintptr_t at;

	if (!low)
		area = find_largest();
	if (!area || free_bytes(area) / GROWTH_ROOM < size ||
	    !fit_in(area, size, align))
		area = find_lowest(vmap_tree.node, size, align);
	if (!area) {
		/* A window is at a multiple of 2 MiB by itself. */
		if (align > HUGE_SIZE)
			size += align;
		if (!window_add(ALIGN_UP(size, HUGE_SIZE)))
			return NULL;
		size = want;
		area = find_lowest(vmap_tree.node, size, align);
		if (!area)
			return NULL;
	}
	if (!vmap_reserve(2, 0))
		return NULL;
	at = low ? fit_in(area, size, align) : place_in(area, size, align);
	if (at != area->start)
		area = vmap_split(area, at);
	if (area->end != at + size)
		vmap_split(area, at + size);
	return area;
}

struct vmap_area *vmap_space_get(size_t size, size_t align)
{
	return space_get(size, align, false);
}

struct vmap_area *vmap_space_get_low(size_t size)
{
	return space_get(size, sys_page_size(), true);
}
