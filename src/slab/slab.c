/*
 * slab.c - slabs: pages cut into objects, their free bits in struct page.
 *
 * Taking an object is a count of trailing zeros, returning it sets a bit; a
 * bit already set is a double free, caught exactly.  Object n of a slab
 * starts at n * size; n is found without a division:
 * n = offset * ceil(2^32 / size) >> 32, exact for offsets below 2^16, and
 * the low half of the product is below 2^16 for starts of objects only
 * (Lemire, Kaser, Kurz: "Faster remainder by direct computation", 2019).
 *
 * Invariants, under node->lock:
 *   L1. nr_free == number of set bits; no bit at or above nr_objects is set.
 *   L2. a slab is in no list if nr_free == 0, in SLAB_EMPTY if nothing else;
 *	 any other in list slab->bucket, which is slab_bucket() of it or less:
 *	 what objects that were put back have made of it is seen to when it
 *	 is about to be picked.
 *   L3. node->nr_used is the sum of nr_objects - nr_free.
 *   L4. every page of a slab has its cache's class (but see L6); pages of no
 *	 slab have 0.
 *   L5. a slab belongs to the node of its pages: so an object's address says
 *	 of which node the lock is that it needs, and L8 of which side.
 *   L6. an object above SLAB_MAX_SIZE is the only one of its slab, and only
 *	 the slab's first page has the class: so an address further inside is
 *	 no object's by its class, and one in that page by its offset.
 *   L7. objects start at colour * colour_unit of their slab.
 *   L8. slab->side, with the node of L5, says whose lists the slab is in and
 *	 whose lock is meant above.  It changes under the locks of both sides:
 *	 who has the lock of the one that it names keeps it.
 *
 * Where CPUs contend for a node's lock, or for its barn's, the cache is split:
 * from then on a CPU has lists, a lock and a barn of its own, or with few
 * others, and the lines of slabs stay where they are used.  What was there is
 * the first side's.  A side that has run out takes the sparsest slab of one
 * that has many objects free (slab_steal()), and what waits in another's barn,
 * before the heap grows.
 *
 * Locking: node->lock is a leaf, one at a time, but that who moves a slab waits
 * for a higher side's and tries for a lower one's: pages are taken and given back
 * without it.
 */
#include "core/options.h"
#include "core/report.h"
#include "core/stats.h"
#include "mm/guard.h"
#include "mm/zone.h"
#include "slab/harden.h"
#include "slab/slab_bits.h"
#include "slab/slab_list.h"

#define FEW_SLABS	16	/* of a cache: a small program */
#define MIN_OBJECTS	8	/* a slab should hold, if its order allows */
#define SMALL_SIZE	64	/* objects up to here share two pages, or one full */
#define EMPTY_ORDER	2	/* largest slab of which an empty one is kept */
#define KEPT_BYTES	(2 * MIB)	/* kept for waves, of a cache on a node */
#define PREFAULT_PAGES	64	/* a larger slab is faulted in by its user */
#define PICK_LOOK	8	/* slabs in a wrong list that a pick puts right */
#define STEAL_SHARE	8	/* one object of so many is free, or no slab moves */
#define CONTENDED	32u	/* calls, of which one waits, that split a cache */
#define NO_CLASS	((u64)-1)

static u32 all_leaving;		/* nr_leaving of all caches; atomic, a hint */

static u32 waste_of(u32 order, u32 size)
{
	return (u32)(PAGE_SIZE << order) % size;
}

static u32 objects_of(u32 order, u32 size)
{
	return (u32)(PAGE_SIZE << order) / size;
}

/*
 * Of the smallest objects a program has the most, each of them in another slab
 * when they come back in any order, and every slab is a struct page: half as
 * many of these find room in the CPU's caches where they would not.
 */
static u32 least_order(u32 size)
{
	return size <= SMALL_SIZE && objects_of(1, size) <= SLAB_MAX_OBJECTS;
}

/*
 * The smallest slab that holds MIN_OBJECTS and wastes at most a sixteenth;
 * else the one that wastes least.
 */
static u32 choose_order(u32 size)
{
	u32 best = SLAB_MAX_ORDER;

	for (u32 order = least_order(size); order <= SLAB_MAX_ORDER; order++) {
		u32 bytes = (u32)(PAGE_SIZE << order);
		u32 waste = waste_of(order, size);

		if (objects_of(order, size) > SLAB_MAX_OBJECTS)
			break;
		if (objects_of(order, size) < MIN_OBJECTS &&
		    order < SLAB_MAX_ORDER)
			continue;
		if (waste <= bytes / 16)
			return order;
		if (waste < waste_of(best, size) >> (SLAB_MAX_ORDER - order) ||
		    objects_of(best, size) > SLAB_MAX_OBJECTS)
			best = order;
	}
	return best;
}

bool slab_geometry(struct kmem_cache *s, u32 size)
{
	if (size < 16)
		return false;
	s->size = size;
	s->nr_colours = s->next_colour = 0;
	if (size > SLAB_MAX_SIZE) {
		/* L6: of an offset in a page, only 0 is the object's. */
		s->nr_pages = (u32)size_to_pages(size);
		s->order = (u8)pages_to_order(s->nr_pages);
		s->nr_objects = 1;
		s->geo.magic = ~0u;
		s->slab_mask = s->geo.start_mask = PAGE_SIZE - 1;
		return true;
	}
	s->order = (u8)choose_order(size);
	s->nr_pages = 1u << s->order;
	s->nr_objects = (u16)objects_of(s->order, size);
	s->geo.magic = (u32)((((u64)1 << 32) + size - 1) / size);
	s->slab_mask = s->geo.start_mask = (u16)((PAGE_SIZE << s->order) - 1);
	return true;
}

/*
 * Without colours, object n of every slab begins in the same lines of a cache
 * that is looked up by address: what a program reads of each object crowds in
 * a few of its sets.  What the objects leave free of a slab goes in front of
 * them, a line more in each next slab.
 *
 * The hot paths look at starts of objects with the magic of the sheaf's head,
 * which knows no colour: there it stands for the alignment alone, and
 * kmem_cache_free() takes a path of its own that looks exactly (free_off).
 */
void slab_colour(struct kmem_cache *s)
{
	u32 slack = (u32)(PAGE_SIZE << s->order) - s->nr_objects * s->size;

	s->colour_unit = max(s->align, (u32)CACHE_LINE);
	if (s->nr_objects == 1 || slack < s->colour_unit ||
	    cache_is_debugged(s))
		return;
	s->nr_colours = (u8)min(slack / s->colour_unit + 1, 255u);
	s->magic = s->geo.magic;
	s->geo.magic = MAGIC_ALIGNED;
	s->geo.start_mask = (u16)min((s->size | s->colour_unit) &
				     -(s->size | s->colour_unit),
				     (u32)PAGE_SIZE) - 1;
	s->free_off = NO_CLASS;
}

u32 slab_object_index_coloured(const struct kmem_cache *s, const void *obj)
{
	u32 off = (u32)(uintptr_t)obj & s->slab_mask;
	u32 start = object_slab(s, obj)->colour * s->colour_unit;

	return off < start ? s->nr_objects :
			     slab_index_at(s, off - start, s->magic);
}

u32 slab_bucket(const struct kmem_cache *s, u32 nr_free)
{
	u32 bucket = 0;

	if (!nr_free)
		return SLAB_FULL;
	if (nr_free == s->nr_objects)
		return SLAB_EMPTY;
	/* nr_free * SLAB_BUCKETS / nr_objects, without dividing. */
	for (u32 b = 1; b < SLAB_BUCKETS; b++)
		bucket += nr_free * SLAB_BUCKETS >= b * s->nr_objects;
	return bucket;
}

static void slab_set_bucket(struct kmem_cache_node *n, struct page *slab,
			    u32 bucket)
{
	if (bucket == slab->bucket)
		return;
	if (slab->bucket != SLAB_FULL)
		list_del(&slab->lru);
	if (slab->bucket == SLAB_EMPTY) {
		ADD_ONCE(n->nr_empty, -1);
		n->least_empty = min(n->least_empty, (u32)n->nr_empty);
	} else if (bucket == SLAB_EMPTY) {
		ADD_ONCE(n->nr_empty, 1);
		n->most_empty = max(n->most_empty, (u32)n->nr_empty);
	}
	slab->bucket = (u8)bucket;
	if (bucket != SLAB_FULL)
		list_add(&slab->lru, &n->slabs[bucket]);
}

void slab_relist(const struct kmem_cache *s, struct kmem_cache_node *n,
		 struct page *slab)
{
	slab_set_bucket(n, slab, slab_bucket(s, slab->nr_free));
}

/* Per-CPU page lists are of the unmovable kind, and of ZONE_NORMAL. */
static bool slab_by_pcp(const struct kmem_cache *s)
{
	return s->nr_pages <= 1u << PCP_MAX_ORDER &&
	       !(s->flags & (SLAB_RECLAIM_ACCOUNT | SLAB_CACHE_DMA32));
}

/* What a slab's pages are allocated with for a caller of @gfp. */
static gfp_t slab_gfp(const struct kmem_cache *s, gfp_t gfp)
{
	gfp &= ~(__GFP_ZERO | __GFP_MOVABLE | __GFP_DMA32 | __GFP_NOFAIL);
	if (s->flags & SLAB_RECLAIM_ACCOUNT)
		gfp |= __GFP_RECLAIMABLE;
	if (s->flags & SLAB_CACHE_DMA32)
		gfp |= __GFP_DMA32;
	return s->nr_pages > PREFAULT_PAGES ? gfp : gfp | __GFP_PREFAULT;
}

/* A slab of several objects lies at a multiple of its size. */
static u32 slab_align_order(const struct kmem_cache *s)
{
	return s->nr_objects > 1 ? s->order :
	       pages_to_order(size_to_pages(max(s->align, 1u)));
}

static void slab_set_class(const struct kmem_cache *s, struct page *slab,
			   u16 class)
{
	pages_set_class(slab, s->nr_objects > 1 ? s->nr_pages : 1, class);
}

static u8 slab_next_colour(struct kmem_cache *s)
{
	u8 colour = READ_ONCE(s->next_colour);

	WRITE_ONCE(s->next_colour, (u8)((colour + 1) % s->nr_colours));
	return colour;
}

/* All are free and the slab is nobody's else: no lock is held. */
static __slowpath void slab_for_each_object(const struct kmem_cache *s,
					    struct page *slab,
					    void (*fn)(void *obj))
{
	char *base = slab_start(s, slab);

	for (u32 i = 0; i < s->nr_objects; i++)
		fn(base + (size_t)i * s->size);
}

/*
 * Pages for a slab, all of its objects free; from node @nid while that has
 * memory.  NULL: there is none.
 */
static struct page *slab_new(struct kmem_cache *s, u32 nid, gfp_t gfp)
{
	struct page *slab;

	if (unlikely(options.hardened))
		slab = harden_slab_alloc(s, nid, slab_align_order(s),
					 slab_by_pcp(s) && gfp == GFP_KERNEL,
					 slab_gfp(s, gfp));
	else if (slab_by_pcp(s) && gfp == GFP_KERNEL)
		slab = pcp_alloc(nid, s->order);
	else
		slab = page_range_alloc((int)nid, s->nr_pages,
					slab_align_order(s), slab_gfp(s, gfp));
	if (!slab)
		return NULL;
	for (u32 w = 0; w < SLAB_BITS_WORDS; w++)
		slab->free_bits[w] = 0;
	bits_set_range(slab->free_bits, 0, s->nr_objects);
	WRITE_ONCE(slab->type, PAGE_SLAB);	/* read racily: mm/page.h */
	WRITE_ONCE(slab->order, s->order);
	slab->nr_free = s->nr_objects;
	slab->bucket = SLAB_FULL;	/* in no list yet */
	WRITE_ONCE(slab->side, 0);
	if (unlikely(s->nr_colours))
		slab->colour = slab_next_colour(s);
	if (unlikely(s->ctor))
		slab_for_each_object(s, slab, s->ctor);
	if (unlikely(cache_is_debugged(s)))
		slab_debug_new(s, slab);
	slab_set_class(s, slab, (u16)s->geo.off);
	stat_add(STAT_SLAB_NEW, 1);
	return slab;
}

void slab_return(struct kmem_cache *s, struct page *slab)
{
	size_t nr = s->nr_pages;
	bool done;

	if (unlikely(cache_is_debugged(s)))
		slab_debug_drop(s, slab);
	if (unlikely(s->dtor))
		slab_for_each_object(s, slab, s->dtor);
	slab_set_class(s, slab, 0);
	WRITE_ONCE(slab->type, PAGE_NONE);
	stat_add(STAT_SLAB_GIVE_BACK, 1);
	if (unlikely(slab->guarded)) {
		done = guard_range_free(slab, nr);
		nr = guard_range_pages(nr);
	} else if (slab_by_pcp(s)) {
		done = pcp_free(slab, s->order);
	} else {
		done = page_range_free(slab, nr);
	}
	if (!done) {
		slab->nr_pages = (u32)nr;
		large_is_whole(slab);
		WRITE_ONCE(slab->type, PAGE_LARGE);
		free_defer(page_address(slab));
	}
}

/* The slab is in no list and all its objects are free. */
static void slab_give_back(struct kmem_cache *s, struct page *slab)
{
	if (unlikely(s->flags & SLAB_TYPESAFE_BY_RCU))
		slab_rcu_add(s, slab);
	else
		slab_return(s, slab);
}

/*
 * The densest slab with a free object.  Those that have become sparser since
 * they were listed are listed anew on the way, a few of them at a time.
 */
static struct page *slab_pick(const struct kmem_cache *s,
			      struct kmem_cache_node *n)
{
	u32 look = PICK_LOOK;

	for (u32 b = 0; b < SLAB_LISTS; b++)
		while (!list_empty(&n->slabs[b])) {
			struct page *slab = list_first(&n->slabs[b],
						       struct page, lru);

			if (slab_bucket(s, slab->nr_free) == b || !look--)
				return slab;
			slab_relist(s, n, slab);
		}
	return NULL;
}

/*
 * Number of the object that is taken first.  Slabs are aligned: if all gave out
 * their lowest object first, what a small program has at hand of each cache
 * would crowd in a few sets of the CPU's caches.  A large one does better with
 * addresses that rise.
 */
static u32 first_object(const struct kmem_cache *s,
			const struct kmem_cache_node *node,
			const struct page *slab)
{
	u32 hash = (u32)((uintptr_t)slab / sizeof(*slab)) * 0x9e3779b1u;

	return node->nr_slabs > FEW_SLABS ? 0 :
	       (hash >> 16) * s->nr_objects >> 16;
}

/* Free objects numbered from @first to @last - 1, at most @n, as below. */
static u32 take_between(struct kmem_cache *s, struct page *slab, u32 first,
			u32 last, void **end, u32 n)
{
	char *base = slab_start(s, slab);
	u32 got = 0;

	for (u32 w = first / 64; w * 64 < last && got < n; w++) {
		u64 mask = bits_word_mask(w, first, last - first);
		u64 bits = slab->free_bits[w] & mask;
		u32 nr = min(bits_weight(bits), n - got);

		if (!nr)
			continue;
		WRITE_ONCE(slab->free_bits[w],
			   (slab->free_bits[w] & ~mask) |
			   bits_take(bits, base + (size_t)w * 64 * s->size,
				     s->size, end - got, nr));
		got += nr;
	}
	return got;
}

/* Up to @n objects out of one slab into @end[-1], @end[-2], ... */
static u32 slab_take_from(struct kmem_cache *s, struct kmem_cache_node *node,
			  struct page *slab, void **end, u32 n)
{
	u32 first = first_object(s, node, slab);
	u32 got = take_between(s, slab, first, s->nr_objects, end, n);

	got += take_between(s, slab, 0, first, end - got, n - got);
	slab->nr_free = (u16)(slab->nr_free - got);
	ADD_ONCE(node->nr_used, got);
	slab_relist(s, node, slab);
	return got;
}

/* Under the node's lock. */
static void node_set_kept(const struct kmem_cache *s,
			  struct kmem_cache_node *n, u32 nr)
{
	size_t more = ((size_t)nr - n->nr_kept) * s->nr_pages;

	__atomic_fetch_add(&slab_kept_pages, more, __ATOMIC_RELAXED);
	WRITE_ONCE(n->nr_kept, nr);
}

static u32 most_kept(const struct kmem_cache *s)
{
	return KEPT_BYTES / (s->nr_pages << PAGE_SHIFT) / cache_sides(s);
}

/*
 * One more slab, of @nid if that has memory; returns its node, locked, or NULL
 * without memory.
 */
static struct kmem_cache_node *slab_add(struct kmem_cache *s, u32 nid,
					gfp_t gfp)
{
	struct page *slab = slab_new(s, nid, gfp);
	struct kmem_cache_node *node;

	if (!slab)
		return NULL;
	node = kmem_cache_node_get(s, page_to_nid(slab));
	if (!node || !lock_try_enter(&node->lock)) {
		slab_give_back(s, slab);
		return NULL;
	}
	store_release(&slab->side, (u8)node->side);
	slab_relist(s, node, slab);
	ADD_ONCE(node->nr_slabs, 1);
	/*
	 * One went back: who fills and drops will do so again.  Others than
	 * the owner give it back: a destructor's locks might be theirs.
	 */
	if (node->nr_given && node->nid == nid && !s->dtor) {
		node->nr_given--;
		if (node->nr_kept < most_kept(s))
			node_set_kept(s, node, node->nr_kept + 1);
	}
	return node;
}

size_t slab_empty_limit(const struct kmem_cache *s,
			const struct kmem_cache_node *n)
{
	size_t filled = node_nr_filled(n);
	bool used = n->nr_used * 2 >= filled * s->nr_objects;

	return (s->order <= EMPTY_ORDER) + (used ? filled / 16 : 0) +
	       n->nr_kept;
}

/*
 * Who destroys the cache while some of its slabs are in no list of it, but not
 * yet back (in a handler, or a destructor), must not give its slot up (H2).
 */
static void slabs_leave(struct kmem_cache *s, u32 change)
{
	if (READ_ONCE(s->state) == CACHE_KMALLOC)
		return;
	__atomic_fetch_add(&all_leaving, change, __ATOMIC_RELAXED);
	__atomic_fetch_add(&s->nr_leaving, change, __ATOMIC_ACQ_REL);
}

/*
 * What the forking thread had in hand itself, if a destructor or a handler
 * forked, is counted as well, and comes back: never too few.
 */
void slabs_fork_child(void)
{
	if (likely(!all_leaving))
		return;
	for (u32 i = FIRST_CREATED; i < FIRST_HARDEN; i++) {
		struct kmem_cache *s = class_to_cache(i << SHEAF_HEAD_SHIFT);

		if (s && s->nr_stray != s->nr_leaving)
			s->nr_stray = s->nr_leaving;
	}
}

void slab_unlist_empty(struct kmem_cache *s, struct kmem_cache_node *n,
		       size_t keep, struct list_head *list)
{
	/* A later call's, which may run destructors. */
	if (unlikely(s->dtor && reclaim_waits_not))
		return;
	if (n->nr_empty > keep && list_empty(list))
		slabs_leave(s, 1);
	while (n->nr_empty > keep) {
		struct page *slab = list_last(&n->slabs[SLAB_EMPTY],
					      struct page, lru);

		list_del(&slab->lru);
		list_add(&slab->lru, list);
		ADD_ONCE(n->nr_empty, -1);
		n->nr_given++;
		ADD_ONCE(n->nr_slabs, -1);
	}
}

void slabs_give_back(struct kmem_cache *s, struct list_head *list)
{
	if (list_empty(list))
		return;
	while (!list_empty(list)) {
		struct page *slab = list_first(list, struct page, lru);

		list_del(&slab->lru);
		slab_give_back(s, slab);
	}
	slabs_leave(s, -1u);	/* from here on @s may be another cache */
}

/* --- sides --- */

/* Free objects are a share of this side's that is worth a look; racy. */
static bool side_has_many_free(const struct kmem_cache *s,
			       const struct kmem_cache_node *n)
{
	size_t all = READ_ONCE(n->nr_slabs) * s->nr_objects;

	return READ_ONCE(n->nr_used) * STEAL_SHARE < all * (STEAL_SHARE - 1);
}

/* L8: under the locks of both. */
static void slab_move(const struct kmem_cache *s, struct kmem_cache_node *from,
		      struct kmem_cache_node *to, struct page *slab)
{
	size_t used = s->nr_objects - slab->nr_free;

	slab_set_bucket(from, slab, SLAB_FULL);
	ADD_ONCE(from->nr_slabs, -1);
	ADD_ONCE(from->nr_used, -used);
	store_release(&slab->side, (u8)to->side);
	ADD_ONCE(to->nr_slabs, 1);
	ADD_ONCE(to->nr_used, used);
	slab_relist(s, to, slab);
}

/*
 * With @node's lock.  Two that steal from each other would wait for ever: so who
 * has a higher side does not wait for a lower one.
 */
static bool side_enter(const struct kmem_cache_node *node,
		       struct kmem_cache_node *n)
{
	if (n->side > node->side)
		return lock_enter_nested(&n->lock, 1);
	return !READ_ONCE(n->lock.word) && lock_enter_nested(&n->lock, 0);
}

/*
 * The sparsest slab of another side comes to @node, whose lock is held; false:
 * they are not sparse, or their lock cannot be had.
 */
static bool slab_steal(struct kmem_cache *s, struct kmem_cache_node *node)
{
	bool done = false;

	for (u32 side = 0; side < NODE_SIDES && !done; side++) {
		struct kmem_cache_node *n = node_side(s, node->nid, side);

		if (!n || n == node || !side_has_many_free(s, n) ||
		    !side_enter(node, n))
			continue;
		for (u32 b = SLAB_LISTS; b-- && !done;) {
			done = !list_empty(&n->slabs[b]);
			if (done)
				slab_move(s, n, node,
					  list_first(&n->slabs[b], struct page,
						     lru));
		}
		lock_exit(&n->lock);
	}
	return done;
}

/* The side that has a free object, locked, where memory is out; or NULL. */
static __slowpath struct kmem_cache_node *side_of_last(struct kmem_cache *s,
						       u32 nid)
{
	for (u32 side = 0; side < NODE_SIDES; side++) {
		struct kmem_cache_node *n = node_side(s, nid, side);

		if (!n || !lock_try_enter(&n->lock))
			continue;
		if (slab_pick(s, n))
			return n;
		lock_exit(&n->lock);
	}
	return NULL;
}

/*
 * How often of late, in CONTENDED for each time less one for each other call: it
 * takes more than one call in CONTENDED that waits, for a while.
 */
void cache_contended(struct kmem_cache *s, u32 *count, bool busy)
{
	if (likely(!busy)) {
		*count -= *count != 0;
		return;
	}
	*count = min(*count + CONTENDED, CONTENDED * CONTENDED);
	if (*count == CONTENDED * CONTENDED && !READ_ONCE(s->split) &&
	    percpu.nr_cpus > 1)
		WRITE_ONCE(s->split, true);
}

/*
 * Where node @nid is out of memory, the slabs of another one serve, the dense
 * ones first as always.  The new slab may not be needed then.
 */
u32 slab_take_gfp(struct kmem_cache *s, u32 nid, void **objs, u32 n,
		  gfp_t gfp)
{
	struct kmem_cache_node *node = kmem_cache_node_get(s, nid);
	struct list_head empty = LIST_HEAD_INIT(empty);
	bool busy;
	u32 got = 0;

	if (!node)
		return 0;
	busy = READ_ONCE(node->lock.word);
	if (!lock_try_enter(&node->lock)) {
		stat_add(STAT_REENTER, 1);
		return 0;
	}
	cache_contended(s, &node->contended, busy);
	while (got < n) {
		struct page *slab = slab_pick(s, node);

		if (!slab && got)
			break;		/* enough: no new slab for the rest */
		if (!slab && READ_ONCE(s->split) && slab_steal(s, node))
			continue;
		if (!slab) {
			lock_exit(&node->lock);
			if (READ_ONCE(s->split))
				got = barn_get_remote(s, nid, objs, n);
			if (got)
				return got;
			node = slab_add(s, nid, gfp);
			if (unlikely(!node && READ_ONCE(s->split)))
				node = side_of_last(s, nid);
			if (!node)
				return 0;
			continue;
		}
		got += slab_take_from(s, node, slab, objs + n - got, n - got);
	}
	if (unlikely(node->nid != nid))
		slab_unlist_empty(s, node, slab_empty_limit(s, node), &empty);
	if (node->nr_past)
		barn_missed(s, node, got);
	lock_exit(&node->lock);
	slabs_give_back(s, &empty);
	/* Close the gap below what was found. */
	if (got < n)
		for (u32 i = 0; i < got; i++)
			objs[i] = objs[n - got + i];
	stat_add(STAT_SLAB_ALLOC, got);
	return got;
}

u32 slab_take(struct kmem_cache *s, u32 nid, void **objs, u32 n)
{
	return slab_take_gfp(s, nid, objs, n, GFP_KERNEL);
}

/* Not inlined: the loops over objects are for machines with one node. */
u32 object_to_nid_slow(const void *obj)
{
	struct section *sec = addr_to_section(obj);

	return sec ? sec->zone->node : 0;
}

bool slab_is_object(const struct kmem_cache *s, const void *obj)
{
	return addr_to_class(obj) == s->geo.off && slab_starts_object(s, obj);
}

/*
 * Without the lock: the bit of an object that is not free changes in the hands
 * of its holder alone, and it is of others that this is to say something.
 */
bool slab_object_is_free(struct kmem_cache *s, const void *obj)
{
	u32 index = slab_object_index(s, obj);

	return READ_ONCE(object_slab(s, obj)->free_bits[index / 64]) >>
	       index % 64 & 1;
}

__slowpath void slab_bad_free(const struct kmem_cache *s, const char *what,
			      const void *obj)
{
	alloc_fatal("%s: %p (cache %s, object size %u)", what, obj, s->name,
		    s->object_size);
}

void slab_shrink(struct kmem_cache *s, size_t keep)
{
	struct list_head empty = LIST_HEAD_INIT(empty);

	for_each_cache_node(s, n) {
		if (!lock_try_enter(&n->lock))
			continue;
		slab_unlist_empty(s, n, keep, &empty);
		keep -= n->nr_empty;
		n->nr_given = 0;
		node_set_kept(s, n, 0);
		barn_unlearn(s, n);
		lock_exit(&n->lock);
	}
	slabs_give_back(s, &empty);
}

/*
 * By as much as the number of empty ones has moved, waves have used those kept:
 * what lies below the least has been of no use to them.
 */
static u32 kept_of_waves(const struct kmem_cache_node *n)
{
	return min(n->nr_kept, n->most_empty - n->least_empty);
}

size_t slab_give_kept(struct kmem_cache *s, bool all)
{
	struct list_head empty = LIST_HEAD_INIT(empty);
	size_t nr = 0;

	for_each_cache_node(s, n) {
		if (!(READ_ONCE(n->nr_kept) || READ_ONCE(n->nr_past)) ||
		    !lock_try_enter(&n->lock))
			continue;
		nr += n->nr_slabs;
		node_set_kept(s, n, all ? 0 : kept_of_waves(n));
		slab_unlist_empty(s, n, slab_empty_limit(s, n), &empty);
		if (!all)
			n->nr_given = 0;
		n->least_empty = n->most_empty = (u32)n->nr_empty;
		WRITE_ONCE(n->nr_past, 0);
		nr -= n->nr_slabs;
		lock_exit(&n->lock);
	}
	slabs_give_back(s, &empty);
	return nr * s->nr_pages;
}
