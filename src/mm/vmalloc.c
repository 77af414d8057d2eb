/*
 * vmalloc.c - large areas: address space from a window of their own, memory
 * committed exactly, freed lazily.
 *
 * Address space is one red-black tree of vmap_areas by address.  An area is
 *   FREE  reserved and nothing else; the tree knows the largest free area of
 *	   every subtree, so a search is one walk down;
 *   BUSY  [start, start + size) is committed and the user's; what is left up
 *	   to end is its guard;
 *   LAZY  as BUSY, but freed: warm memory for the next request, in a list by
 *	   age.
 *
 * Page faults cost a thousand times more than anything done here, so a
 * request takes warm memory before fresh: a lazy area that is large enough
 * is cut, one that is too small is grown where it stands.
 *
 * Placement: in the middle of the largest free area, as long as that leaves
 * room to grow in place many times over; else at the lowest address that fits.
 *
 * Invariants, under lock:
 *   V1. areas do not overlap; neighbours in one window touch, and two FREE
 *	 neighbours have been merged.
 *   V2. start and size are multiples of the OS page; a BUSY or LAZY area has
 *	 size + one OS page <= end - start: the guard.
 *   V3. lazy_bytes and nr_lazy count the LAZY areas, all of which are in
 *	 lazy_list, oldest last.
 *   V4. FREE space is not committed and holds no pages.
 *
 * Locking: LOCK_VMAP is a leaf but for LOCK_MEMBLOCK.  System calls are made
 * under it: they are what the path costs anyway.
 */
#include <string.h>

#include "core/options.h"
#include "core/stats.h"
#include "lib/list.h"
#include "lib/lock.h"
#include "lib/rbtree.h"
#include "mm/memblock.h"
#include "mm/page.h"
#include "mm/vmalloc.h"
#include "sys/sys.h"

#define WINDOW_MAX	((size_t)16 << 40)
#define GROWTH_ROOM	64	/* an area that grows wants this times its size */
#define MAX_LAZY	64	/* areas in lazy_list */
#define CUT_MIN		(512 * KIB)	/* smaller rests are not cut off */

enum vmap_state { VMAP_FREE, VMAP_BUSY, VMAP_LAZY };

struct vmap_area {
	struct rb_node node;
	uintptr_t start, end;
	size_t size;		/* committed bytes from start; 0 if FREE */
	size_t subtree_max;	/* largest FREE area below and here */
	enum vmap_state state;
	bool window_start;	/* does not merge downward */
	bool mixed;		/* may be several mappings to the kernel */
	struct list_head list;	/* LAZY: by age; unused descriptors */
};

static void area_update(struct rb_node *node);

static struct lock lock = LOCK_INITIALIZER(LOCK_VMAP);
static struct rb_root tree = { .update = area_update };
static struct list_head lazy_list = LIST_HEAD_INIT(lazy_list);
static struct list_head unused = LIST_HEAD_INIT(unused);
static struct vmalloc_info info;

static struct vmap_area *to_area(const struct rb_node *node)
{
	return container_of(node, struct vmap_area, node);
}

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

/* --- descriptors and the tree --- */

static struct vmap_area *area_new(uintptr_t start, uintptr_t end)
{
	struct vmap_area *area;

	if (list_empty(&unused)) {
		area = memblock_alloc(sizeof(*area));
		if (!area)
			return NULL;
	} else {
		area = list_first(&unused, struct vmap_area, list);
		list_del(&area->list);
	}
	*area = (struct vmap_area){ .start = start, .end = end };
	return area;
}

static void area_delete(struct vmap_area *area)
{
	list_add(&area->list, &unused);
}

static void tree_insert(struct vmap_area *area)
{
	struct rb_node **link = &tree.node, *parent = NULL;

	while (*link) {
		parent = *link;
		link = area->start < to_area(parent)->start ? &parent->left :
							      &parent->right;
	}
	rb_insert(&tree, &area->node, parent, link);
}

/* The area whose [start, end) holds @addr, or NULL. */
static struct vmap_area *tree_find(uintptr_t addr)
{
	struct rb_node *node = tree.node;

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

static struct vmap_area *area_next(struct vmap_area *area)
{
	struct rb_node *node = rb_next(&area->node);
	struct vmap_area *next = node ? to_area(node) : NULL;

	return next && next->start == area->end && !next->window_start ?
	       next : NULL;
}

static struct vmap_area *area_prev(struct vmap_area *area)
{
	struct rb_node *node = rb_prev(&area->node);
	struct vmap_area *prev = node ? to_area(node) : NULL;

	return prev && prev->end == area->start && !area->window_start ?
	       prev : NULL;
}

/* Cut @area at @at; the upper part is a new area in the tree, FREE. */
static struct vmap_area *area_split(struct vmap_area *area, uintptr_t at)
{
	struct vmap_area *upper = area_new(at, area->end);

	if (!upper)
		return NULL;
	upper->mixed = area->mixed;
	area->end = at;
	rb_update(&tree, &area->node);
	tree_insert(upper);
	return upper;
}

/* @area takes over its upper neighbour. */
static void area_join(struct vmap_area *area, struct vmap_area *next)
{
	rb_erase(&tree, &next->node);
	area->mixed = area->mixed || next->mixed;
	area->end = next->end;
	rb_update(&tree, &area->node);
	area_delete(next);
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

/* @area holds no memory any more (V4); keeps V1. */
static void area_set_free(struct vmap_area *area)
{
	struct vmap_area *next = area_next(area), *prev = area_prev(area);

	area->state = VMAP_FREE;
	area->mixed = true;
	area->size = 0;
	rb_update(&tree, &area->node);
	if (next && next->state == VMAP_FREE)
		area_join(area, next);
	if (prev && prev->state == VMAP_FREE) {
		area_join(prev, area);
		area = prev;
	}
	if (area->window_start && !area_next(area) && windows_are_scarce()) {
		sys_release((void *)area->start, area->end - area->start);
		rb_erase(&tree, &area->node);
		area_delete(area);
	}
}

/* --- address space --- */

static size_t guard_size(void)
{
	return sys_page_size();
}

static bool window_add(size_t need)
{
	size_t size = clamp(16 * sys_ram_bytes(), (size_t)1 << 38, WINDOW_MAX);
	struct vmap_area *area;
	void *mem;

	if (windows_are_scarce())
		size = need;
	size = max(size, need);
	mem = sys_reserve(size, 2 * MIB);
	if (!mem) {
		scarce = true;
		size = need;
		mem = size ? sys_reserve(size, 2 * MIB) : NULL;
	}
	if (!mem)
		return false;
	area = area_new((uintptr_t)mem, (uintptr_t)mem + size);
	if (!area) {
		sys_release(mem, size);
		return false;
	}
	area->window_start = true;
	tree_insert(area);
	return true;
}

/*
 * The first window is there from the start, so that it has its name: later
 * the program may have installed a filter that does not know prctl().
 */
void vmalloc_init(void)
{
	struct vmap_area *area;

	if (windows_are_scarce() || !window_add(0) || !tree.node)
		return;
	area = to_area(tree.node);
	sys_name((void *)area->start, area->end - area->start,
		 "liballoc:vmalloc");
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
	struct rb_node *node = tree.node;
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
				      max(align, 2 * MIB));

	if (room / GROWTH_ROOM < size || middle < area->start ||
	    area->end - middle < size)
		return fit_in(area, size, align);
	return middle;
}

/* Free address space of @size bytes as an area of its own, not committed. */
static struct vmap_area *space_get(size_t size, size_t align)
{
	struct vmap_area *area = NULL;
	uintptr_t at;

	area = find_largest();
	if (!area || free_bytes(area) / GROWTH_ROOM < size ||
	    !fit_in(area, size, align))
		area = find_lowest(tree.node, size, align);
	if (!area) {
		if (!window_add(ALIGN_UP(size + align, 2 * MIB)))
			return NULL;
		area = find_lowest(tree.node, size, align);
		if (!area)
			return NULL;
	}
	at = place_in(area, size, align);
	if (at != area->start) {
		area = area_split(area, at);
		if (!area)
			return NULL;
	}
	if (area->end != at + size && !area_split(area, at + size))
		return NULL;
	return area;
}

/* --- lazily freed areas --- */

static void lazy_add(struct vmap_area *area)
{
	area->state = VMAP_LAZY;
	list_add(&area->list, &lazy_list);
	info.nr_lazy++;
	info.lazy_bytes += area->size;
	rb_update(&tree, &area->node);	/* a new part was FREE till now */
}

static void lazy_del(struct vmap_area *area)
{
	list_del(&area->list);
	info.nr_lazy--;
	info.lazy_bytes -= area->size;
	area->state = VMAP_BUSY;
}

static void lazy_purge_one(struct vmap_area *area)
{
	lazy_del(area);
	sys_uncommit((void *)area->start, area->size);
	area_set_free(area);
	stat_add(STAT_AREA_PURGE, 1);
}

static size_t lazy_purge(size_t keep, size_t keep_nr)
{
	size_t before = info.lazy_bytes;

	while (info.lazy_bytes > keep || info.nr_lazy > keep_nr)
		lazy_purge_one(list_last(&lazy_list, struct vmap_area, list));
	return before - info.lazy_bytes;
}

/* Two lazy neighbours become one: the guard between them is committed. */
static void lazy_merge(struct vmap_area *low, struct vmap_area *high)
{
	uintptr_t hole = low->start + low->size;

	if (!sys_commit((void *)hole, high->start - hole))
		return;
	lazy_del(low);
	lazy_del(high);
	low->mixed = true;
	low->size = high->start + high->size - low->start;
	area_join(low, high);
	lazy_add(low);
}

static struct vmap_area *lazy_neighbour(struct vmap_area *area)
{
	return area && area->state == VMAP_LAZY ? area : NULL;
}

static void area_free_lazily(struct vmap_area *area)
{
	struct vmap_area *next, *prev;

	lazy_add(area);
	next = lazy_neighbour(area_next(area));
	if (next)
		lazy_merge(area, next);
	prev = lazy_neighbour(area_prev(area));
	if (prev)
		lazy_merge(prev, area);
	lazy_purge(max(options.lazy, info.bytes / 2), MAX_LAZY);
}

/* The smallest lazy area that holds @size; else the largest there is. */
static struct vmap_area *lazy_find(size_t size, size_t align)
{
	struct vmap_area *best = NULL;

	list_for_each(area, &lazy_list, struct vmap_area, list) {
		bool fits = area->size >= size;

		if (area->start & (align - 1))
			continue;
		if (!best || (fits && best->size < size) ||
		    (fits ? area->size < best->size :
			    best->size < size && area->size > best->size))
			best = area;
	}
	return best;
}

/* Keep @size bytes of a busy area; the rest is freed, still warm. */
static void area_cut(struct vmap_area *area, size_t size)
{
	uintptr_t cut = area->start + size + guard_size();
	size_t rest;
	struct vmap_area *upper;

	if (area->start + area->size < cut + CUT_MIN)
		return;
	rest = area->start + area->size - cut;
	upper = area_split(area, cut);
	if (!upper)
		return;
	area->size = size;
	sys_uncommit((void *)(area->start + size), guard_size());
	upper->size = rest;
	area_free_lazily(upper);
}

/* A lazy neighbour is warm memory that lies where @area wants to grow. */
static void area_absorb(struct vmap_area *area, struct vmap_area *next)
{
	uintptr_t hole = area->start + area->size;

	if (!sys_commit((void *)hole, next->start - hole))
		return;
	lazy_del(next);
	area->mixed = true;
	area->size = next->start + next->size - area->start;
	area_join(area, next);
}

/* Make a busy area @size bytes where it stands, if what follows is idle. */
static bool area_extend(struct vmap_area *area, size_t size)
{
	struct vmap_area *next = area_next(area);
	uintptr_t end = area->start + size + guard_size();

	if (next && next->state == VMAP_LAZY && end > area->end) {
		area_absorb(area, next);
		if (area->size >= size) {
			area_cut(area, size);
			return true;
		}
		next = area_next(area);
	}
	if (end > area->end) {
		if (!next || next->state != VMAP_FREE || next->end < end)
			return false;
		if (next->end != end && !area_split(next, end))
			return false;
	}
	if (!sys_commit((void *)(area->start + area->size),
			size - area->size)) {
		if (end > area->end)
			area_set_free(next);	/* whole again */
		return false;
	}
	if (end > area->end)
		area_join(area, next);
	area->size = size;
	return true;
}

/* --- the calls --- */

static size_t round_size(size_t size)
{
	return ALIGN_UP(size, sys_page_size());
}

/* Serve a request out of lazily freed memory, or NULL. */
static struct vmap_area *alloc_warm(size_t size, size_t align)
{
	struct vmap_area *area = lazy_find(size, align);

	if (!area)
		return NULL;
	if (area->size < size / 4)
		return NULL;	/* too little warmth for the trouble */
	lazy_del(area);
	if (area->size >= size)
		area_cut(area, size);
	else if (!area_extend(area, size)) {
		lazy_add(area);
		return NULL;
	}
	stat_add(STAT_AREA_WARM, 1);
	return area;
}

static struct vmap_area *alloc_fresh(size_t size, size_t align)
{
	struct vmap_area *area = space_get(size + guard_size(), align);

	if (!area)
		return NULL;
	if (!sys_commit((void *)area->start, size)) {
		area_set_free(area);
		return NULL;
	}
	area->state = VMAP_BUSY;
	area->size = size;
	rb_update(&tree, &area->node);
	return area;
}

static void account(size_t nr, size_t bytes)
{
	info.nr += nr;
	info.bytes += bytes;
}

void *vmalloc(size_t size, size_t align, u32 flags)
{
	struct vmap_area *area = NULL;
	bool warm = false;

	if (size > PTRDIFF_MAX - 4 * MIB || align > PTRDIFF_MAX / 4)
		return NULL;
	size = round_size(size);
	align = max(align, sys_page_size());
	if (!lock_try_enter(&lock))
		return NULL;
	/* Zeroing warm memory costs less than faulting fresh memory in. */
	area = alloc_warm(size, align);
	warm = area != NULL;
	if (!area) {
		/* What is kept for nothing makes room for what is needed. */
		lazy_purge(info.lazy_bytes > size ? info.lazy_bytes - size : 0,
			   MAX_LAZY);
		area = alloc_fresh(size, align);
	}
	if (area)
		account(1, area->size);
	lock_exit(&lock);
	if (!area)
		return NULL;
	stat_add(STAT_AREA_ALLOC, 1);
	if (warm && (flags & VMALLOC_ZERO))
		memset((void *)area->start, 0, size);
	return (void *)area->start;
}

static enum vfree_result lookup_locked(const void *addr,
				       struct vmap_area **found)
{
	struct vmap_area *area = tree_find((uintptr_t)addr);

	*found = area;
	if (!area)
		return VFREE_NOT_OURS;
	if (area->state != VMAP_BUSY)
		return VFREE_AGAIN;
	if (area->start != (uintptr_t)addr)
		return VFREE_MIDDLE;
	return VFREE_OK;
}

enum vfree_result vmalloc_lookup(const void *addr, size_t *size)
{
	struct vmap_area *area;
	enum vfree_result ret;

	*size = 0;
	if (!lock_try_enter(&lock))
		return VFREE_BUSY;
	ret = lookup_locked(addr, &area);
	*size = area ? area->size : 0;
	lock_exit(&lock);
	return ret;
}

enum vfree_result vfree(void *addr, size_t *size)
{
	struct vmap_area *area;
	enum vfree_result ret;

	if (!lock_try_enter(&lock))
		return VFREE_BUSY;
	ret = lookup_locked(addr, &area);
	*size = area ? area->size : 0;
	if (ret == VFREE_OK) {
		account(-(size_t)1, -area->size);
		area_free_lazily(area);
	}
	lock_exit(&lock);
	return ret;
}

/*
 * Page tables of one mapping move or stay, whole.  Several mappings are
 * copied: kernels before 6.17 refuse them, later ones may stop half-way.
 */
static void *area_move(struct vmap_area *area, size_t size)
{
	struct vmap_area *to = alloc_fresh(size, 2 * MIB);
	size_t bytes = min(area->size, size);
	void *old = (void *)area->start;

	if (!to)
		return NULL;
	if (!area->mixed && sys_move_pages(old, (void *)to->start, bytes)) {
		to->mixed = to->mixed || size > bytes;
		stat_add(STAT_AREA_MOVED, 1);
	} else if (sys_commit((void *)to->start, size)) {
		memcpy((void *)to->start, old, bytes);
	} else {
		area_set_free(to);	/* a failed move has left a hole */
		return NULL;
	}
	sys_uncommit(old, area->size);
	area_set_free(area);
	return (void *)to->start;
}

void *vrealloc(void *addr, size_t size)
{
	struct vmap_area *area;
	void *ret = addr;
	size_t old;

	if (size > PTRDIFF_MAX - 4 * MIB)
		return NULL;
	size = round_size(size);
	if (!lock_try_enter(&lock))
		return NULL;
	if (lookup_locked(addr, &area) != VFREE_OK) {
		lock_exit(&lock);
		return NULL;
	}
	old = area->size;
	if (size <= old) {
		area_cut(area, size);
		size = area->size;
	} else if (area_extend(area, size)) {
		size = area->size;
	} else {
		/* It may have taken in a neighbour on the way. */
		account(0, area->size - old);
		old = area->size;
		ret = area_move(area, size);
	}
	if (ret)
		account(0, size - old);
	lock_exit(&lock);
	return ret;
}

void vmalloc_recharge(void)
{
	if (!lock_try_enter(&lock))
		return;
	for (struct rb_node *n = rb_first(&tree); n; n = rb_next(n)) {
		struct vmap_area *area = to_area(n);

		if (area->state == VMAP_FREE)
			sys_forget((void *)area->start,
				   area->end - area->start);
	}
	lock_exit(&lock);
}

size_t vmalloc_purge(size_t keep)
{
	size_t given;

	if (!lock_try_enter(&lock))
		return 0;
	given = lazy_purge(keep, MAX_LAZY);
	lock_exit(&lock);
	return given;
}

size_t vmalloc_purge_idle(u64 now_ms __unused, u32 age_ms __unused)
{
	return vmalloc_purge(0);
}

size_t vmalloc_held_bytes(void)
{
	return READ_ONCE(info.bytes) + READ_ONCE(info.lazy_bytes);
}

size_t vmalloc_lazy_bytes(void)
{
	return READ_ONCE(info.lazy_bytes);
}

void vmalloc_make_room(size_t bytes)
{
	size_t lazy = READ_ONCE(info.lazy_bytes);

	if (lazy)
		vmalloc_purge(lazy > bytes ? lazy - bytes : 0);
}

void vmalloc_info(struct vmalloc_info *out)
{
	*out = (struct vmalloc_info){ 0 };
	if (!lock_try_enter(&lock))
		return;
	*out = info;
	lock_exit(&lock);
}

static bool area_is_valid(struct vmap_area *area)
{
	struct vmap_area *next = area_next(area);

	if (area->start >= area->end)
		return false;
	if (next && area->state == VMAP_FREE && next->state == VMAP_FREE)
		return false;
	return area->state == VMAP_FREE ? area->size == 0 :
	       area->size && area->size + guard_size() <=
			     area->end - area->start;
}

bool vmalloc_is_valid(void)
{
	size_t lazy = 0, busy = 0;
	bool ok;

	if (!lock_try_enter(&lock))
		return false;
	ok = rb_is_valid(&tree);
	for (struct rb_node *n = rb_first(&tree); n; n = rb_next(n)) {
		struct vmap_area *area = to_area(n);

		ok = ok && area_is_valid(area);
		lazy += area->state == VMAP_LAZY ? area->size : 0;
		busy += area->state == VMAP_BUSY ? area->size : 0;
	}
	ok = ok && lazy == info.lazy_bytes && busy == info.bytes;
	lock_exit(&lock);
	return ok;
}

void vmalloc_fork_lock(void)
{
	lock_fork_enter(&lock);
}

void vmalloc_fork_unlock(void)
{
	lock_fork_exit(&lock);
}
