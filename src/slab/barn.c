/*
 * barn.c - per-node depot of a cache where CPUs trade batches of objects.
 *
 * A CPU out of objects takes a full sheaf; a CPU with too many leaves one.
 * One trade moves a whole batch under one lock, so a program whose producer
 * and consumer run on different CPUs never meets in the slabs.
 *
 * What a CPU has left it takes back first: those objects and that sheaf are in
 * its caches, or in nobody's, and small objects that share a line stay
 * together.  So barns have sides, by the index of the CPU, and only who finds
 * nothing on its own looks at the others'.  Of a cache that was split (slab.c)
 * each side of a node has a barn, and what waits in another's is looked for only
 * before the heap would grow.
 *
 * What full sheaves hold costs nothing that the slabs would not hold as well,
 * while the heap does not grow.  So a barn may hold what its waves have: objects
 * that went past it to the slabs and that a CPU came back for (nr_past) would
 * have been better kept, and by so many it may hold more (nr_more).  They go to
 * the slabs as soon as the heap would grow (slab_make_room()), at a tick those
 * that no wave has used, and under reclaim all.  A node learns this under its
 * own lock, in the calls that take it for the objects.
 *
 * A size that the program leaves behind, as it grows on in others, has slabs
 * that go when their last object does.  Of those nothing stays here: the barn
 * goes with what comes back (sheaf.c).
 *
 * The per-CPU arrays are inline (a pointer less on the hot path), so what is
 * traded is copied: 8 bytes an object, once a batch.
 *
 * Invariants, under barn->lock:
 *   B1. a sheaf in full holds 1 to SHEAF_MAX_BATCH objects, in empty none; all
 *	 but the first of a side as many as there is room for.
 *   B2. nr_full and nr_empty are the lengths of the lists, of all sides.
 *   B3. nr_objects is no more than max_full sheaves of the cache hold, and
 *	 MORE_OBJECTS beyond.  A sheaf stays on its side.
 *   B4. (store.lock) nr_sheaves is the number of sheaves that barns have.
 *	 A sheaf's memory is the store's, which takes it back only whole: when
 *	 all of them are empty, in barns whose locks are held or in its own
 *	 lists, where those of destroyed caches wait, by their room.
 *   B5. nr_objects is the sum of the sizes of the sheaves in full.
 * Under node->lock:
 *   B6. nr_more of all nodes, in pages of each, are part of slab_kept_pages.
 *
 * Locking: LOCK_BARN, and under it that of the store, a leaf.  Failure: false
 * or 0, never reported.
 */
#include <string.h>

#include "core/options.h"
#include "core/stats.h"
#include "slab/slab.h"
#include "sys/sys.h"

#define BARN_MIN	(8 * KIB)
#define SHEAF_ALIGN	((size_t)64)	/* the next one may be another CPU's */
#define LEAVING_MIN	((size_t)MIB)	/* of slabs, worth a look */
#define STORE_BYTES	(2 * MIB)	/* half of it more than caches need ... */
#define STORE_WAVES	(STORE_BYTES / 2)	/* ... that have learned no more */
#define WAVE_SHARE	4	/* of a cache's objects that a wave is at least */
#define MORE_BYTES	(4 * MIB)	/* of objects, for waves of a cache on a node */
#define MORE_OBJECTS	4096u		/* ... whose sheaves are memory, too */

#define NR_ROOMS	8		/* log2(SHEAF_MAX_BATCH) + 1 */

#define for_each_side(side, barn)					\
	for (struct barn_side *side = (barn)->sides;			\
	     side < (barn)->sides + BARN_SIDES; side++)

/* Where sheaves come from: bump allocation, reset as a whole. */
static struct {
	struct lock lock;
	char *start, *next, *end;	/* under lock */
	size_t nr_sheaves;		/* B4 */
	struct sheaf *free[NR_ROOMS];	/* by log2 of their room */
	size_t nr_free;			/* ... of nr_sheaves */
} store = { .lock = LOCK_INITIALIZER(LOCK_STORE) };

/* Space and memory for it, once; @end stays where the kernel refused. */
static bool store_grow(size_t bytes)
{
	size_t step = ALIGN_UP(max(bytes, 64 * KIB), sys_page_size());

	if (!store.start)
		store.start = store.next = store.end =
			sys_reserve(STORE_BYTES, sys_page_size());
	if (!store.start || store.end + step > store.start + STORE_BYTES ||
	    !sys_commit(store.end, step))
		return false;
	WRITE_ONCE(store.end, store.end + step);
	return true;
}

/* Objects that a sheaf of @s has room for. */
static u32 sheaf_room(const struct kmem_cache *s)
{
	return max(s->max_capacity / 2u, 1u);
}

/* Under a barn's lock. */
static struct sheaf *sheaf_new(const struct kmem_cache *s)
{
	size_t bytes = ALIGN_UP(sizeof(struct sheaf) +
				sheaf_room(s) * sizeof(void *), SHEAF_ALIGN);
	struct sheaf **free = &store.free[ilog2(sheaf_room(s))];
	struct sheaf *sheaf = NULL;

	if (!lock_enter_nested(&store.lock, 1))
		return NULL;
	if (*free) {
		sheaf = *free;
		*free = sheaf->next;
		store.nr_free--;
	} else if ((size_t)(store.end - store.next) >= bytes || store_grow(bytes)) {
		sheaf = (struct sheaf *)store.next;
		store.next += bytes;
		ADD_ONCE(store.nr_sheaves, 1);
	}
	lock_exit(&store.lock);
	return sheaf;
}

static struct barn_side *barn_side(struct barn *barn)
{
	return &barn->sides[percpu_index() % BARN_SIDES];
}

/* The side with a full sheaf to take, this CPU's first; or NULL. */
static struct barn_side *side_to_take(struct barn *barn)
{
	struct barn_side *side = barn_side(barn);

	if (likely(side->full))
		return side;
	for_each_side(other, barn)
		if (other->full)
			return other;
	return NULL;
}

/* Up to @n objects off the top of @side, of whose sheaves the first is last. */
static u32 side_take(struct barn *barn, struct barn_side *side, void **objs,
		     u32 n)
{
	struct sheaf *sheaf = side->full;
	u32 got = min(n, sheaf->size);

	sheaf->size -= got;
	memcpy(objs, sheaf->objs + sheaf->size, got * sizeof(*objs));
	if (!sheaf->size) {
		side->full = sheaf->next;
		ADD_ONCE(barn->nr_full, -1);
		sheaf->next = side->empty;
		side->empty = sheaf;
		barn->nr_empty++;
	}
	return got;
}

u32 barn_take(struct barn *barn, void **objs, u32 n)
{
	struct barn_side *side;
	u32 got = 0;

	if (!READ_ONCE(barn->nr_full) || !lock_try_enter(&barn->lock))
		return 0;
	side = side_to_take(barn);
	while (side && got < n && side->full)
		got += side_take(barn, side, objs + got, n - got);
	ADD_ONCE(barn->nr_objects, -got);
	barn->least = min(barn->least, barn->nr_objects);
	lock_exit(&barn->lock);
	stat_add(STAT_BARN_GET, got != 0);
	return got;
}

u32 barn_get(struct kmem_cache *s, u32 nid, void **objs, u32 n)
{
	struct kmem_cache_node *node = own_node(s, nid);

	return node ? barn_take(&node->barn, objs, n) : 0;
}

u32 barn_get_remote(struct kmem_cache *s, u32 nid, void **objs, u32 n)
{
	u32 got = 0;

	for (u32 side = 0; side < NODE_SIDES && !got; side++) {
		struct kmem_cache_node *node = node_side(s, nid, side);

		if (node)
			got = barn_take(&node->barn, objs, n);
	}
	return got;
}

static size_t slab_bytes(const struct kmem_cache *s,
			 const struct kmem_cache_node *node)
{
	return READ_ONCE(node->nr_slabs) * s->nr_pages << PAGE_SHIFT;
}

/*
 * More than half of the objects of many slabs are free in them: each that waits
 * here may be the last of its slab.  Empty slabs do not count: what keeps them
 * is that they were wanted again.
 */
static bool is_leaving(const struct kmem_cache *s,
		       const struct kmem_cache_node *node)
{
	size_t filled = node_nr_filled(node);

	return filled * s->nr_pages << PAGE_SHIFT >= LEAVING_MIN &&
	       READ_ONCE(node->nr_used) * 2 < filled * s->nr_objects;
}

/*
 * Objects worth keeping beside those of waves: up to an eighth of what the cache
 * has in slabs of that node, and at least BARN_MIN bytes.
 */
static u32 least_limit(const struct kmem_cache *s,
		       const struct kmem_cache_node *node, u32 batch)
{
	return (u32)min((size_t)s->max_full,
			max(slab_bytes(s, node) / 8, BARN_MIN) /
					(s->size * batch) + 1) * batch;
}

/* None of what the program leaves. */
static u32 full_limit(const struct kmem_cache *s,
		      const struct kmem_cache_node *node, u32 batch)
{
	if (unlikely(is_leaving(s, node)))
		return 0;
	return least_limit(s, node, batch) + READ_ONCE(node->nr_more);
}

bool barn_is_leaving(struct kmem_cache *s, u32 nid)
{
	struct kmem_cache_node *node = own_node(s, nid);

	return node && READ_ONCE(node->barn.nr_full) && is_leaving(s, node);
}

bool barn_is_full(struct kmem_cache *s, u32 nid, u32 n)
{
	struct kmem_cache_node *node = own_node(s, nid);

	return !node || READ_ONCE(node->barn.nr_objects) + n >
			full_limit(s, node, n);
}

/* A sheaf of @side that is in no list, or NULL. */
static struct sheaf *sheaf_get_empty(const struct kmem_cache *s,
				     struct barn *barn, struct barn_side *side)
{
	struct sheaf *sheaf = side->empty;

	if (!sheaf)
		return sheaf_new(s);
	side->empty = sheaf->next;
	barn->nr_empty--;
	return sheaf;
}

static void sheaf_add(struct sheaf *sheaf, void *const *objs, u32 n)
{
	memcpy(sheaf->objs + sheaf->size, objs, n * sizeof(*objs));
	sheaf->size += n;
}

/* Onto the first sheaf what it has room for, the rest into another (B1). */
static bool side_put(const struct kmem_cache *s, struct barn *barn,
		     struct barn_side *side, void *const *objs, u32 n)
{
	struct sheaf *top = side->full, *sheaf;
	u32 fits = top ? min(n, sheaf_room(s) - top->size) : 0;

	if (fits < n) {
		sheaf = sheaf_get_empty(s, barn, side);
		if (!sheaf)
			return false;
		sheaf->size = 0;
		sheaf_add(sheaf, objs + fits, n - fits);
		sheaf->next = top;
		side->full = sheaf;
		ADD_ONCE(barn->nr_full, 1);
	}
	if (fits)
		sheaf_add(top, objs, fits);
	ADD_ONCE(barn->nr_objects, n);
	return true;
}

static bool node_barn_put(struct kmem_cache *s, struct kmem_cache_node *node,
			  void *const *objs, u32 n)
{
	struct barn *barn = &node->barn;
	u32 limit = full_limit(s, node, n);
	bool done = false, busy;

	if (READ_ONCE(barn->nr_objects) + n > limit)
		return false;
	busy = READ_ONCE(barn->lock.word);
	if (!lock_try_enter(&barn->lock))
		return false;
	cache_contended(s, &barn->contended, busy);
	if (barn->nr_objects + n <= limit)
		done = side_put(s, barn, barn_side(barn), objs, n);
	barn->most = max(barn->most, barn->nr_objects);
	lock_exit(&barn->lock);
	stat_add(STAT_BARN_PUT, done);
	return done;
}

static u32 object_side(const struct kmem_cache *s, const void *obj)
{
	const struct page *slab = object_slab(s, obj);

	return slab ? READ_ONCE(slab->side) % NODE_SIDES : 0;
}

/*
 * What one CPU takes and another frees comes back by the barn of the first: a
 * batch that the own side has no room for, and of which some objects, asked for
 * all, are of one other side.  What is mixed is for the slabs to sort, or sides
 * would stay mixed.
 */
static __slowpath bool barn_put_home(struct kmem_cache *s, u32 nid,
				     const struct kmem_cache_node *own,
				     void *const *objs, u32 n)
{
	u32 side = object_side(s, objs[0]);
	struct kmem_cache_node *home = node_side(s, nid, side);

	return home && home != own && object_side(s, objs[n / 2]) == side &&
	       object_side(s, objs[n / 4]) == side &&
	       object_side(s, objs[n - 1]) == side &&
	       node_barn_put(s, home, objs, n);
}

bool barn_put(struct kmem_cache *s, u32 nid, void *const *objs, u32 n)
{
	struct kmem_cache_node *node = own_node(s, nid);

	if (!node || n > sheaf_room(s))
		return false;
	if (node_barn_put(s, node, objs, n))
		return true;
	return unlikely(READ_ONCE(s->split)) &&
	       barn_put_home(s, nid, node, objs, n);
}

/* --- what waves are worth --- */

/*
 * Not of what others may not give back (slab_add()); and sheaves for it only from
 * their half of the store.
 */
static u32 most_more(const struct kmem_cache *s)
{
	size_t stored = (size_t)(READ_ONCE(store.end) - READ_ONCE(store.start));

	if (s->dtor || !s->max_full || stored >= STORE_WAVES)
		return 0;
	return min((u32)(MORE_BYTES / s->size), MORE_OBJECTS) / cache_sides(s);
}

static size_t more_pages(const struct kmem_cache *s, u32 nr)
{
	return (size_t)nr * s->size >> PAGE_SHIFT;
}

static void set_more(const struct kmem_cache *s, struct kmem_cache_node *node,
		     u32 nr)
{
	size_t more = more_pages(s, nr) - more_pages(s, node->nr_more);

	if (more)
		__atomic_fetch_add(&slab_kept_pages, more, __ATOMIC_RELAXED);
	WRITE_ONCE(node->nr_more, nr);	/* B6 */
}

void barn_missed(const struct kmem_cache *s, struct kmem_cache_node *node,
		 u32 n)
{
	u32 most = most_more(s), back = min(node->nr_past, n);
	bool wave = node->nr_past <= 2 * most &&
		    node->nr_past + node->nr_more >=
			    node->nr_used / WAVE_SHARE;

	if (wave && node->nr_more < most)
		set_more(s, node, min(node->nr_more + back, most));
	WRITE_ONCE(node->nr_past, wave ? node->nr_past - back : 0);
}

void barn_unlearn(const struct kmem_cache *s, struct kmem_cache_node *node)
{
	WRITE_ONCE(node->nr_past, 0);
	set_more(s, node, 0);
}

/*
 * What the barn has held all the time since the last tick was of no use to
 * waves, and neither is leave to hold more than it has held.
 */
static u32 more_of_waves(struct kmem_cache_node *node)
{
	u32 idle, moved, more = READ_ONCE(node->nr_more);
	struct barn *barn = &node->barn;

	if (!lock_try_enter(&barn->lock))
		return more;
	idle = min(barn->least, more);
	moved = barn->most - barn->least;
	barn->least = barn->most = barn->nr_objects;
	lock_exit(&barn->lock);
	return min(more - idle, moved);
}

/* Batches off the barn until it has @keep objects, or @want pages have gone. */
static size_t barn_give(struct kmem_cache *s, struct kmem_cache_node *node,
			u32 keep, size_t want, slab_put_fn *put)
{
	size_t before = kmem_cache_nr_slabs(s), given = 0;
	void *objs[SHEAF_MAX_BATCH];
	u32 nr, n = 1;

	while (n && given < want &&
	       (nr = READ_ONCE(node->barn.nr_objects)) > keep) {
		n = barn_take(&node->barn, objs,
			      min(nr - keep, (u32)SHEAF_MAX_BATCH));
		if (n)
			put(s, objs, n);
		/* What waited here is of any side. */
		given = before - min(before, kmem_cache_nr_slabs(s));
		given *= s->nr_pages;
	}
	return given;
}

/*
 * What is given back on purpose has not gone past the barn.  Who asks has looked
 * without the lock: others may have made it less by now.
 */
static void node_less_more(const struct kmem_cache *s,
			   struct kmem_cache_node *node, u32 nr)
{
	if (!lock_try_enter(&node->lock))
		return;
	WRITE_ONCE(node->nr_past, 0);
	set_more(s, node, min(nr, node->nr_more));
	lock_exit(&node->lock);
}

size_t barns_give(struct kmem_cache *s, size_t want, slab_put_fn *put)
{
	u32 batch = max(READ_ONCE(s->capacity) / 2u, 1u);
	size_t given = 0;

	for_each_cache_node(s, node) {
		u32 more = READ_ONCE(node->nr_more);

		if (!more || given >= want)
			continue;
		given += barn_give(s, node, least_limit(s, node, batch),
				   want - given, put);
		node_less_more(s, node, more);
	}
	return given;
}

void barns_age(struct kmem_cache *s, slab_put_fn *put)
{
	u32 batch = max(READ_ONCE(s->capacity) / 2u, 1u);

	for_each_cache_node(s, node) {
		if (!READ_ONCE(node->nr_more))
			continue;
		node_less_more(s, node, more_of_waves(node));
		barn_give(s, node, least_limit(s, node, batch) +
			  READ_ONCE(node->nr_more), SIZE_MAX, put);
	}
}

void barns_halve(struct kmem_cache *s)
{
	for_each_cache_node(s, node)
		if (READ_ONCE(node->nr_more))
			node_less_more(s, node, READ_ONCE(node->nr_more) / 2);
}

size_t barn_count(struct kmem_cache *s)
{
	size_t nr = spare_count(s);

	for_each_cache_node(s, n)
		nr += READ_ONCE(n->barn.nr_objects);
	return nr;
}

void barn_forget(struct kmem_cache *s, struct kmem_cache_node *node)
{
	struct sheaf **free = &store.free[ilog2(sheaf_room(s))];
	struct barn *barn = &node->barn;

	lock_enter_nested(&store.lock, LOCKS_ANY);
	for_each_side(side, barn)
		while (side->empty) {
			struct sheaf *sheaf = side->empty;

			side->empty = sheaf->next;
			barn->nr_empty--;
			sheaf->next = *free;
			*free = sheaf;
			store.nr_free++;
		}
	lock_exit(&store.lock);
}

/* --- the invariants --- */

static bool sheaf_is_valid(struct kmem_cache *s, const struct sheaf *sheaf)
{
	if (!sheaf->size || sheaf->size > sheaf_room(s))
		return false;
	for (u32 i = 0; i < sheaf->size; i++)
		if (!slab_is_object(s, sheaf->objs[i]) ||
		    slab_object_is_free(s, sheaf->objs[i]))
			return false;
	return true;
}

/* Of the sheaves of a side, the first one has room at most. */
static bool side_is_packed(const struct kmem_cache *s,
			   const struct barn_side *side)
{
	const struct sheaf *top = side->full;

	for (const struct sheaf *f = top ? top->next : NULL; f; f = f->next)
		if (f->size != sheaf_room(s))
			return false;
	return true;
}

/* B1, B2, B3 and B5; *@nr_sheaves grows by what the barn has. */
static bool barn_is_valid(struct kmem_cache *s, struct barn *barn,
			  size_t *nr_sheaves)
{
	u32 nr_full = 0, nr_empty = 0;
	size_t nr = 0;
	bool ok = true;

	for_each_side(side, barn) {
		ok = ok && side_is_packed(s, side);
		for (const struct sheaf *f = side->full; f; f = f->next) {
			ok = ok && sheaf_is_valid(s, f);
			nr += f->size;
			nr_full++;
		}
		for (const struct sheaf *e = side->empty; e; e = e->next) {
			ok = ok && !e->size;
			nr_empty++;
		}
	}
	*nr_sheaves += nr_full + nr_empty;
	return ok && nr_full == barn->nr_full && nr_empty == barn->nr_empty &&
	       nr <= s->max_full * sheaf_room(s) + MORE_OBJECTS &&
	       nr == barn->nr_objects;
}

/* B4. */
static bool store_is_valid(size_t nr_sheaves)
{
	size_t nr_free = 0;
	bool ok;

	if (!lock_try_enter(&store.lock))
		return false;
	for (u32 i = 0; i < NR_ROOMS; i++)
		for (struct sheaf *f = store.free[i]; f; f = f->next)
			nr_free++;
	ok = nr_free == store.nr_free &&
	     nr_free + nr_sheaves == store.nr_sheaves &&
	     store.start <= store.next && store.next <= store.end;
	lock_exit(&store.lock);
	return ok;
}

bool barns_are_valid(void)
{
	size_t nr_sheaves = 0;
	bool ok = true;

	for (u32 i = FIRST_CACHE; i < load_acquire(&kmem_caches_end); i++) {
		struct kmem_cache *s = class_to_cache(i << SHEAF_HEAD_SHIFT);

		if (!s)
			continue;
		for_each_cache_node(s, n)
			ok = barn_is_valid(s, &n->barn, &nr_sheaves) && ok;
	}
	return store_is_valid(nr_sheaves) && ok;
}

/* --- giving the memory of empty sheaves back --- */

/*
 * All barns there are, in a list: what is in their slots by the time of
 * barns_unlock() may be another's that does the same.  One made meanwhile has
 * no sheaves, or B4 tells; the same goes for one that cannot be had.
 */
static struct barn *barns_lock(size_t *nr_empty)
{
	struct barn *held = NULL;

	for (u32 i = FIRST_CACHE; i < load_acquire(&kmem_caches_end); i++) {
		struct kmem_cache *s = class_to_cache(i << SHEAF_HEAD_SHIFT);

		if (!s)
			continue;
		for_each_cache_node(s, n) {
			if (!lock_enter_nested(&n->barn.lock, LOCKS_ANY))
				continue;
			/* Its slot is not emptied while a barn is held. */
			if (class_to_cache(i << SHEAF_HEAD_SHIFT) != s) {
				lock_exit(&n->barn.lock);
				continue;
			}
			n->barn.next_held = held;
			held = &n->barn;
			*nr_empty += n->barn.nr_empty;
		}
	}
	return held;
}

static void barns_unlock(struct barn *held, bool forget)
{
	while (held) {
		struct barn *barn = held;

		held = barn->next_held;
		if (forget) {
			for_each_side(side, barn)
				side->empty = NULL;
			barn->nr_empty = 0;
		}
		lock_exit(&barn->lock);
	}
}

void barns_reset(void)
{
	struct barn *held;
	size_t nr_empty = 0;
	bool done = false;

	if (!READ_ONCE(store.nr_sheaves) || lock_is_reentry())
		return;
	held = barns_lock(&nr_empty);
	lock_enter_nested(&store.lock, LOCKS_ANY);
	if (nr_empty + store.nr_free == store.nr_sheaves &&
	    sys_discard(store.start, (size_t)(store.end - store.start))) {
		store.next = store.start;
		WRITE_ONCE(store.nr_sheaves, 0);
		store.nr_free = 0;
		memset(store.free, 0, sizeof(store.free));
		done = true;
	}
	/* Under this lock: no sheaf is made in what another still lists. */
	barns_unlock(held, done);
	lock_exit(&store.lock);
}

void barns_fork_lock(void)
{
	lock_fork_enter(&store.lock);
}

void barns_fork_unlock(void)
{
	lock_fork_exit(&store.lock);
}
