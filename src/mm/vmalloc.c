/*
 * vmalloc.c - large areas: address space from a window of their own, memory
 * committed exactly, freed lazily.
 *
 * vmap_area.c has the address space and says what an area is (V1, V2, V4),
 * vmap_seg.c what the kernel has mapped in it (V5, V6); vmap_lazy.c keeps what
 * is freed (V3) and moves it into new areas.  Here are the calls.
 *
 * A request takes warm memory before fresh: a freed area that is large enough
 * is cut; else fresh space is committed and filled with what is warm.  An area
 * that grows does so in place if what lies behind is free, or freed; else its
 * mappings move, each at once.
 *
 * Locking: LOCK_VMAP, with LOCK_ZONE and LOCK_MEMBLOCK inside.  System calls
 * are made under it: they are what the path costs anyway.
 */
#include <string.h>

#include "core/options.h"
#include "core/stats.h"
#include "mm/page.h"
#include "mm/vmap_area.h"
#include "mm/zone.h"

#define CUT_MIN		(512 * KIB)	/* smaller rests are not cut off */
#define STEP_SMALL	(64 * KIB)	/* a growth that more like it will follow */
#define STEP_SHARE	8		/* ... goes ahead by this part of the area, */
#define STEP_AHEAD	(CUT_MIN / 2)	/* ... or so much: never cut off again */

static size_t round_size(size_t size)
{
	return ALIGN_UP(size, sys_page_size());
}

static void account(size_t nr, size_t bytes)
{
	vmap_info.nr += nr;
	ADD_ONCE(vmap_info.bytes, bytes);
}

static bool make_maps(size_t nr)
{
	if (lazy_make_maps(nr))
		return true;
	stat_add(STAT_AREA_MAPS, 1);
	return false;
}

/* --- in place --- */

/* Keep @size bytes of a busy area; the rest is lazy since @stamp. */
static void area_cut(struct vmap_area *area, size_t size, u64 stamp)
{
	uintptr_t cut = area->start + size + guard_size();

	if (area->start + area->size < cut + CUT_MIN ||
	    !vmap_reserve(2, 4) || !vmap_maps_allow(3, false))
		return;
	lazy_put(vmap_cut(area, size), stamp);
}

/* A lazy neighbour is warm memory that lies where @area wants to grow. */
static bool area_absorb(struct vmap_area *area, struct vmap_area *next)
{
	uintptr_t hole = area->start + area->size;

	if (!sys_commit((void *)hole, next->start - hole))
		return false;
	segs_grow(area, next->start - area->start);
	lazy_del(next);
	vmap_join(area, next);
	return true;
}

/* Take as much of the FREE space behind as @size and the guard need. */
static bool area_grow(struct vmap_area *area, size_t size)
{
	uintptr_t end = area->start + size + guard_size();
	struct vmap_area *next = vmap_next(area);

	if (!sys_commit((void *)(area->start + area->size),
			size - area->size)) {
		vmap_blank_above(area, area->size);
		return false;
	}
	if (end > area->end) {
		if (next->end != end)
			vmap_split(next, end);
		vmap_join(area, next);
	}
	segs_grow(area, size);
	return true;
}

/* Freed memory that @area may take in: of its own node. */
static bool is_idle_beside(const struct vmap_area *area,
			   const struct vmap_area *next)
{
	return next->state == VMAP_LAZY && next->nid == area->nid &&
	       !area->lost;
}

/* Whether what follows @area up to @end is lazy areas and then free space. */
static bool area_may_extend(struct vmap_area *area, uintptr_t end)
{
	struct vmap_area *next = area->lost ? NULL : area;

	while (next && next->end < end) {
		next = vmap_next(next);
		if (!next || !is_idle_beside(area, next))
			break;
	}
	return next && (next == area || is_idle_beside(area, next) ||
			next->state == VMAP_FREE) && next->end >= end;
}

/*
 * Make a busy area @size bytes where it stands; @fill: with what is idle as far
 * as that goes.  Whatever the result, it may have grown: into a neighbour that
 * was too small.
 */
static bool area_extend(struct vmap_area *area, size_t size, bool fill,
			size_t *warm)
{
	uintptr_t end = area->start + size + guard_size();
	struct vmap_area *next;
	size_t old;

	/* Areas may be purged to make maps: look again. */
	if (!vmap_reserve(4, 4) || !area_may_extend(area, end) ||
	    !make_maps(2) || !area_may_extend(area, end))
		return false;
	while ((next = vmap_next(area)) && is_idle_beside(area, next) &&
	       end > area->end)
		if (!vmap_reserve(4, 4) || !area_absorb(area, next))
			return false;
	if (area->size >= size) {
		area_cut(area, size, sys_clock_ms());
		*warm = size;
		return true;
	}
	old = area->size;
	if (!area_grow(area, size))
		return false;
	*warm = old;
	if (!fill || lazy_fill(area, old, warm))
		return true;
	vmap_blank_above(area, old);
	return false;
}

/* --- anew --- */

/*
 * What is kept for nothing makes room for what is needed.  Up to 2 MiB are
 * fresh because no tail fitted; that is no reason to give whole areas back.
 */
static void make_room(size_t fresh)
{
	size_t lazy = READ_ONCE(vmap_info.lazy_bytes);

	if (fresh >= HUGE_SIZE)
		lazy_purge(lazy > fresh ? lazy - fresh : 0);
}

/*
 * A limit of our own is kept exactly: an area has @grown bytes more (or less),
 * and what of them did not come out of the @before idle ones makes idle ones go.
 */
static void keep_limit(size_t grown, size_t before)
{
	size_t lazy = vmap_info.lazy_bytes, fresh = grown + lazy - before;

	if (options.limit && (long)fresh > 0)
		lazy_purge(lazy > fresh ? lazy - fresh : 0);
}

/*
 * Serve a request out of one freed area, or NULL.  One that is too small may
 * grow: that moves less than new space would have moved in.
 */
static struct vmap_area *alloc_warm(size_t size, size_t align, u32 flags,
				    size_t *warm)
{
	struct vmap_area *area = lazy_find(size, align);

	if (!area || area->size < size / 4 ||
	    (flags & VMALLOC_WARM && vmap_info.lazy_bytes < size))
		return NULL;
	lazy_del(area);
	if (area->size >= size) {
		area_cut(area, size, area->stamp);
		*warm = size;
	} else if (!area_extend(area, size, true, warm)) {
		lazy_put(area, area->stamp);
		return NULL;
	} else {
		make_room(size - *warm);
	}
	return area;
}

/* Committed space as one mapping, at a multiple of 2 MiB if it is so large. */
static struct vmap_area *alloc_space(size_t size, size_t align)
{
	struct vmap_area *area;

	if (size >= HUGE_SIZE)
		align = max(align, HUGE_SIZE);
	if (!vmap_reserve(4, 4) || !make_maps(2))
		return NULL;
	area = vmap_space_get(size + guard_size(), align);
	if (!area)
		return NULL;
	if (sys_commit((void *)area->start, size)) {
		area->nid = numa_node_id();
		vmap_set_busy(area, size);
		return area;
	}
	vmap_blank(area, area->start, size);
	vmap_set_free(area);
	return NULL;
}

/*
 * A guard and then committed space.  The guard is one mapping with the blank
 * space below, unless that is an own_guard: so one more is counted.
 */
static struct vmap_area *stack_space(size_t size, size_t guard)
{
	struct vmap_area *area;

	if (!vmap_reserve(4, 4) || !make_maps(3))
		return NULL;
	area = vmap_space_get_low(guard + size + guard_size());
	if (!area)
		return NULL;
	if (!sys_commit((void *)(area->start + guard), size)) {
		vmap_blank(area, area->start, guard + size);
		vmap_set_free(area);
		return NULL;
	}
	area->nid = numa_node_id();
	vmap_set_busy(area, guard + size);
	vmap_set_state(area, VMAP_STACK);
	vmap_maps_add(1);
	return area;
}

void *vmalloc_stack(size_t size, size_t guard)
{
	struct vmap_area *area;
	char *addr = NULL;

	if (!lock_try_enter(&vmap_lock))
		return NULL;
	area = stack_space(size, guard);
	if (!area && vmap_info.nr_lazy) {
		lazy_purge(0);
		area = stack_space(size, guard);
	}
	if (area) {
		addr = (char *)area->start + guard;
		/* A huge page for what may be a frame or two is a waste. */
		sys_huge(addr, size, false);
	}
	lock_exit(&vmap_lock);
	return addr;
}

bool vfree_stack(void *addr, size_t guard)
{
	if (!lock_try_enter(&vmap_lock))
		return false;
	vmap_maps_add(-(size_t)1);
	vmap_blank_area(vmap_find((uintptr_t)addr - guard));
	lock_exit(&vmap_lock);
	return true;
}

static struct vmap_area *alloc_fresh(size_t size, size_t align, u32 flags,
				     size_t *warm)
{
	struct vmap_area *area = alloc_space(size, align);

	*warm = 0;
	if (!area && vmap_info.nr_lazy) {
		lazy_purge(0);
		area = alloc_space(size, align);
	}
	if (!area)
		return NULL;
	if (flags & VMALLOC_HUGE) {
		sys_huge((void *)area->start, size, true);
		segs_set_odd(area);
		area->huge = true;
	} else if (!lazy_fill(area, 0, warm)) {
		vmap_blank_area(area);
		return NULL;
	}
	make_room(size - *warm);
	return area;
}

/*
 * May the heap hold @size bytes, of which @held are there already?  What lies
 * idle serves, or makes room: once.  So what watermark_ok() has given back of
 * it is asked for again.
 */
static bool may_grow(size_t size, size_t held)
{
	size_t have = SIZE_MAX, left;

	for (;;) {
		left = held + vmalloc_lazy_bytes();
		if (size <= left || left >= have)
			return true;
		if (!watermark_ok((size - left) >> PAGE_SHIFT, GFP_KERNEL))
			return false;
		have = left;
	}
}

void *vmalloc(size_t size, size_t align, u32 flags)
{
	struct vmap_area *area = NULL;
	size_t warm = 0, lazy;

	if (!size || size > PTRDIFF_MAX - 4 * MIB || align > PTRDIFF_MAX / 4)
		return NULL;
	size = round_size(size);
	align = max(align, sys_page_size());
	if (watermark_is_beyond(size) || !may_grow(size, 0) ||
	    !lock_try_enter(&vmap_lock))
		return NULL;
	lazy = vmap_info.lazy_bytes;
	/* Zeroing warm memory costs less than faulting fresh memory in. */
	if (!(flags & VMALLOC_HUGE))
		area = alloc_warm(size, align, flags, &warm);
	if (!area && !(flags & VMALLOC_WARM))
		area = alloc_fresh(size, align, flags, &warm);
	if (area) {
		area->user = 0;
		account(1, area->size);
		keep_limit(area->size, lazy);
	}
	lock_exit(&vmap_lock);
	if (!area)
		return NULL;
	stat_add(STAT_AREA_ALLOC, 1);
	if (warm)
		stat_add(STAT_AREA_WARM, 1);
	if (size > warm)
		zone_make_room((size - warm) >> PAGE_SHIFT);
	/* A rest that was not worth a cut is warm, too. */
	if (flags & VMALLOC_ZERO_END && area->size > size)
		warm = area->size;
	if (flags & (VMALLOC_ZERO | VMALLOC_ZERO_END))
		memset((void *)area->start, 0, warm);
	return (void *)area->start;
}

void *vmalloc_huge(size_t size, u32 flags)
{
	if (size > PTRDIFF_MAX - 4 * MIB)
		return NULL;
	return vmalloc(ALIGN_UP(size, HUGE_SIZE), HUGE_SIZE,
		       flags | VMALLOC_HUGE);
}

static enum vfree_result lookup_locked(const void *addr,
				       struct vmap_area **found)
{
	struct vmap_area *area = vmap_find((uintptr_t)addr);

	*found = area;
	if (!area)
		return VFREE_NOT_OURS;
	if (area->state == VMAP_FREE || area->state == VMAP_LAZY ||
	    area->state == VMAP_HELD)
		return VFREE_AGAIN;
	if (area->start != (uintptr_t)addr)
		return VFREE_MIDDLE;
	if (unlikely(area->user == VMALLOC_HELD))
		return VFREE_AGAIN;
	return area->state == VMAP_BUSY ? VFREE_OK : VFREE_WRONG_KIND;
}

enum vfree_result vmalloc_lookup(const void *addr, size_t *size)
{
	struct vmap_area *area;
	enum vfree_result ret;

	*size = 0;
	if (!lock_try_enter(&vmap_lock))
		return VFREE_BUSY;
	ret = lookup_locked(addr, &area);
	*size = area ? area->size : 0;
	lock_exit(&vmap_lock);
	return ret;
}

enum vfree_result vmalloc_user(const void *addr, size_t set, size_t *user,
			       size_t *size)
{
	struct vmap_area *area;
	enum vfree_result ret;

	*user = *size = 0;
	if (!lock_try_enter(&vmap_lock))
		return VFREE_BUSY;
	ret = lookup_locked(addr, &area);
	*size = area ? area->size : 0;
	if (ret == VFREE_OK) {
		*user = area->user;
		if (set)
			area->user = set;
	}
	lock_exit(&vmap_lock);
	return ret;
}

static void area_free(struct vmap_area *area)
{
	account(-(size_t)1, -area->size);
	lazy_put(area, sys_clock_ms());
	stat_add(STAT_AREA_FREE, 1);
}

enum vfree_result vfree(void *addr, size_t *size)
{
	struct vmap_area *area;
	enum vfree_result ret;

	if (!lock_try_enter(&vmap_lock))
		return VFREE_BUSY;
	ret = lookup_locked(addr, &area);
	*size = area ? area->size : 0;
	if (ret == VFREE_OK)
		area_free(area);
	lock_exit(&vmap_lock);
	return ret;
}

enum vfree_result vfree_held(void *addr)
{
	struct vmap_area *area;

	if (!lock_try_enter(&vmap_lock))
		return VFREE_BUSY;
	area = vmap_find((uintptr_t)addr);
	if (area && area->user == VMALLOC_HELD &&
	    (area->state == VMAP_BUSY || area->state == VMAP_HELD)) {
		area->user = 0;
		if (area->state == VMAP_HELD)
			vmap_set_free(area);
		else
			area_free(area);
	} else {
		area = NULL;
	}
	lock_exit(&vmap_lock);
	return area ? VFREE_OK : VFREE_AGAIN;
}

/* --- moving --- */

/*
 * Bring what @from holds in [0, @size) to @to, one mapping at a time.  False:
 * all is still in @from.
 */
static bool move_segs(struct vmap_area *from, struct vmap_area *to,
		      size_t size)
{
	uintptr_t end = from->start + size, base = to->start - from->start;

	for_each_seg(seg, from) {
		uintptr_t stop = min(seg_end(from, seg), end);
		void *old = (void *)seg->start;

		if (seg->start >= end)
			break;
		mapping_settle(seg->start);
		if (!vmap_reserve(0, 4) ||
		    !sys_move_pages(old, (void *)(seg->start + base),
				    stop - seg->start)) {
			to->lost = !sys_is_mapped((void *)to->start, size);
			sys_unmove_pages((void *)from->start, (void *)to->start,
					 seg->start - from->start);
			return false;
		}
		segs_replace(to, seg->start + base, stop + base, seg->natural,
			     seg->origin);
		vmap_info.moved_bytes += stop - seg->start;
	}
	return true;
}

static struct vmap_area *area_move(struct vmap_area *area, size_t size,
				   size_t *warm)
{
	size_t bytes = min(area->size, size);
	struct vmap_area *to;

	if (!make_maps(4 + area->nr_segs))
		return NULL;
	to = alloc_space(size, sys_page_size());
	if (!to)
		return NULL;
	if (!lazy_fill(to, bytes, warm) || !move_segs(area, to, bytes)) {
		vmap_blank_area(to);
		return NULL;
	}
	stat_add(STAT_AREA_MOVED, 1);
	to->huge = area->huge;
	to->user = area->user;
	vmap_blank_area(area);
	return to;
}

/*
 * What @area holds moves to another place as far into a page table, so that
 * whole page tables move.
 */
static struct vmap_area *area_leave(struct vmap_area *area)
{
	size_t at = area->start % HUGE_SIZE, size = area->size;
	struct vmap_area *low, *to;

	if (!vmap_reserve(8, 8) || !lazy_make_maps(4 + area->nr_segs))
		return NULL;
	low = to = vmap_space_get(at + size + guard_size(), HUGE_SIZE);
	if (!to)
		return NULL;
	if (at)
		to = vmap_split(low, low->start + at);
	vmap_set_busy(to, size);
	if (at)
		vmap_set_free(low);
	to->nid = area->nid;
	if (!sys_commit((void *)to->start, size) ||
	    !move_segs(area, to, size)) {
		vmap_blank_area(to);
		return NULL;
	}
	return to;
}

bool vfree_memory(void *addr)
{
	struct vmap_area *area, *to;

	if (!lock_try_enter(&vmap_lock))
		return false;
	area = vmap_find((uintptr_t)addr);
	to = area_leave(area);
	if (to) {
		vmap_hold(area);
		area_free(to);
	}
	lock_exit(&vmap_lock);
	return to;
}

/*
 * A buffer that is appended to grows by a page again and again, and each time
 * would be two to five system calls.  So it goes ahead, in space that nobody
 * touches yet.
 */
static bool area_go_ahead(struct vmap_area *area, size_t size, size_t *warm)
{
	size_t ahead = min(area->size / STEP_SHARE, STEP_AHEAD);
	size_t end = area->size + round_size(ahead);

	return size - area->size < STEP_SMALL && size < end && !options.limit &&
	       area_extend(area, end, false, warm);
}

/* @warm: how much of the area it returns holds memory already. */
static struct vmap_area *area_resize(struct vmap_area *area, size_t size,
				     bool ahead, size_t *warm)
{
	*warm = size;
	if (size <= area->size)
		area_cut(area, size, sys_clock_ms());
	else if (!(ahead && area_go_ahead(area, size, warm)) &&
		 !area_extend(area, size, true, warm))
		area = area_move(area, size, warm);
	return area;
}

static void *resize(void *addr, size_t size, bool zero, bool ahead)
{
	size_t old, lazy, asked = size, from = 0, end = 0, warm = 0;
	struct vmap_area *area, *to;
	void *ret = NULL;

	if (size > PTRDIFF_MAX - 4 * MIB ||
	    vmalloc_lookup(addr, &old) != VFREE_OK)
		return NULL;
	size = round_size(size);
	/* As of mremap(), what it grows by counts. */
	if ((size > old && watermark_is_beyond(size - old)) ||
	    !may_grow(size, old) || !lock_try_enter(&vmap_lock))
		return NULL;
	if (lookup_locked(addr, &area) == VFREE_OK) {
		old = area->size;
		lazy = vmap_info.lazy_bytes;
		to = area_resize(area, size, ahead, &warm);
		/* If it failed, it may have taken in a neighbour. */
		end = (to ? to : area)->size;
		if (!to || warm >= size)
			warm = end;
		account(0, end - old);
		keep_limit(end - old, lazy);
		ret = to ? (void *)to->start : NULL;
		from = to ? min(old, asked) : old;
	}
	lock_exit(&vmap_lock);
	if (end > max(old, warm))
		zone_make_room((end - max(old, warm)) >> PAGE_SHIFT);
	else if (end < old)
		idle_poll();
	/* Warm memory came in, or the caller has written beyond @size. */
	if (zero && end > from)
		memset((char *)(ret ? ret : addr) + from, 0, end - from);
	return ret;
}

void *vrealloc(void *addr, size_t size)
{
	return resize(addr, size, false, false);
}

void *vrealloc_ahead(void *addr, size_t size)
{
	return resize(addr, size, false, true);
}

void *vrealloc_zero(void *addr, size_t size)
{
	return resize(addr, size, true, false);
}

/* --- looking inside --- */

size_t vmalloc_held_bytes(void)
{
	return READ_ONCE(vmap_info.bytes) + READ_ONCE(vmap_info.lazy_bytes);
}

void vmalloc_info(struct vmalloc_info *out)
{
	*out = (struct vmalloc_info){ 0 };
	if (!lock_try_enter(&vmap_lock))
		return;
	*out = vmap_info;
	lock_exit(&vmap_lock);
}

bool is_vmalloc_addr(const void *addr)
{
	bool found;

	if (!lock_try_enter(&vmap_lock))
		return false;
	found = vmap_find((uintptr_t)addr) != NULL;
	lock_exit(&vmap_lock);
	return found;
}

bool vmalloc_walk(bool (*fn)(const struct vmap_area_info *area, void *arg),
		  void *arg)
{
	if (!lock_try_enter(&vmap_lock))
		return false;
	for (struct rb_node *n = rb_first(&vmap_tree); n; n = rb_next(n)) {
		const struct vmap_area *area = to_area(n);
		struct vmap_area_info out = {
			.start = area->start,
			.end = area->end,
			.size = area->size,
			.state = area->state,
			.huge = area->huge,
			.nr_segs = area->nr_segs,
		};

		if (area->state != VMAP_FREE && !fn(&out, arg))
			break;
	}
	lock_exit(&vmap_lock);
	return true;
}

static bool segs_are_valid(const struct vmap_area *area)
{
	uintptr_t at = area->start;
	u32 nr = 0;

	for_each_seg(seg, area) {
		if (nr ? seg->start <= at : seg->start != at)
			return false;
		if (seg->natural && !seg->origin)
			return false;
		at = seg->start;
		nr++;
	}
	return nr == area->nr_segs && at <= area->start + area->size &&
	       (nr != 0) == (area->size != 0);
}

static bool area_is_valid(struct vmap_area *area)
{
	struct vmap_area *next = vmap_next(area);

	if (area->start >= area->end || !segs_are_valid(area))
		return false;
	if (next && area->state == VMAP_FREE && next->state == VMAP_FREE)
		return false;
	return area->state == VMAP_FREE || area->state == VMAP_HELD ?
	       area->size == 0 :
	       area->size && area->size + guard_size() <=
			     area->end - area->start;
}

bool vmalloc_is_valid(void)
{
	struct vmalloc_info sum = { 0 };
	size_t nr[NR_VMAP_STATES] = { 0 }, bytes[NR_VMAP_STATES] = { 0 };
	size_t maps = 0;
	bool ok;

	if (!lock_try_enter(&vmap_lock))
		return false;
	ok = rb_is_valid(&vmap_tree) && vmap_sources_are_valid(&maps);
	for (struct rb_node *n = rb_first(&vmap_tree); n; n = rb_next(n)) {
		struct vmap_area *area = to_area(n);

		ok = ok && area_is_valid(area);
		nr[area->state]++;
		bytes[area->state] += area->size;
		maps += area->nr_segs + (area->state != VMAP_FREE) +
			area->own_guard + area->window_start +
			(area->state == VMAP_STACK);
	}
	sum = vmap_info;
	lock_exit(&vmap_lock);
	return ok && nr[VMAP_BUSY] == sum.nr && bytes[VMAP_BUSY] == sum.bytes &&
	       nr[VMAP_LAZY] == sum.nr_lazy &&
	       bytes[VMAP_LAZY] == sum.lazy_bytes &&
	       nr[VMAP_PAGES] == sum.nr_pages &&
	       bytes[VMAP_PAGES] == sum.pages_bytes && maps == sum.nr_maps;
}

void vmalloc_fork_lock(void)
{
	lock_fork_enter(&vmap_lock);
}

void vmalloc_fork_unlock(void)
{
	lock_fork_exit(&vmap_lock);
}
