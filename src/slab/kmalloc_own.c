/*
 * kmalloc_own.c - size classes of a program's own.
 *
 * Many programs keep thousands of objects of one size a little above a power
 * of two, a page or a buffer of their own behind a header, where a class wastes
 * a tenth of each: 1032 bytes in 1152.  Whenever a class of some tens of pages
 * makes a slab, the request that needed it has a vote for its 16 bytes of
 * sizes; when most of the votes are for one of them and a slab of exactly such
 * objects would hold more, that size becomes a class.  A class of a small share
 * of the heap votes on nothing: what two classes keep at hand, each in its
 * sheaves, barn and partial slabs, would be more than what they save.
 *
 * The hot paths know nothing of it: the table of sizes has an entry for every
 * 16 bytes, and the new class goes where the wide one was.  Objects that
 * have been given out stay in theirs.  When the last of them has come back,
 * what sheaves and barns have of the wide class keeps its slabs, and only a few
 * sizes ask for them: when the own class has grown, they go back, tried once
 * for each quarter that it grows by, since those few may make them anew.
 *
 * Invariants:
 *   O1. own classes 0 to nr_own - 1 have caches; at most the next one has.
 *   O2. a cache is found before the table names its class.
 *   O3. an entry of the table names a class that holds its size.
 *
 * Votes are racy: one that is lost, or counted for another size, costs a
 * slab or two.  A size that is a multiple of a larger power of two than the
 * class's stays where it was, for kmalloc() has promised that alignment, and
 * kmalloc_aligned() asks for such sizes alone.  With hardened=1, whose shapes
 * are of the classes of all, they do not exist.
 */
#include "core/options.h"
#include "slab/kmalloc.h"

#define UNIT		16u	/* bytes; of the table */
#define OWN_VOTES	8	/* ahead of the others', which count twice */
#define OWN_GAIN	32u	/* one object more in so many */
#define OWN_SHARE	8	/* of the heap: less is not worth a class's own */

/* Sizes up to units * UNIT that the last class does not hold, and their lead. */
struct ballot {
	u16 units;
	u16 lead;
};

static struct ballot ballots[KMALLOC_CLASSES];	/* racy */
static u32 nr_own;				/* atomic; O1 */
static size_t looked[KMALLOC_OWN];	/* own slabs before the next try; racy */

/* The size that leads; 0: it does not lead by enough. */
static u32 vote(struct ballot *b, u32 units)
{
	u32 lead = READ_ONCE(b->lead);

	if (READ_ONCE(b->units) == units) {
		lead++;
	} else if (lead >= 2) {
		lead -= 2;
	} else {
		WRITE_ONCE(b->units, (u16)units);
		lead = 1;
	}
	WRITE_ONCE(b->lead, (u16)(lead < OWN_VOTES ? lead : 0));
	return lead < OWN_VOTES ? 0 : units * UNIT;
}

static u32 objects_per_64k(const struct kmem_cache *s)
{
	return (u32)s->nr_objects << (SLAB_MAX_ORDER - s->order);
}

/* The largest power of two that divides @size. */
static u32 lowest_bit(u32 size)
{
	return size & -size;
}

static bool is_worth_it(const struct kmem_cache *s, u32 size)
{
	struct kmem_cache own;
	u32 have = objects_per_64k(s);

	slab_geometry(&own, size);
	return objects_per_64k(&own) >= have + max(have / OWN_GAIN, 1u);
}

/*
 * What the class @index stands for from the last class up to @size, as far as
 * objects of @size are aligned for it.
 */
static void point_to(u32 index, u32 size, u32 own)
{
	u16 from = (u16)kmalloc_index_to_off(index);
	u32 first = kmalloc_class_size(index - 1) / UNIT + 1;

	for (u32 i = first; i <= size / UNIT; i++)
		if (lowest_bit(i * UNIT) <= lowest_bit(size) &&
		    READ_ONCE(hot.size_class[i]) == from)
			store_release(&hot.size_class[i], /* O2 */
				      (u16)kmalloc_index_to_off(own));
}

static void make_own(u32 index, u32 size)
{
	u32 nr = load_acquire(&nr_own), own = KMALLOC_CLASSES + nr;
	struct kmem_cache *s;

	if (nr == KMALLOC_OWN)
		return;
	s = kmalloc_make_cache(own, size);
	if (!s)
		return;
	/* By whoever sees it: who made it may not be in this process. */
	__atomic_compare_exchange_n(&nr_own, &nr, nr + 1, false,
				    __ATOMIC_RELEASE, __ATOMIC_RELAXED);
	/* It may have become another thread's, for another size. */
	if (s->object_size == size)
		point_to(index, size, own);
}

void kmalloc_own_slab(u32 index, size_t size)
{
	struct kmem_cache *s = class_to_cache(kmalloc_index_to_off(index));
	u32 own;

	if (options.hardened || cache_is_debugged(s) ||
	    READ_ONCE(nr_own) == KMALLOC_OWN ||
	    kmem_cache_nr_slabs(s) * s->nr_pages <
		    zones_used_pages() / OWN_SHARE)
		return;
	own = vote(&ballots[index], (u32)(size + UNIT - 1) / UNIT);
	if (own && is_worth_it(s, own))
		make_own(index, own);
}

void kmalloc_own_look(u32 index)
{
	struct kmem_cache *own = class_to_cache(kmalloc_index_to_off(index));
	/* The wide class: it served these sizes before. */
	u32 off = kmalloc_index_to_off(kmalloc_index(own->object_size));
	struct kmem_cache *s = class_to_cache(off);
	size_t used = s ? kmem_cache_nr_used(s) : 0, barns, *most, slabs;

	if (likely(!used))
		return;
	/* Who goes on asking for the wide one shall not make it anew each time. */
	most = &looked[index - KMALLOC_CLASSES];
	slabs = kmem_cache_nr_slabs(own);
	if (slabs < READ_ONCE(*most))
		return;
	if (percpu_is_draining())	/* worth no waiting */
		return;
	/* Most that are in use are more than a CPU or two have at hand. */
	barns = barn_count(s);
	if (used <= barns + 2u * READ_ONCE(s->capacity) &&
	    used <= barns + percpu_count(off)) {
		WRITE_ONCE(*most, slabs + slabs / 4 + 1);
		slab_reclaim_cache(s);
	}
}
