/*
 * slab_put.c - objects that go back into their slabs: each sets its free bit;
 * one that is set already is a double free, caught exactly.
 *
 * Every address is looked at as one that anybody may have passed, until its
 * page's class has said that it lies in a slab of the cache.
 *
 * A batch goes in under the lock of its first object's side, and what belongs
 * to others under theirs, after: as slabs stay where they are while objects come
 * and go, that is little.  slab.c has the invariants.
 *
 * Locking: node->lock, one at a time.
 */
#include "core/stats.h"
#include "mm/zone.h"
#include "slab/slab_bits.h"
#include "slab/slab_list.h"

#define PREFETCH_AHEAD	8	/* objects before the one that is put back */
#define ROW_MIN		8	/* fewer in a row are as fast one by one */

/*
 * The slab of @s that starts at @start, or NULL: that is none.  The class says
 * it (L4), so the section is looked for once and nothing else is asked: loops
 * over objects that lie in a slab each have many of these loads under way.
 */
static struct page *slab_at(const struct kmem_cache *s, uintptr_t start)
{
	const struct section *sec = addr_to_section((void *)start);
	size_t pfn;

	if (unlikely(!sec))
		return NULL;
	pfn = (start - sec->base) >> PAGE_SHIFT;
	if (unlikely(pfn >= READ_ONCE(sec->frontier) ||
		     READ_ONCE(sec->classes[-1 - (long)pfn]) != s->geo.off))
		return NULL;
	return &sec->vmemmap[pfn];
}

/*
 * The line of an object's slab, of section 0, where nearly all are.  Inlined:
 * gcc drops calls of a function that does nothing but this.
 */
__fastpath void slab_prefetch(const struct kmem_cache *s, const void *obj)
{
	const struct section *sec = sections[0];
	uintptr_t start = (uintptr_t)obj & ~(uintptr_t)s->slab_mask;
	size_t pfn = (start - sec->base) >> PAGE_SHIFT;

	/* Of another section, this may be no address, which does no harm. */
	__builtin_prefetch((void *)((uintptr_t)sec->vmemmap +
				    pfn * sizeof(struct page)), 1);
}

/* Of another side than the one that is being put to. */
struct rest {
	u32 nr;
	void *objs[SHEAF_MAX_BATCH];
};

/* What slab_put_one() says of what belongs to another side. */
static const char elsewhere[] = "of another side";

/* Why @obj, any address, cannot be put back, or NULL: it is free. */
static const char *slab_put_one(struct kmem_cache *s,
				struct kmem_cache_node *node, const void *obj)
{
	struct page *slab = slab_at(s, (uintptr_t)obj &
				       ~(uintptr_t)s->slab_mask);
	u32 index = slab ? slab_object_index(s, obj) : s->nr_objects;
	u64 bit = (u64)1 << (index % 64), *word;

	if (index >= s->nr_objects)
		return "invalid free";
	if (unlikely(slab->side != node->side))
		return elsewhere;
	word = &slab->free_bits[index / 64];
	if (*word & bit)
		return "double free";
	WRITE_ONCE(*word, *word | bit);
	slab->nr_free++;
	/* Neighbours in a list are lines that nobody else wants now (L2). */
	if (slab->bucket == SLAB_FULL || slab->nr_free == s->nr_objects)
		slab_relist(s, node, slab);
	return NULL;
}

/*
 * The same for many, of section 0 and without colours, with what is constant in
 * registers, and those in a row together: of what a flush costs, this is the most.
 * Returns how many; the one behind them, or one in a row with it, is for
 * slab_put_one(), which also knows what is wrong with it.
 */
static u32 slab_put_near(struct kmem_cache *s, struct kmem_cache_node *node,
			 void *const *objs, u32 n, struct rest *rest)
{
	const struct section *sec = sections[0];
	struct page *const vmemmap = sec->vmemmap;
	const u16 *const class = sec->classes - 1;
	const uintptr_t base = sec->base, mask = s->slab_mask;
	const size_t end = READ_ONCE(sec->frontier);
	const u32 off = s->geo.off, magic = s->geo.magic;
	const u32 nr_objects = s->nr_objects, side = node->side;
	u32 i, nr;

	for (i = 0; i < n; i += nr) {
		uintptr_t obj = (uintptr_t)objs[i];
		size_t pfn = ((obj & ~mask) - base) >> PAGE_SHIFT;
		u64 product = (u64)(obj & mask) * magic, bit, bits;
		u32 index = (u32)(product >> 32), nr_free;
		struct page *slab = vmemmap + pfn;

		if (i + PREFETCH_AHEAD < n) {
			uintptr_t next = (uintptr_t)objs[i + PREFETCH_AHEAD];

			next = ((next & ~mask) - base) >> PAGE_SHIFT;
			__builtin_prefetch((void *)((uintptr_t)vmemmap +
						    next * sizeof(*slab)), 1);
		}
		if (unlikely(pfn >= end || READ_ONCE(class[-(long)pfn]) != off ||
			     (u32)product >> 16 || index >= nr_objects))
			break;
		nr = 1;
		if (unlikely(slab->side != side)) {
			rest->objs[rest->nr++] = objs[i];
			continue;
		}
		bit = (u64)1 << index % 64;
		if (i + ROW_MIN <= n &&
		    (uintptr_t)objs[i + ROW_MIN - 1] - obj ==
			    ((uintptr_t)objs[i + 1] - obj) * (ROW_MIN - 1))
			nr = row_of_word(s, index, objs + i, n - i, &bit);
		bits = slab->free_bits[index / 64];
		if (unlikely(bits & bit))
			break;
		WRITE_ONCE(slab->free_bits[index / 64], bits | bit);
		nr_free = slab->nr_free + nr;
		slab->nr_free = (u16)nr_free;
		if (unlikely(slab->bucket == SLAB_FULL || nr_free == nr_objects))
			slab_relist(s, node, slab);
	}
	return i;
}

/*
 * Put back the first of @n objects and those after it that lie in the same
 * node, but for those of other sides than @node, which go to @rest; returns how
 * many, 0 if re-entered.  @rest may be where @objs is.
 */
static u32 slab_put_run(struct kmem_cache *s, struct kmem_cache_node *node,
			void *const *objs, u32 n, struct rest *rest)
{
	struct list_head empty = LIST_HEAD_INIT(empty);
	const char *wrong = NULL;
	bool busy;
	u32 i = 0;

	/* Together, and with the lock's line: each may be another CPU's. */
	for (u32 ahead = 0; ahead < min(n, (u32)PREFETCH_AHEAD); ahead++)
		slab_prefetch(s, objs[ahead]);
	busy = READ_ONCE(node->lock.word);
	if (!lock_try_enter(&node->lock)) {
		stat_add(STAT_REENTER, 1);
		return 0;
	}
	cache_contended(s, &node->contended, busy);
	if (likely(nr_nodes == 1 && !s->nr_colours))
		i = slab_put_near(s, node, objs, n, rest);
	for (; i < n && object_to_nid(objs[i]) == node->nid; i++) {
		if (i + PREFETCH_AHEAD < n)
			slab_prefetch(s, objs[i + PREFETCH_AHEAD]);
		wrong = slab_put_one(s, node, objs[i]);
		if (unlikely(wrong == elsewhere))
			rest->objs[rest->nr++] = objs[i];
		else if (unlikely(wrong))
			break;
	}
	ADD_ONCE(node->nr_used, -(size_t)(i - rest->nr));	/* L3 */
	WRITE_ONCE(node->nr_past, node->nr_past + i - rest->nr);
	slab_unlist_empty(s, node, slab_empty_limit(s, node), &empty);
	lock_exit(&node->lock);
	if (unlikely(i < n && wrong && wrong != elsewhere))
		slab_bad_free(s, wrong, objs[i]);
	slabs_give_back(s, &empty);
	stat_add(STAT_SLAB_FREE, i - rest->nr);
	return i;
}

/* By the locks of their sides, until none is left; re-entered, they wait. */
static __slowpath void slab_put_rest(struct kmem_cache *s, struct rest *rest)
{
	while (rest->nr) {
		const void *obj = rest->objs[0];
		struct kmem_cache_node *node =
			slab_node(s, object_to_nid(obj), object_slab(s, obj));
		u32 n = rest->nr;

		/* The slab is not yet in anybody's lists: all of it is free. */
		if (unlikely(!node))
			slab_bad_free(s, "double free", obj);
		rest->nr = 0;
		if (slab_put_run(s, node, rest->objs, n, rest))
			continue;
		for (u32 i = 0; i < n; i++)
			free_defer(rest->objs[i]);
	}
}

/* That of @obj, which may be any address; or where it can be told wrong. */
static struct kmem_cache_node *first_node(struct kmem_cache *s,
					  const void *obj)
{
	u32 nid = object_to_nid(obj);
	struct kmem_cache_node *n = NULL;
	const struct page *slab;

	if (unlikely(READ_ONCE(s->split))) {
		slab = object_slab(s, obj);
		n = slab ? slab_node(s, nid, slab) : NULL;
	}
	return n ? n : kmem_cache_node(s, nid);
}

bool slab_put(struct kmem_cache *s, void *const *objs, u32 n)
{
	struct rest rest;
	u32 done, put = 1;

	for (done = 0; put && done < n; done += put) {
		struct kmem_cache_node *node = first_node(s, objs[done]);

		if (unlikely(!node))
			slab_bad_free(s, "invalid free", objs[done]);
		rest.nr = 0;
		put = slab_put_run(s, node, objs + done,
				   min(n - done, (u32)SHEAF_MAX_BATCH), &rest);
		if (unlikely(rest.nr))
			slab_put_rest(s, &rest);
	}
	if (!done)
		return false;
	/* Interrupted inside another node: it is too late to refuse. */
	for (; done < n; done++)
		free_defer(objs[done]);
	return true;
}
