/*
 * kmem_cache.c - making caches and what they have on each node, and finding
 * caches by class.
 *
 * The first node is part of the cache; most machines have no other.
 *
 * Invariant:
 *   M1. an entry of others[] appears under node.lock of the cache.  So the
 *	 nodes do not change while fork holds that lock, and what it unlocks
 *	 is what it has locked.
 *   M2. the memory of a cache stays that of caches, and its locks stay locks:
 *	 who walks kmem_caches[] may hold one of a cache that has been
 *	 destroyed meanwhile, or made anew.
 *   M3. kmem_caches[] and dead_caches change under LOCK_CACHES or
 *	 LOCK_KMALLOC, both of which fork holds.
 */
#include "core/options.h"
#include "lib/fmt.h"
#include "mm/memblock.h"
#include "slab/slab.h"

#define SHEAF_BYTES	(64 * KIB)	/* of objects, the most one may hold */
#define SHEAF_OBJECT	(256 * KIB)	/* larger ones are not kept at hand */
#define BARN_BYTES	(64 * KIB)	/* the same for a barn */

struct kmem_cache *kmem_caches[MAX_SHEAVES];
u32 kmem_caches_end = FIRST_CACHE;
struct kmem_cache *dead_caches;
/* Nobody reads it here: the note names it, for other processes. */
u32 nr_cache_nodes __attribute__((used)) = NODE_SIDES;

static u32 rounddown_pow2(u32 n)
{
	return 1u << ilog2(max(n, 1u));
}

/* How many objects a sheaf may hold at the end and at the start. */
static void sheaf_limits(struct kmem_cache *s)
{
	u32 most = clamp((u32)(SHEAF_BYTES / s->size), 4u,
			 (u32)options.sheaf_capacity);

	s->max_capacity = (u16)rounddown_pow2(most);
	s->capacity = (u16)clamp(rounddown_pow2(4096 / s->size), 2u, 16u);
	s->capacity = min(s->capacity, s->max_capacity);
	s->first_capacity = s->capacity;
	s->max_full = (u32)clamp(BARN_BYTES / ((size_t)s->size *
					       s->max_capacity / 2),
				 (size_t)1, options.barn_full);
	s->closed = options.check || s->size > SHEAF_OBJECT ||
		    cache_is_debugged(s);
}

void kmem_cache_set_capacity(struct kmem_cache *s, u32 capacity)
{
	capacity = clamp(capacity, 4u, (u32)options.sheaf_capacity);
	s->max_capacity = (u16)rounddown_pow2(capacity);
	s->first_capacity = s->capacity = s->max_capacity;
}

static void node_init(struct kmem_cache_node *n, u32 nid, u32 side)
{
	n->nid = nid;
	n->side = side;
	n->lock = (struct lock)LOCK_INITIALIZER(LOCK_NODE);
	for (u32 i = 0; i < SLAB_LISTS; i++)
		list_init(&n->slabs[i]);
	n->barn.lock = (struct lock)LOCK_INITIALIZER(LOCK_BARN);
}

void kmem_cache_setup(struct kmem_cache *s, u32 off, u32 size,
		      const char *name)
{
	s->geo.off = off;
	s->geo.size_code = 0;
	s->alloc_off = s->free_off = off;
	s->object_size = size;
	slab_geometry(s, size);
	sheaf_limits(s);
	fmt_print(s->name, sizeof(s->name), "%s", name);
	if (!s->node.lock.rank)		/* M2 */
		node_init(&s->node, 0, 0);
}

void kmem_cache_publish(struct kmem_cache *s)
{
	u32 i = s->geo.off >> SHEAF_HEAD_SHIFT, end = READ_ONCE(kmem_caches_end);

	/* First the end: who sees the cache elsewhere finds it here. */
	while (end <= i &&
	       !__atomic_compare_exchange_n(&kmem_caches_end, &end, i + 1,
					    false, __ATOMIC_RELEASE,
					    __ATOMIC_RELAXED))
		;
	store_release(&kmem_caches[i], s);
}

void kmem_cache_init(struct kmem_cache *s, u32 off, u32 size, const char *name)
{
	u32 stride = size;

	s->node.lock.rank = 0;
	s->flags = 0;
	/* hardened=1 has checks of its own, and its own ways to a slab. */
	if (unlikely(options.slab_debug[0] && !options.hardened)) {
		s->flags = slab_debug_flags(name);
		stride = slab_debug_stride(size, size & -size, s->flags);
	}
	kmem_cache_setup(s, off, stride, name);
	s->object_size = size;
	s->geo.size_code = size_to_code(size);
	kmem_cache_publish(s);
}

/*
 * Both are made with no lock held; of two threads that make the same, one has
 * made it in vain, and a few bytes are lost, once.
 */
static __slowpath struct kmem_cache_node *node_make(struct kmem_cache *s,
						    u32 nid, u32 side)
{
	u32 i = nid * NODE_SIDES + side;
	struct kmem_cache_node *n, **others = READ_ONCE(s->others);

	if (lock_is_own(&s->node.lock))
		return NULL;
	n = memblock_alloc(sizeof(*n));
	if (!others)
		others = memblock_alloc((size_t)nr_nodes * NODE_SIDES *
					sizeof(*others));
	if (!n || !others || !lock_try_enter(&s->node.lock))
		return NULL;
	if (!s->others)
		store_release(&s->others, others);
	if (!s->others[i]) {
		node_init(n, nid, side);
		store_release(&s->others[i], n);	/* M1 */
		WRITE_ONCE(s->sides, (u8)(s->sides | 1u << side));
	}
	n = s->others[i];
	lock_exit(&s->node.lock);
	return n;
}

struct kmem_cache_node *kmem_cache_node_get(struct kmem_cache *s, u32 nid)
{
	u32 side = own_side(s);
	struct kmem_cache_node *n = node_side(s, nid, side);

	if (likely(n))
		return n;
	/* The first one first: own_node() counts on it. */
	n = node_make(s, nid, kmem_cache_node(s, nid) ? side : 0);
	return n ? n : kmem_cache_node(s, nid);
}

/* Every cache whose locks anybody may hold (M2, M3). */
static void for_each_cache(void (*fn)(struct kmem_cache *s))
{
	for (u32 i = 0; i < MAX_SHEAVES; i++)
		if (kmem_caches[i])
			fn(kmem_caches[i]);
	for (struct kmem_cache *s = dead_caches; s; s = s->next)
		fn(s);
}

static void nodes_fork_lock(struct kmem_cache *s)
{
	for_each_cache_node(s, n)
		lock_fork_enter(&n->lock);
}

static void barns_of_fork_lock(struct kmem_cache *s)
{
	for_each_cache_node(s, n)
		lock_fork_enter(&n->barn.lock);
}

/*
 * Node 0 comes first: after that there are no new ones (M1).  A torn fork that
 * lacks the list's lock walks nothing (M3), and neither does its end.
 */
void kmem_cache_fork_lock(void)
{
	if (!kmem_caches_are_ours())
		return;
	for_each_cache(nodes_fork_lock);
	for_each_cache(barns_of_fork_lock);
	barns_fork_lock();
	spares_fork_lock();
	slab_debug_fork_lock();
}

/* ... and last, for the same reason. */
static void cache_fork_unlock(struct kmem_cache *s)
{
	for (u32 i = nr_nodes * NODE_SIDES; i--;) {
		struct kmem_cache_node *n = node_side(s, i / NODE_SIDES,
						      i % NODE_SIDES);

		if (!n)
			continue;
		lock_fork_exit(&n->barn.lock);
		lock_fork_exit(&n->lock);
	}
}

void kmem_cache_fork_unlock(void)
{
	if (!kmem_caches_are_ours())
		return;
	slab_debug_fork_unlock();
	spares_fork_unlock();
	barns_fork_unlock();
	for_each_cache(cache_fork_unlock);
}
